package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrCommitBelongsToInTx is the answer to a function that commits or rolls back the transaction it was given.
var ErrCommitBelongsToInTx = errors.New("postgres: InTx commits; return an error to roll back")

// tx is the pgx.Tx that InTx hands to its function: all of it but the end.
type tx struct {
	pgx.Tx
	token   token
	session session
}

// token is what a transaction writes to be found by. Only rows of commits hold one, and no two transactions share one.
type token struct {
	at   time.Time // as the server wrote it
	uuid [16]byte
}

// Commit refuses.
func (*tx) Commit(context.Context) error { return ErrCommitBelongsToInTx }

// Rollback refuses.
func (*tx) Rollback(context.Context) error { return ErrCommitBelongsToInTx }

// inTx begins READ COMMITTED and lifts the statement timeout before COMMIT: a COMMIT that is canceled while it waits
// for a standby reports success without it.
var inTx = pgx.TxOptions{
	IsoLevel:    pgx.ReadCommitted,
	CommitQuery: "SET LOCAL statement_timeout = 0; COMMIT",
}

// sqlToken writes the token.
const sqlToken = `INSERT INTO public.commits (token) VALUES ($1) RETURNING at`

// begin writes the transaction's token in the round trip of BEGIN.
func begin(ctx context.Context, conn *pgx.Conn) (*tx, error) {
	t := &tx{session: sessionOf(conn)}
	_, _ = rand.Read(t.token.uuid[:])
	batch := &pgx.Batch{}
	batch.BeginTx(inTx)
	batch.Queue(sqlToken, t.token.uuid).QueryRow(func(row pgx.Row) error { return row.Scan(&t.token.at) })
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
