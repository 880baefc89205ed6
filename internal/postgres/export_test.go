package postgres

import "time"

// SetTimeouts shortens the waits of InTx and returns what restores them.
func SetTimeouts(commit, resolve time.Duration) (restore func()) {
	oldCommit, oldResolve := commitTimeout, resolveBudget
	commitTimeout, resolveBudget = commit, resolve
	return func() { commitTimeout, resolveBudget = oldCommit, oldResolve }
}
