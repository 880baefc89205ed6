package settle

import (
	"context"
	"fmt"

	"settled/settle/order"
)

// Finish writes the outcome of a payment durably: the operation and the transaction, and for an approval the hold, or
// the clearing record, and its postings. ErrLate means that the exchange had already been given up as unknown: the
// approval is then on its way to be reversed, and nothing was changed.
func (b *Books) Finish(ctx context.Context, p *Payment, r Result) error {
	if err := order.Check(p.trigger(r), order.StateInProcess, p.stateAfter(r)); err != nil {
		return err
	}
	out := &outcome{Payment: *p, Result: r}
	if out.presents() {
		var err error
		if out.record, err = b.ids.next(ctx, recordName, recordBlock); err != nil {
			return err
		}
	}
	task := &item{finish: out}
	if err := b.lane(p.Merchant.ID).do(ctx, task); err != nil {
		return fmt.Errorf("finish order %d: %w", p.Order, err)
	}
	if !task.fresh {
		return fmt.Errorf("%w: order %d", ErrLate, p.Order)
	}
	p.CompletedAt = out.CompletedAt
	return nil
}
