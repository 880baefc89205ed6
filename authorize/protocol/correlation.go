package protocol

import (
	"crypto/rand"
	"encoding/hex"
)

// Correlation names a request in the answer's header and in the log. It begins with a letter, so that a search for
// card numbers in logs does not find it.
func Correlation() string {
	var id [8]byte
	_, _ = rand.Read(id[:])
	return "r" + hex.EncodeToString(id[:])
}
