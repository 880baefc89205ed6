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
//	*UnknownError    the server took COMMIT and its answer was lost, and nobody could be asked yet
//
// A COMMIT whose answer is lost is first resolved: by the natural key that the transaction wrote (Key.Resolve), and by
// pg_xact_status of its transaction id, which InTx reads in the same round trip as BEGIN. Only a question that cannot be
// answered within its time budget becomes an UnknownError, and the caller answers "unknown, ask again with the same key".
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
