package settle

import (
	"context"
	"fmt"
	"time"
)

// Repeat says why a request counts as a repeat of an earlier one and nothing is done for it. Empty: it does not.
type Repeat string

// The reasons. A merchant that gives its operations keys of its own has the first of them only.
const (
	RepeatKey        Repeat = "key"          // the merchant's own key says so
	RepeatInProcess  Repeat = "in_process"   // the earlier one has no result yet
	RepeatUnanswered Repeat = "unanswered"   // the answer to the earlier one is not known to have been handed over
	RepeatAtOnce     Repeat = "at_once"      // it came within [AtOnce] of the earlier one: a button pressed twice
	RepeatNothing    Repeat = "nothing_left" // nothing is left that it could be about
)

const (
	// UnansweredFor is how long an equal request is a repeat of a confirmation or cancel whose answer was lost.
	UnansweredFor = 24 * time.Hour
	// AtOnce is how long it is one after the answer was handed over.
	AtOnce = 5 * time.Second
)

// OperationResult is an order together with the operation that answers a request. Repeat tells that the operation is an
// earlier one that the request repeats; Again that it is a new one, with an equal one within [UnansweredFor] before it.
type OperationResult struct {
	Order     *Order
	Operation *Operation
	Repeat    Repeat
	Again     bool
}

// take makes op the answer when the request repeats it.
func (r *OperationResult) take(op *Operation, why Repeat) {
	if why != "" {
		r.Operation, r.Repeat, r.Again = op, why, false
	}
}

// repeats tells whether an unkeyed request that is equal to op's repeats it, and notes in out that there was an equal one.
func (w *work) repeats(op *Operation, out *OperationResult) Repeat {
	at := w.moment.at
	out.Again = out.Again || at.Sub(op.RequestedAt) < UnansweredFor
	switch {
	case op.State == OperationInProcess:
		return RepeatInProcess
	case op.ToldAt == nil && at.Sub(op.RequestedAt) < UnansweredFor:
		return RepeatUnanswered
	case op.ToldAt != nil && at.Sub(*op.ToldAt) < AtOnce:
		return RepeatAtOnce
	}
	return ""
}

// markTold does not wait for the disk: a mark that a crash loses makes the next equal request a repeat, which is said aloud.
const markTold = `
UPDATE operations SET told_at = $4
WHERE merchant_id = $1 AND order_id = $2 AND operation = $3 AND set_config('synchronous_commit', 'off', true) IS NOT NULL`

// Told notes that the merchant was handed the answer with an operation's final result at an instant: an equal request that comes later
// is a new one.
func (b *Books) Told(ctx context.Context, merchant int32, id int64, operation int16, at time.Time) error {
	if _, err := b.Pool.Exec(ctx, markTold, merchant, id, operation, at); err != nil {
		return fmt.Errorf("note that %d.%d was told: %w", id, operation, err)
	}
	return nil
}

const selectTold = `SELECT coalesce(max(told_at), '-infinity') > '-infinity' FROM operations WHERE merchant_id = $1 AND order_id = $2 AND operation = $3`

// refusalTold tells whether the merchant was handed the answer that an order's last payment was refused.
func (b *Books) refusalTold(ctx context.Context, o *Order) (told bool, err error) {
	err = b.Pool.QueryRow(ctx, selectTold, o.Merchant, o.ID, o.PaymentNumber).Scan(&told)
	if err != nil {
		return false, fmt.Errorf("read whether the refusal of order %d was told: %w", o.ID, err)
	}
	return told, nil
}
