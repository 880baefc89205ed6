package subscription

import (
	"context"
	"errors"
	"fmt"
	"time"

	"settled/internal/postgres"
	"settled/settle/order"
	"settled/settle/stored"

	"github.com/jackc/pgx/v5"
)

// words are the typed constants that the statements name.
var words = stored.Words{
	"OrderInProcess": order.InProcess, "OrderTimedOut": order.TimedOut, "Created": Created, "Active": Active, "SlotBegun": slotBegun, "SlotPaid": slotTaken,
}

// selectOne reads a subscription, lockOne under its lock.
const (
	selectOne = `
SELECT order_id, min_amount, max_amount, period_days, last_date, currency, state, payments, declines, last_paid_at, started_at, credential_id
FROM subscriptions WHERE merchant_id = $1 AND order_id = $2`
	lockOne = selectOne + ` FOR NO KEY UPDATE`
)

func read(ctx context.Context, q postgres.Querier, sql string, merchant int32, id int64) (*Subscription, error) {
	rows, err := q.Query(ctx, sql, merchant, id)
	if err != nil {
		return nil, fmt.Errorf("read subscription %d: %w", id, err)
	}
	s, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (*Subscription, error) {
		s := &Subscription{Merchant: merchant}
		return s, row.Scan(&s.Order, &s.Terms.Min, &s.Terms.Max, &s.Terms.PeriodDays, &s.Terms.LastDate, &s.Currency, &s.State, &s.Payments,
			&s.Declines, &s.LastPaidAt, &s.StartedAt, &s.Credential)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("%w: %d", ErrNone, id)
	}
	if err != nil {
		return nil, fmt.Errorf("read subscription %d: %w", id, err)
	}
	return s, nil
}

const update = `
UPDATE subscriptions SET state = $3, payments = $4, declines = $5, last_paid_at = $6, credential_id = $7
WHERE merchant_id = $1 AND order_id = $2`

func (s *Subscription) save(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, update, s.Merchant, s.Order, s.State, s.Payments, s.Declines, s.LastPaidAt, s.Credential)
	if err != nil {
		return fmt.Errorf("write subscription %d: %w", s.Order, err)
	}
	return nil
}

// Note brings a subscription up to what its later payments have come to, in the transaction that ends one of them. An order that began
// none is left alone.
func Note(ctx context.Context, tx pgx.Tx, merchant int32, parent int64) error {
	s, err := read(ctx, tx, lockOne, merchant, parent)
	if errors.Is(err, ErrNone) {
		return nil
	}
	if err != nil {
		return err
	}
	return reconcile(ctx, tx, s)
}

// reconcile brings the subscription up to what its later payments have come to, whoever carried them out.
func reconcile(ctx context.Context, tx pgx.Tx, s *Subscription) error {
	type later struct {
		Order  int64 `db:"order_id"`
		Status order.Status
		Paid   *time.Time
	}
	ended, err := postgres.Collect[later](ctx, tx, endedPayments, s.Merchant, s.Order)
	if err != nil {
		return err
	}
	for _, p := range ended {
		state := slotLost
		if p.Status == order.Paid {
			state, s.Declines, s.LastPaidAt = slotTaken, 0, p.Paid
			s.Payments++
		} else if p.Status != order.Withdrawn {
			s.Declines++
		}
		s.follow()
		if _, err := tx.Exec(ctx, `UPDATE subscription_payments SET state = $3 WHERE merchant_id = $1 AND order_id = $2`, s.Merchant, p.Order, state); err != nil {
			return fmt.Errorf("write later payment %d: %w", p.Order, err)
		}
	}
	if len(ended) == 0 {
		return nil
	}
	return s.save(ctx, tx)
}

// A payment that came after its order was closed is given back: it is none of the subscription's.
var endedPayments = words.In(`
SELECT p.order_id, CASE WHEN i.late THEN @OrderTimedOut ELSE o.status END AS status, w.completed_at AS paid
FROM subscription_payments p JOIN orders o USING (merchant_id, order_id)
	LEFT JOIN operations w ON w.merchant_id = o.merchant_id AND w.order_id = o.order_id AND w.operation = o.payment
	LEFT JOIN instant_payments i ON i.merchant_id = o.merchant_id AND i.order_id = o.order_id AND i.operation = o.payment
WHERE p.merchant_id = $1 AND p.parent = $2 AND p.state = @SlotBegun AND o.status <> @OrderInProcess ORDER BY p.begun_at, p.order_id`)
