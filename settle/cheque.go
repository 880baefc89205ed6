package settle

import (
	"context"
	"fmt"

	"settled/internal/postgres"
)

// keepCheque keeps the cheque that the merchant sent with a confirmation or a cancel; that of the payment stands in the order's
// details. An order whose personal data is erased gets none: it would not be looked at again.
func (w *work) keepCheque(ctx context.Context, operation int16, items string) error {
	if items == "" || !w.order.PersonalErasedAt.IsZero() {
		return nil
	}
	_, err := w.tx.Exec(ctx, `INSERT INTO cheques (merchant_id, order_id, operation, items) VALUES ($1, $2, $3, $4)`,
		w.order.Merchant, w.order.ID, operation, items)
	if err != nil {
		return fmt.Errorf("keep cheque of %d.%d: %w", w.order.ID, operation, err)
	}
	return nil
}

// Cheques returns the cheques that came with an order's confirmations and cancels, by the operation's number.
func (b *Books) Cheques(ctx context.Context, merchant int32, id int64) (map[int16]string, error) {
	type cheque struct {
		Operation int16
		Items     string
	}
	all, err := postgres.Collect[cheque](ctx, b.Pool, `SELECT operation, items FROM cheques WHERE merchant_id = $1 AND order_id = $2 AND items <> ''`, merchant, id)
	if err != nil {
		return nil, fmt.Errorf("read cheques of order %d: %w", id, err)
	}
	out := make(map[int16]string, len(all))
	for _, c := range all {
		out[c.Operation] = c.Items
	}
	return out, nil
}
