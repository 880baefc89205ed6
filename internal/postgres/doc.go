// Package postgres opens the database and owns the one way to commit.
//
// # Opening
//
// Open gives a native pgx pool whose every session has the same search path, time zone, time limits and role, and
// refuses a server that could lose an acknowledged commit: fsync, full_page_writes or synchronous_commit off,
// data_sync_retry on, or a version below 15.
//
// # The commit rule
//
// InTx is the only place that sends COMMIT. Its error says which of three things is true:
//
//	nil              committed, for sure
//	*RejectedError   rolled back, for sure; nothing happened
//	*UnknownError    the server took COMMIT, or may have, and nobody can tell whether it committed
//
// Every transaction writes a random token of its own into the table commits, in the round trip of BEGIN. A COMMIT whose answer
// is lost is resolved by it: the token is there, and it committed; or its session has ended without it, and it never will.
// After a recovery or a fail-over an absent token proves nothing, and neither does the status of a transaction's number at
// any time: the server gives the number of a transaction that a crash has lost to another one. docs/adr/0013 says more.
// UnknownError is for the caller to pass on: what it asked for may be there, and is looked for later.
//
// Whether an error of the driver is called safe to retry is never consulted: pgx says so of transactions that did
// commit. database/sql is not used for the same reason: it repeats statements by itself.
//
// A transaction is repeated only for a serialization failure or a deadlock, which the server itself rolled back.
//
// # Sub-packages
//
// local starts a PostgreSQL server of our own for the demo and the tests; pgtest gives a test its own migrated database.
package postgres
