package settle

import (
	"context"
	"errors"
	"fmt"

	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// OpenLater writes the order of a later payment of a subscription, which r.Parent names, and returns it with what it is
// paid from. The guards hold under the subscription's lock: it is active, the amount is within its bounds and in its
// currency, its period is over and its last date is not, and no other payment of the period is in process or paid. An
// identical request of the order number is answered by its order, with fresh false.
func (b *Books) OpenLater(ctx context.Context, r OpenRequest) (o *Order, c *Credential, fresh bool, err error) {
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
		if c, err = b.admitLater(ctx, tx, r, id); err != nil {
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

var insertLater = spelled(`
INSERT INTO subscription_payments (merchant_id, order_id, parent, period_no, slot, begun_at, state) VALUES ($1, $2, $3, $4, $5, $6, @SlotBegun)
ON CONFLICT DO NOTHING`)

// admitLater checks the guards under the subscription's lock and takes its period.
func (b *Books) admitLater(ctx context.Context, tx pgx.Tx, r OpenRequest, id int64) (*Credential, error) {
	s, err := readSubscription(ctx, tx, lockSubscription, r.Merchant.ID, r.Parent)
	if err != nil {
		return nil, err
	}
	if err := b.reconcile(ctx, tx, s); err != nil {
		return nil, err
	}
	if err := s.refuse(r.Original, b.Now()); err != nil {
		return nil, err
	}
	if err := b.takeSlot(ctx, tx, s, id); err != nil {
		return nil, err
	}
	return credential(ctx, tx, r.Merchant.ID, *s.Credential)
}

var slotPaid = spelled(`
SELECT EXISTS (SELECT FROM subscription_payments WHERE merchant_id = $1 AND parent = $2 AND slot = $3 AND state = @SlotPaid)`)

// takeSlot makes the later payment the one of the slot that is open. A slot that was paid for is ErrTooEarly for another one; a
// payment that is in process is ErrPeriodInProcess.
func (b *Books) takeSlot(ctx context.Context, tx pgx.Tx, s *Subscription, id int64) error {
	now := b.Now()
	slot := s.slot(now)
	tag, err := tx.Exec(ctx, insertLater, s.Merchant, id, s.Order, s.Payments+1, slot, now)
	if err != nil {
		return fmt.Errorf("take period %d: %w", slot, err)
	}
	if tag.RowsAffected() == 1 {
		return nil
	}
	var paid bool
	if err := tx.QueryRow(ctx, slotPaid, s.Merchant, s.Order, slot).Scan(&paid); err != nil {
		return fmt.Errorf("read period %d: %w", slot, err)
	}
	if paid {
		return fmt.Errorf("%w: period %d of subscription %d is paid for", ErrTooEarly, slot, s.Order)
	}
	return fmt.Errorf("%w: period %d of subscription %d", ErrPeriodInProcess, slot, s.Order)
}

// CancelSubscription ends a subscription and destroys what was stored for it. Told again, it changes nothing. It returns the
// credential as it was, whose consent the partner bank is then to forget; nil when there was none.
func (b *Books) CancelSubscription(ctx context.Context, merchant int32, id int64) (c *Credential, err error) {
	err = postgres.InTx(ctx, b.Pool, b.key("cancel subscription", merchant, id), func(tx pgx.Tx) error {
		s, err := readSubscription(ctx, tx, lockSubscription, merchant, id)
		if err != nil || s.State == SubscriptionCanceled {
			return err
		}
		if s.Credential != nil {
			if c, err = credential(ctx, tx, merchant, *s.Credential); err != nil && !errors.Is(err, ErrNoCredential) {
				return err
			}
			_, err = tx.Exec(ctx, forget, merchant, subscriber(id), *s.Credential, b.Now())
			if err != nil {
				return fmt.Errorf("delete stored credential: %w", err)
			}
		}
		s.State = SubscriptionCanceled
		return s.save(ctx, tx)
	})
	return c, err
}
