package verdict

import (
	"context"
	"fmt"
	"time"

	"settled/settle"
	"settled/settle/breaks"

	"github.com/jackc/pgx/v5"
)

const (
	// cancelsOfRejected are the parts of cancels, with credits, of slices whose sale this reply rejects. A cancel that
	// committed before us could not know. It names the window of its credits, but the record of the last one only.
	cancelsOfRejected = `
SELECT o.merchant_id, o.order_id, o.operation, j.slice, o.window_id
FROM rejects j JOIN operations o ON o.merchant_id = j.merchant_id AND o.order_id = j.order_id AND o.kind = $3 AND o.record_id IS NOT NULL
WHERE j.window_id = $1 AND j.reply_id = $2 AND j.kind = $4`
	// creditsWithoutSale are the credits of those parts. Records have no index by order, so the windows are read once
	// (readWindowsOnce).
	creditsWithoutSale = `
SELECT $1::text || '/record/' || c.record_id AS fingerprint, $2::smallint AS center_id, c.merchant_id, c.order_id AS order_ref, c.amount, c.currency,
	'credit of slice ' || c.slice || ' whose sale the center rejected: withdraw it if its window is open, else chase the sale' AS note
FROM records c
	JOIN unnest($3::int[], $4::bigint[], $5::smallint[], $6::smallint[], $7::int[]) AS o (merchant_id, order_id, operation, slice, window_id)
	USING (merchant_id, order_id, operation, slice, window_id)
WHERE c.window_id = ANY ($7) AND c.kind = $8`
	readWindowsOnce = `SET LOCAL enable_nestloop = off`
)

// canceledSlice is what one cancel gave back of one slice.
type canceledSlice struct {
	Merchant         int32 `db:"merchant_id"`
	Order            int64 `db:"order_id"`
	Operation, Slice int16
	Window           int32 `db:"window_id"`
}

// BreakCredits opens a break for each credit of a sale of a window that a reply rejects, or that was set aside (reply 0). The caller
// holds the center's lock.
func BreakCredits(ctx context.Context, tx pgx.Tx, center int16, window int32, reply int64, at time.Time) error {
	canceled, err := cancels(ctx, tx, window, reply)
	if err == nil && len(canceled) > 0 {
		err = breakCredits(ctx, tx, center, canceled, at)
	}
	if err != nil {
		return fmt.Errorf("look for credits of rejected sales: %w", err)
	}
	return nil
}

func cancels(ctx context.Context, tx pgx.Tx, window int32, reply int64) ([]canceledSlice, error) {
	rows, err := tx.Query(ctx, cancelsOfRejected, window, reply, settle.OperationCancellation, settle.Sale)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[canceledSlice])
}

func breakCredits(ctx context.Context, tx pgx.Tx, center int16, canceled []canceledSlice, at time.Time) error {
	n := len(canceled)
	merchants, orders, windows := make([]int32, n), make([]int64, n), make([]int32, n)
	operations, parts := make([]int16, n), make([]int16, n)
	for i, c := range canceled {
		merchants[i], orders[i], operations[i], parts[i], windows[i] = c.Merchant, c.Order, c.Operation, c.Slice, c.Window
	}
	if _, err := tx.Exec(ctx, readWindowsOnce); err != nil {
		return err
	}
	_, err := breaks.OpenEach(ctx, tx, breaks.CreditWithoutSale, at, creditsWithoutSale, center, merchants, orders, operations, parts, windows, settle.Credit)
	return err
}
