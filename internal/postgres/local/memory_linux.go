package local

import "syscall"

// inMemory is where Linux keeps files in memory. Copies of a test's database are made there in two thirds of the time.
const inMemory = "/dev/shm"

// roomFor is how much must be free there: containers have little of it.
const roomFor = 4 << 30

// spacious tells whether dir has room for a throw-away server.
func spacious(dir string) bool {
	var s syscall.Statfs_t
	return syscall.Statfs(dir, &s) == nil && s.Bavail*uint64(s.Bsize) >= roomFor
}
