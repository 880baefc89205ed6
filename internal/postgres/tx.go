package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrCommitBelongsToInTx is the answer to a function that commits or rolls back the transaction it was given.
var ErrCommitBelongsToInTx = errors.New("postgres: InTx commits; return an error to roll back")

// tx is the pgx.Tx that InTx hands to its function: all of it but the end.
type tx struct {
	pgx.Tx
	xid      uint64
	pid      uint32
	timeline string
}

// Commit refuses.
func (*tx) Commit(context.Context) error { return ErrCommitBelongsToInTx }

// Rollback refuses.
func (*tx) Rollback(context.Context) error { return ErrCommitBelongsToInTx }

// inTx begins READ COMMITTED and lifts the statement timeout before COMMIT: a COMMIT that is cancelled while it waits
// for a standby reports success without it.
var inTx = pgx.TxOptions{
	IsoLevel:    pgx.ReadCommitted,
	CommitQuery: "SET LOCAL statement_timeout = 0; COMMIT",
}

// begin learns the transaction id in the round trip of BEGIN: afterwards it is too late to ask.
func begin(ctx context.Context, conn *pgx.Conn) (*tx, error) {
	t := &tx{pid: conn.PgConn().PID()}
	t.timeline, _ = conn.PgConn().CustomData()[timelineData].(string)
	batch := &pgx.Batch{}
	batch.BeginTx(inTx)
	batch.Queue("SELECT pg_current_xact_id()::text").QueryRow(func(row pgx.Row) error {
		var text string
		if err := row.Scan(&text); err != nil {
			return err
		}
		var err error
		t.xid, err = strconv.ParseUint(text, 10, 64)
		return err
	})
	results := conn.SendBatch(ctx, batch)
	t.Tx = results.Tx()
	if err := results.Close(); err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	return t, nil
}

// rollback tells the server at once; a connection that cannot be told is destroyed on release, which does the same.
func (t *tx) rollback(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = t.Tx.Rollback(ctx)
}
