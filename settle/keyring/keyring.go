// Package keyring remembers which keys the cards of the books are sealed with (ADR 16). A key is known by a mark, which tells whether a
// key is the same one and nothing about it. What is remembered is never changed; who judges is the caller, with the keys in its hand.
package keyring

import (
	"context"
	"errors"
	"fmt"
	"time"

	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// Key is a key that the database belongs to.
type Key struct {
	Generation  int32
	Environment string    // test or live
	Mark        []byte    `db:"check_value"`
	FirstUsed   time.Time `db:"first_used_at"`
}

const (
	lockKeys   = `SELECT pg_advisory_xact_lock($1)`
	knownKeys  = `SELECT generation, environment, check_value, first_used_at FROM key_checks ORDER BY generation`
	anySealed  = `SELECT merchant_id, order_id, card FROM orders WHERE length(card) > 0 LIMIT 1`
	rememberIt = `INSERT INTO key_checks (generation, environment, check_value, first_used_at) VALUES ($1, $2, $3, $4)`
)

// keysLock is the advisory lock that is held while keys are compared and remembered.
const keysLock = 0x5e77ad

// Lock makes other transactions that compare keys wait until this one ends.
func Lock(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, lockKeys, keysLock); err != nil {
		return fmt.Errorf("lock keys of the database: %w", err)
	}
	return nil
}

// Known returns the keys that the database belongs to, the oldest first.
func Known(ctx context.Context, q postgres.Querier) ([]Key, error) {
	rows, err := q.Query(ctx, knownKeys)
	if err != nil {
		return nil, fmt.Errorf("read keys of the database: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Key])
}

// Remember adds a key.
func Remember(ctx context.Context, tx pgx.Tx, k Key) error {
	if _, err := tx.Exec(ctx, rememberIt, k.Generation, k.Environment, k.Mark, k.FirstUsed); err != nil {
		return fmt.Errorf("remember key %d: %w", k.Generation, err)
	}
	return nil
}

// Card is a sealed card and the order that it is bound to.
type Card struct {
	Merchant int32  `db:"merchant_id"`
	Order    int64  `db:"order_id"`
	Sealed   []byte `db:"card"`
}

// AnyCard returns a sealed card of the books, or nil when there is none: what keys can be tried on where none are remembered.
func AnyCard(ctx context.Context, q postgres.Querier) (*Card, error) {
	rows, err := q.Query(ctx, anySealed)
	if err != nil {
		return nil, fmt.Errorf("read a sealed card: %w", err)
	}
	card, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByName[Card])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read a sealed card: %w", err)
	}
	return card, nil
}
