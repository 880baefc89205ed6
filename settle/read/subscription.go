package read

import (
	"context"
	"fmt"
	"time"

	"settled/internal/listing"
	"settled/internal/money"
	"settled/settle"
	"settled/settle/subscription"

	"github.com/google/uuid"
)

// Subscription is what a buyer agreed to with a first payment, and where it stands. Amounts are minor units of Currency.
type Subscription struct {
	Order      int64 `db:"order_id"`
	Merchant   int32 `db:"merchant_id"`
	State      subscription.State
	Min        int64 `db:"min_amount"`
	Max        int64 `db:"max_amount"`
	Currency   money.Currency
	PeriodDays int
	LastDate   time.Time // a day
	Payments   int       // later payments that succeeded
	Declines   int16     // in a row
	LastPaidAt *time.Time
	CreatedAt  time.Time
	Center     int16      `db:"center_id"`     // of the first payment
	Credential *uuid.UUID `db:"credential_id"` // what later payments are taken from; nil: nothing is stored for it
}

// SubscriptionFilter chooses subscriptions; a zero field chooses all.
type SubscriptionFilter struct {
	Merchant int32
	States   []subscription.State
}

// args are the merchant and the states that the filter chooses. A merchant or a state that there cannot be is ErrFilter.
func (f SubscriptionFilter) args() (merchant int32, states []subscription.State, err error) {
	if f.Merchant < 0 {
		return 0, nil, fmt.Errorf("%w: no merchant has the number %d", ErrFilter, f.Merchant)
	}
	for _, s := range f.States {
		if s < subscription.Created || s > subscription.Expired {
			return 0, nil, fmt.Errorf("%w: no subscription has the %v", ErrFilter, s)
		}
	}
	return f.Merchant, f.States, nil
}

// The list of all merchants goes by the index subscriptions_by_time, that of one merchant by subscriptions_of_merchant.
const (
	subscriptionColumns = `order_id, merchant_id, state, min_amount, max_amount, currency, period_days, last_date, payments, declines, last_paid_at, created_at, credential_id,
	(SELECT center_id FROM orders o WHERE (o.merchant_id, o.order_id) = (s.merchant_id, s.order_id)) AS center_id`
	subscriptionsAfter = `(cardinality($1::smallint[]) = 0 OR state = ANY ($1))
	AND created_at <= coalesce($2::timestamptz, 'infinity') AND ($2 IS NULL OR created_at < $2 OR order_id > $3)
ORDER BY created_at DESC, order_id LIMIT $4`
	listSubscriptions           = `SELECT ` + subscriptionColumns + ` FROM subscriptions s WHERE ` + subscriptionsAfter
	listSubscriptionsOfMerchant = `SELECT ` + subscriptionColumns + ` FROM subscriptions s WHERE merchant_id = $5 AND ` + subscriptionsAfter
)

// subscriptionList is the name of the list in its keys.
const subscriptionList = "subscription"

// Subscriptions lists subscriptions, the youngest first. A bill number is of one merchant, so that instant and order are one
// place. There are no totals: what may be charged is bounds, not money. Errors: ErrFilter, listing.ErrLimit, listing.ErrKey.
func (b *Books) Subscriptions(ctx context.Context, f SubscriptionFilter, r listing.Range) (part listing.Part[Subscription], err error) {
	merchant, states, err := f.args()
	if err != nil {
		return part, err
	}
	limit, err := r.Rows()
	if err != nil {
		return part, err
	}
	after, order, err := placeOf(r, subscriptionList)
	if err != nil {
		return part, err
	}
	sql, args := listSubscriptions, []any{nonNil(states), after, order, limit + 1}
	if merchant != 0 {
		sql, args = listSubscriptionsOfMerchant, append(args, merchant)
	}
	found, err := lookFor[Subscription](ctx, b, sql, args...)
	return listing.Cut(found, limit, func(s Subscription) string { return listing.Key(subscriptionList, s.CreatedAt, s.Order) }), err
}

const oneSubscription = `SELECT ` + subscriptionColumns + ` FROM subscriptions s WHERE merchant_id = $1 AND order_id = $2`

// Subscription returns the subscription that an order began. settle.ErrNotFound tells that it began none.
func (b *Books) Subscription(ctx context.Context, merchant int32, order int64) (Subscription, error) {
	found, err := lookFor[Subscription](ctx, b, oneSubscription, merchant, order)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%w: order %d began no subscription", settle.ErrNotFound, order)
	}
	if err != nil {
		return Subscription{}, err
	}
	return found[0], nil
}

// nonNil is a list that is sent as an empty array, not as NULL, when it is empty.
func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
