package settle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"settled/internal/money"
	"settled/internal/postgres"
	"settled/settle/order"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// SubscriptionState is where a subscription stands.
type SubscriptionState int16

// The states of subscriptions. The numbers are stored.
const (
	SubscriptionCreated   SubscriptionState = 1 // its first payment has not succeeded yet
	SubscriptionActive    SubscriptionState = 2
	SubscriptionSuspended SubscriptionState = 3 // declined too often in a row; the next payment that succeeds makes it active
	SubscriptionCanceled  SubscriptionState = 4
	SubscriptionExpired   SubscriptionState = 5 // its last date has passed
)

// String names the state.
func (s SubscriptionState) String() string {
	names := [...]string{SubscriptionCreated: "created", SubscriptionActive: "active", SubscriptionSuspended: "suspended",
		SubscriptionCanceled: "canceled", SubscriptionExpired: "expired"}
	if s < 1 || int(s) >= len(names) {
		return fmt.Sprintf("state %d", int16(s))
	}
	return names[s]
}

// Subscription is a buyer's consent to later payments that the merchant starts.
type Subscription struct {
	Merchant   int32
	Order      int64 // of the first payment
	Terms      Terms
	Currency   money.Currency
	State      SubscriptionState
	Payments   int // later payments that succeeded
	Declines   int16
	LastPaidAt *time.Time
	StartedAt  *time.Time // completion of the first payment, from which periods are counted; nil until it succeeds
	Credential *uuid.UUID
}

// The refusals of later payments. Each leaves everything as it was.
var (
	ErrNoSubscription   = errors.New("settle: order is no first payment of a subscription")
	ErrNotActive        = errors.New("settle: subscription is not active")
	ErrOutOfBounds      = errors.New("settle: amount is outside the bounds of the subscription")
	ErrTooEarly         = errors.New("settle: the period of the subscription is not over")
	ErrPeriodInProcess  = errors.New("settle: a payment of the period is in process")
	ErrSubscriptionOver = errors.New("settle: the last date of the subscription has passed")
)

// Grace is how much earlier than the end of its period a later payment may come: schedules drift by hours. It is half of the
// period at most. What comes early, or late, does not move the next: periods are counted from the first payment.
const Grace = 24 * time.Hour

// maxDeclines is how many declines in a row suspend a subscription.
const maxDeclines = 3

const insertSubscription = `
INSERT INTO subscriptions (merchant_id, order_id, min_amount, max_amount, currency, period_days, last_date, state, created_at, agreed)
VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, what_was_agreed($1, $2, $3, $4, $5, $6, $7))`

// subscribe writes the terms that a buyer agrees to by paying the order.
func (b *Books) subscribe(ctx context.Context, tx pgx.Tx, merchant int32, id int64, currency money.Currency, t *Terms) error {
	if t == nil {
		return nil
	}
	_, err := tx.Exec(ctx, insertSubscription, merchant, id, t.Min, t.Max, int16(currency), t.PeriodDays, t.LastDate, b.now())
	if err != nil {
		return fmt.Errorf("insert subscription %d: %w", id, err)
	}
	return b.wish(ctx, tx, merchant, id, WishSubscribe, 0)
}

const (
	selectSubscription = `
SELECT order_id, min_amount, max_amount, period_days, last_date, currency, state, payments, declines, last_paid_at, started_at, credential_id
FROM subscriptions WHERE merchant_id = $1 AND order_id = $2`
	lockSubscription = selectSubscription + ` FOR NO KEY UPDATE`
)

func readSubscription(ctx context.Context, q postgres.Querier, sql string, merchant int32, id int64) (*Subscription, error) {
	rows, err := q.Query(ctx, sql, merchant, id)
	if err != nil {
		return nil, fmt.Errorf("read subscription %d: %w", id, err)
	}
	s, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (*Subscription, error) {
		s := &Subscription{Merchant: merchant}
		return s, row.Scan(&s.Order, &s.Terms.Min, &s.Terms.Max, &s.Terms.PeriodDays, &s.Terms.LastDate, &s.Currency, &s.State, &s.Payments,
			&s.Declines, &s.LastPaidAt, &s.StartedAt, &s.Credential)
	})
	if isNotFound(err) {
		return nil, fmt.Errorf("%w: %d", ErrNoSubscription, id)
	}
	if err != nil {
		return nil, fmt.Errorf("read subscription %d: %w", id, err)
	}
	return s, nil
}

