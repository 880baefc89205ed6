//go:build race

package vault

// raceDetector makes sync.Pool drop things at random.
const raceDetector = true
