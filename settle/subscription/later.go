package subscription

import (
	"context"
	"fmt"
	"time"

	"settled/internal/money"
	"settled/settle/credential"

	"github.com/jackc/pgx/v5"
)

// Later is a later payment that a merchant asks for: an order of its own, which is being opened.
type Later struct {
	Merchant int32
	Parent   int64 // the order that began the subscription
	Order    int64 // the order of the later payment
	Amount   money.Amount
	Now      func() time.Time // read under the lock
}

var take = words.In(`
INSERT INTO subscription_payments (merchant_id, order_id, parent, period_no, slot, begun_at, state) VALUES ($1, $2, $3, $4, $5, $6, @SlotBegun)
ON CONFLICT DO NOTHING`)

// Admit checks the guards of a later payment under the subscription's lock, takes its period in the transaction that opens its order,
// and returns what it is paid from. Its errors are those of this package, order.ErrCurrency, and credential.ErrNone.
func Admit(ctx context.Context, tx pgx.Tx, p Later) (*credential.Credential, error) {
	s, err := read(ctx, tx, lockOne, p.Merchant, p.Parent)
	if err != nil {
		return nil, err
	}
	if err := reconcile(ctx, tx, s); err != nil {
		return nil, err
	}
	now := p.Now()
	if err := s.refuse(p.Amount, now); err != nil {
		return nil, err
	}
	if err := takeSlot(ctx, tx, s, p.Order, now); err != nil {
		return nil, err
	}
	return credential.Find(ctx, tx, p.Merchant, *s.Credential)
}

var slotPaid = words.In(`
SELECT EXISTS (SELECT FROM subscription_payments WHERE merchant_id = $1 AND parent = $2 AND slot = $3 AND state = @SlotPaid)`)

// takeSlot makes the later payment the one of the slot that is open. A slot that was paid for is ErrTooEarly for another one; a
// payment that is in process is ErrPeriodInProcess.
func takeSlot(ctx context.Context, tx pgx.Tx, s *Subscription, id int64, now time.Time) error {
	slot := s.slot(now)
	tag, err := tx.Exec(ctx, take, s.Merchant, id, s.Order, s.Payments+1, slot, now)
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
