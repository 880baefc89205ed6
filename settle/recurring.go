package settle

import (
	"context"
	"errors"
	"fmt"

	"settled/internal/postgres"
	"settled/settle/credential"
	"settled/settle/subscription"

	"github.com/jackc/pgx/v5"
)

// OpenLater writes the order of a later payment of a subscription, which r.Parent names, and returns it with what it is
// paid from. The guards hold under the subscription's lock: it is active, the amount is within its bounds and in its
// currency, its period is over and its last date is not, and no other payment of the period is in process or paid. An
// identical request of the order number is answered by its order, with fresh false.
func (b *Books) OpenLater(ctx context.Context, r OpenRequest) (o *Order, c *credential.Credential, fresh bool, err error) {
	o, attempt, err := b.repeated(ctx, r)
	if o != nil || err != nil {
		return o, nil, false, err
	}
	parent, err := b.Order(ctx, r.Merchant.ID, r.Parent)
	if err != nil {
		return nil, nil, false, err
	}
	r.Means = parent.Means
	q, err := b.quote(r.Merchant, r.Means, r.Original, r.TwoStage)
	if err != nil {
		return nil, nil, false, err
	}
	id, err := b.billNumber(ctx, r.Merchant.ID)
	if err != nil {
		return nil, nil, false, err
	}
	err = postgres.InTx(ctx, b.Pool, b.key("open later payment", r.Merchant.ID, id), func(tx pgx.Tx) error {
		// The attempt before is locked first: the subscription's lock comes after that of an order.
		if ended, err := b.ended(ctx, tx, r.Merchant.ID, r.OrderNumber, attempt-1); err != nil || !ended {
			return errors.Join(err, fmt.Errorf("%w: %q", ErrInFlight, r.OrderNumber))
		}
		later := subscription.Later{Merchant: r.Merchant.ID, Parent: r.Parent, Order: id, Amount: r.Original, Now: b.Now}
		if c, err = subscription.Admit(ctx, tx, later); err != nil {
			return err
		}
		if fresh, err = b.writeOpened(ctx, tx, r, q, id, attempt); err == nil && !fresh {
			err = fmt.Errorf("%w: %q", ErrInFlight, r.OrderNumber)
		}
		return err
	})
	if err != nil {
		return nil, nil, false, fmt.Errorf("later payment of order %d: %w", r.Parent, err)
	}
	o, err = b.Order(ctx, r.Merchant.ID, id)
	return o, c, true, err
}

// repeated is the order that an identical request made; if there is none, the attempt that the request makes.
func (b *Books) repeated(ctx context.Context, r OpenRequest) (*Order, int16, error) {
	earlier, err := b.earlier(ctx, r.Merchant.ID, r.OrderNumber, r.Fingerprint, RepeatWithin)
	if isMissing(err) {
		return nil, 1, nil
	}
	if err != nil || !earlier.repeats {
		return nil, earlier.attempt + 1, err
	}
	return earlier.order, 0, nil
}
