// Package keyring remembers which keys the database belongs to (ADR 16), and which of them are revoked (ADR 40). A key is known by a mark, which tells whether a
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
	Purpose     string    // cards, links or fingerprints; of generation 0, which serves both of these, fingerprints
	Mark        []byte    `db:"check_value"`
	FirstUsed   time.Time `db:"first_used_at"`
}

const (
	lockKeys   = `SELECT pg_advisory_xact_lock($1)`
	knownKeys  = `SELECT generation, environment, purpose, check_value, first_used_at FROM key_checks ORDER BY generation`
	anySealed  = `SELECT merchant_id, order_id, card FROM orders WHERE length(card) > 0 LIMIT 1`
	rememberIt = `INSERT INTO key_checks (generation, environment, check_value, first_used_at, purpose) VALUES ($1, $2, $3, $4, $5)`
	revoked    = `SELECT generation, purpose, revoked_at, reason FROM key_revocations ORDER BY generation, purpose`
	revokeIt   = `INSERT INTO key_revocations (generation, purpose, revoked_at, reason) VALUES ($1, $2, $3, $4)`
)

// Revocation is a generation of keyed hashes that nothing is believed of any more, for one of its purposes.
type Revocation struct {
	Generation int32
	Purpose    string
	At         time.Time `db:"revoked_at"`
	Reason     string
}

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
	if _, err := tx.Exec(ctx, rememberIt, k.Generation, k.Environment, k.Mark, k.FirstUsed, k.Purpose); err != nil {
		return fmt.Errorf("remember key %d: %w", k.Generation, err)
	}
	return nil
}

// Revoked returns the generations that the database knows to be revoked.
func Revoked(ctx context.Context, q postgres.Querier) ([]Revocation, error) {
	rows, err := q.Query(ctx, revoked)
	if err != nil {
		return nil, fmt.Errorf("read revoked keys of the database: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Revocation])
}

// Revoke adds a revocation; there is no way back.
func Revoke(ctx context.Context, tx pgx.Tx, r Revocation) error {
	if _, err := tx.Exec(ctx, revokeIt, r.Generation, r.Purpose, r.At, r.Reason); err != nil {
		return fmt.Errorf("remember that generation %d is revoked: %w", r.Generation, err)
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