// Subscription returns the subscription that an order began. ErrNoSubscription tells that it began none.
func (b *Books) Subscription(ctx context.Context, merchant int32, id int64) (*Subscription, error) {
	return readSubscription(ctx, b.Pool, selectSubscription, merchant, id)
}

const updateSubscription = `
UPDATE subscriptions SET state = $3, payments = $4, declines = $5, last_paid_at = $6, credential_id = $7
WHERE merchant_id = $1 AND order_id = $2`

func (s *Subscription) save(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, updateSubscription, s.Merchant, s.Order, s.State, s.Payments, s.Declines, s.LastPaidAt, s.Credential)
	if err != nil {
		return fmt.Errorf("write subscription %d: %w", s.Order, err)
	}
	return nil
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
			_, err = tx.Exec(ctx, forget, merchant, subscriber(id), *s.Credential, b.now())
			if err != nil {
				return fmt.Errorf("delete stored credential: %w", err)
			}
		}
		s.State = SubscriptionCanceled
		return s.save(ctx, tx)
	})
	return c, err
}

// refuse tells why a payment of the amount cannot be taken now.
func (s *Subscription) refuse(amount money.Amount, now time.Time) error {
	switch {
	case s.State != SubscriptionActive && s.State != SubscriptionSuspended:
		return fmt.Errorf("%w: %d", ErrNotActive, s.Order)
	case amount.Currency != s.Currency:
		return fmt.Errorf("%w: %v, not %v", ErrCurrency, s.Currency, amount.Currency)
	case amount.Minor < s.Terms.Min || amount.Minor > s.Terms.Max:
		return fmt.Errorf("%w: %d is not within %d and %d", ErrOutOfBounds, amount.Minor, s.Terms.Min, s.Terms.Max)
	case !now.Before(s.Terms.LastDate.AddDate(0, 0, 1)):
		return fmt.Errorf("%w: %s", ErrSubscriptionOver, s.Terms.LastDate.Format(time.DateOnly))
	case s.slot(now) < 1:
		return fmt.Errorf("%w: the first payment was at %s", ErrTooEarly, s.StartedAt.Format(time.RFC3339))
	}
	return nil
}

// slot is the period that a later payment belongs to which is asked for now: slot n is open from n periods after the first
// payment, less the grace, until slot n + 1 is. Each takes one payment. One that nobody asked for in time has lapsed: it is not
// made up for, because the buyer agreed to one payment in a period. 0: none is open yet.
func (s *Subscription) slot(now time.Time) int32 {
	if s.StartedAt == nil {
		return 0
	}
	period := time.Duration(s.Terms.PeriodDays) * 24 * time.Hour
	return int32((now.Sub(*s.StartedAt) + min(Grace, period/2)) / period)
}

// reconcile brings the subscription up to what its later payments have come to, whoever carried them out.
func (b *Books) reconcile(ctx context.Context, tx pgx.Tx, s *Subscription) error {
	type later struct {
		Order  int64 `db:"order_id"`
		Status order.Status
		Paid   *time.Time
	}
	ended, err := collect[later](ctx, tx, endedPayments, s.Merchant, s.Order)
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

// follow makes a subscription that can be paid active or suspended, as its declines say.
func (s *Subscription) follow() {
	if s.State != SubscriptionActive && s.State != SubscriptionSuspended {
		return
	}
	s.State = SubscriptionActive
	if s.Declines >= maxDeclines {
		s.State = SubscriptionSuspended
	}
}

// A payment that came after its order was closed is given back: it is none of the subscription's.
var endedPayments = spelled(`
SELECT p.order_id, CASE WHEN i.late THEN @OrderTimedOut ELSE o.status END AS status, w.completed_at AS paid
FROM subscription_payments p JOIN orders o USING (merchant_id, order_id)
	LEFT JOIN operations w ON w.merchant_id = o.merchant_id AND w.order_id = o.order_id AND w.operation = o.payment
	LEFT JOIN instant_payments i ON i.merchant_id = o.merchant_id AND i.order_id = o.order_id AND i.operation = o.payment
WHERE p.merchant_id = $1 AND p.parent = $2 AND p.state = @SlotBegun AND o.status <> @OrderInProcess ORDER BY p.begun_at, p.order_id`)
