package notification

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// A row that is there belongs to an earlier result of the operation, which another one has replaced: an instant payment that
// came late. It is kept.
const add = `
INSERT INTO notifications (merchant_id, order_id, operation, sequence, created_at, due_at)
SELECT $1, $2, $3, 1 + coalesce(max(sequence), 0), $4, $4 FROM notifications WHERE merchant_id = $1 AND order_id = $2 AND operation = $3
RETURNING sequence`

// Add writes that a merchant's server is to be told the result of an operation, due at once, in the transaction of the caller. It
// returns the sequence: how often the operation has been told, this time included.
func Add(ctx context.Context, tx pgx.Tx, merchant int32, order int64, operation int16, at time.Time) (sequence int16, err error) {
	if err = tx.QueryRow(ctx, add, merchant, order, operation, at).Scan(&sequence); err != nil {
		return 0, fmt.Errorf("note what to tell of %d.%d: %w", order, operation, err)
	}
	return sequence, nil
}

var hurry = words.In(`
UPDATE notifications SET due_at = $4 WHERE merchant_id = $1 AND order_id = $2 AND operation = $3 AND state = @Pending RETURNING sequence`)

// Hurry makes a pending notification of an operation due, and returns its sequence; 0: none is pending.
func Hurry(ctx context.Context, tx pgx.Tx, merchant int32, order int64, operation int16, at time.Time) (sequence int16, err error) {
	err = tx.QueryRow(ctx, hurry, merchant, order, operation, at).Scan(&sequence)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	return sequence, err
}
