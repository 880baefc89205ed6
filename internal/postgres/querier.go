package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Querier reads: a pool, a connection or a transaction. Whoever reads within a transaction passes that, so that it sees what the
// transaction wrote and waits for no connection beside its own.
type Querier interface {
	// Query sends a statement that returns rows, as [pgx.Conn.Query] does.
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	// QueryRow sends a statement of which at most one row is read, as [pgx.Conn.QueryRow] does.
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Execer reads and writes: a pool or a transaction.
type Execer interface {
	Querier
	// Exec sends a statement whose rows nobody reads, as [pgx.Conn.Exec] does.
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}
