package subscription

import (
	"errors"
	"fmt"
	"time"

	"settled/internal/money"
	"settled/settle/order"

	"github.com/google/uuid"
)

// State is where a subscription stands.
type State int16

// The states of subscriptions. The numbers are stored.
const (
	Created   State = 1 // its first payment has not succeeded yet
	Active    State = 2
	Suspended State = 3 // declined too often in a row; the next payment that succeeds makes it active
	Canceled  State = 4
	Expired   State = 5 // its last date has passed
)

// String names the state.
func (s State) String() string {
	names := [...]string{Created: "created", Active: "active", Suspended: "suspended",
		Canceled: "canceled", Expired: "expired"}
	if s < 1 || int(s) >= len(names) {
		return fmt.Sprintf("state %d", int16(s))
	}
	return names[s]
}

// Terms are what a buyer agrees to with the first payment of a subscription (merchant protocol, Recurring* parameters).
type Terms struct {
	Min, Max   int64 // of a later payment, minor units of the order's original currency
	PeriodDays int   // one payment is taken in so many days, counted from the first
	LastDate   time.Time
}

// Subscription is a buyer's consent to later payments that the merchant starts.
type Subscription struct {
	Merchant   int32
	Order      int64 // of the first payment
	Terms      Terms
	Currency   money.Currency
	State      State
	Payments   int // later payments that succeeded
	Declines   int16
	LastPaidAt *time.Time
	StartedAt  *time.Time // completion of the first payment, from which periods are counted; nil until it succeeds
	Credential *uuid.UUID
}

// The refusals of later payments. Each leaves everything as it was.
var (
	ErrNone            = errors.New("subscription: order is no first payment of a subscription")
	ErrNotActive       = errors.New("subscription: subscription is not active")
	ErrOutOfBounds     = errors.New("subscription: amount is outside the bounds of the subscription")
	ErrTooEarly        = errors.New("subscription: the period of the subscription is not over")
	ErrPeriodInProcess = errors.New("subscription: a payment of the period is in process")
	ErrOver            = errors.New("subscription: the last date of the subscription has passed")
)

// slotState is where the later payment of a subscription's slot stands. The numbers are stored.
type slotState int16

const (
	slotBegun slotState = 1
	slotTaken slotState = 2 // it was paid
	slotLost  slotState = 3 // it was declined, or given back
)

// Grace is how much earlier than the end of its period a later payment may come: schedules drift by hours. It is half of the
// period at most. What comes early, or late, does not move the next: periods are counted from the first payment.
const Grace = 24 * time.Hour

// maxDeclines is how many declines in a row suspend a subscription.
const maxDeclines = 3

// refuse tells why a payment of the amount cannot be taken now.
func (s *Subscription) refuse(amount money.Amount, now time.Time) error {
	switch {
	case s.State != Active && s.State != Suspended:
		return fmt.Errorf("%w: %d", ErrNotActive, s.Order)
	case amount.Currency != s.Currency:
		return fmt.Errorf("%w: %v, not %v", order.ErrCurrency, s.Currency, amount.Currency)
	case amount.Minor < s.Terms.Min || amount.Minor > s.Terms.Max:
		return fmt.Errorf("%w: %d is not within %d and %d", ErrOutOfBounds, amount.Minor, s.Terms.Min, s.Terms.Max)
	case !now.Before(s.Terms.LastDate.AddDate(0, 0, 1)):
		return fmt.Errorf("%w: %s", ErrOver, s.Terms.LastDate.Format(time.DateOnly))
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

// follow makes a subscription that can be paid active or suspended, as its declines say.
func (s *Subscription) follow() {
	if s.State != Active && s.State != Suspended {
		return
	}
	s.State = Active
	if s.Declines >= maxDeclines {
		s.State = Suspended
	}
}

// Subscriber is the customer that a subscription's credential is stored for.
func Subscriber(id int64) string { return fmt.Sprintf("subscription/%d", id) }
