package postgres

import "time"

// SetGraces shortens how long InTx outlasts a deadline and returns what restores it.
func SetGraces(commit, resolve time.Duration) (restore func()) {
	oldCommit, oldResolve := commitGrace, resolveGrace
	commitGrace, resolveGrace = commit, resolve
	return func() { commitGrace, resolveGrace = oldCommit, oldResolve }
}

// SetTimeouts shortens the waits of InTx and returns what restores them.
func SetTimeouts(commit, resolve time.Duration) (restore func()) {
	oldCommit, oldResolve := commitTimeout, resolveBudget
	commitTimeout, resolveBudget = commit, resolve
	return func() { commitTimeout, resolveBudget = oldCommit, oldResolve }
}
