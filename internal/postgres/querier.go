package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Querier reads: a pool, a connection or a transaction. Whoever reads within a transaction passes that, so that it sees what the
// transaction wrote and waits for no connection beside its own.
type Querier interface {
	// Query sends a statement that returns rows, as [pgx.Conn.Query] does.
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	// QueryRow sends a statement of which at most one row is read, as [pgx.Conn.QueryRow] does.
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}
