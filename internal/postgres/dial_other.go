//go:build !linux

package postgres

import "syscall"

// limitUnanswered does nothing where the system has no such limit: the probes remain.
func limitUnanswered(string, string, syscall.RawConn) error { return nil }
