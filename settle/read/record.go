package read

import (
	"context"
	"fmt"
	"time"

	"settled/internal/money"
	"settled/settle"
)

// Record is a clearing record: under which contract it was born, and what became of it.
type Record struct {
	Record      int64  `db:"record_id"`
	Order       int64  `db:"order_id"`
	Window      int32  `db:"window_id"`
	WindowState string // open, sealing, sealed, empty
	Kind        settle.RecordKind
	Amount      int64 // as it was born, minor units of Currency
	Currency    money.Currency
	BornAt      time.Time
	Contract    int32  `db:"contract_id"`
	Name        string // of the merchant in the contract; empty: born before contracts were kept
	Terminal    string
	Reject      settle.RejectState // empty: neither refused nor set aside
	Reason      string             // of the reject: in words, else the center's code
}

// windowOfRecord finds the window of a record by the operations of its order. An operation that gave back several slices names
// its last record only; its window has them all.
const windowOfRecord = `
SELECT r.window_id AS "window" FROM (SELECT DISTINCT window_id, merchant_id FROM operations WHERE merchant_id = $1 AND order_id = $2 AND window_id IS NOT NULL) o
	JOIN records r USING (window_id, merchant_id) WHERE r.record_id = $3 AND r.order_id = $2`

// WindowOf finds the window of a record. settle.ErrNotFound tells that the order has no such record, or that it was presented again.
func (b *Books) WindowOf(ctx context.Context, n settle.RecordName) (int32, error) {
	found, err := lookFor[struct{ Window int32 }](ctx, b, windowOfRecord, n.Merchant, n.Order, n.Record)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%w: record %d of order %d", settle.ErrNotFound, n.Record, n.Order)
	}
	if err != nil {
		return 0, err
	}
	return found[0].Window, nil
}

const oneRecord = `
SELECT r.record_id, r.order_id, r.window_id, w.state AS window_state, r.kind, r.amount, r.currency, r.born_at, r.contract_id,
	coalesce(c.name, '') AS name, coalesce(c.terminal, '') AS terminal, coalesce(j.state, '') AS reject,
	coalesce(nullif(j.reason, ''), j.code, '') AS reason
FROM records r JOIN windows w USING (window_id) LEFT JOIN contracts c USING (merchant_id, contract_id)
	LEFT JOIN rejects j USING (window_id, record_id, merchant_id)
WHERE r.merchant_id = $1 AND r.window_id = $2 AND r.record_id = $3`

// Record returns a record of a window. settle.ErrNotFound tells that the window has no such record.
func (b *Books) Record(ctx context.Context, n settle.RecordName, window int32) (Record, error) {
	found, err := lookFor[Record](ctx, b, oneRecord, n.Merchant, window, n.Record)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%w: record %d of window %d", settle.ErrNotFound, n.Record, window)
	}
	if err != nil {
		return Record{}, err
	}
	return found[0], nil
}
