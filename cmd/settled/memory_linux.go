package main

import (
	"errors"

	"golang.org/x/sys/unix"
)

// keepMemory lets no core dump of this process be written, and no other process of its account read its memory: card numbers and keys
// stand in it.
func keepMemory() error {
	return errors.Join(unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}), unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0))
}
