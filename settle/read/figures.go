package read

import (
	"context"
	"fmt"
	"time"

	"settled/internal/listing"
	"settled/settle"
	"settled/settle/breaks"
	"settled/settle/notification"
	"settled/settle/order"
	"settled/settle/reconcile"
	"settled/settle/subscription"

	"github.com/jackc/pgx/v5"
)

// used asks whether anything was ever kept here.
const used = `SELECT EXISTS (SELECT FROM orders) OR EXISTS (SELECT FROM centers) AS is_used`

// Used tells that the database holds orders, or was opened with a configuration.
func (b *Books) Used(ctx context.Context) (bool, error) {
	row, err := lookForOne[struct{ IsUsed bool }](ctx, b, used)
	return row.IsUsed, err
}

const orderAmounts = `
SELECT status, authorized, confirmed, released_cancel, released_deposit, released_expiry, refunded, refund_pending FROM orders`

// OrderStates counts all orders by their state, which is derived from each row.
func (b *Books) OrderStates(ctx context.Context) (map[order.State]int, error) {
	states := map[order.State]int{}
	err := b.look(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, orderAmounts)
		if err != nil {
			return fmt.Errorf("read orders: %w", err)
		}
		for rows.Next() {
			o, err := pgx.RowToStructByName[struct {
				Status order.Status
				order.Amounts
			}](rows)
			if err != nil {
				rows.Close()
				return fmt.Errorf("read orders: %w", err)
			}
			states[order.StateOf(o.Status, o.Amounts)]++
		}
		return rows.Err()
	})
	return states, err
}

// OperationCount says how many operations of a kind stand in a state.
type OperationCount struct {
	Kind  settle.OperationKind
	State settle.OperationState
	Count int
}

const operationCounts = `SELECT kind, state, count(*) FROM operations GROUP BY kind, state ORDER BY kind, state`

// OperationCounts counts all operations by kind and state.
func (b *Books) OperationCounts(ctx context.Context) ([]OperationCount, error) {
	return lookFor[OperationCount](ctx, b, operationCounts)
}

// OpenBreaks counts the open breaks by category.
func (b *Books) OpenBreaks(ctx context.Context) (open []breaks.Waiting, err error) {
	err = b.look(ctx, func(tx pgx.Tx) error {
		open, err = breaks.Count(ctx, tx)
		return err
	})
	return open, err
}

// Origin says how many orders came the same way. An order is counted once, however many attempts it had.
type Origin struct {
	Later  bool // a later payment of a subscription
	Page   bool // opened on the payment page: it has an address that the buyer comes back to
	Known  bool // of a buyer who had a card or a consent stored before
	Stored bool // a stored card was named for the page
	Means  order.Means
	Orders int
}

// The fields of details are those of the merchant's protocol, as they came.
const origins = `
SELECT later, page, known, stored, means, count(*) AS orders
FROM (SELECT later, page, means, stored, EXISTS (SELECT FROM credentials c
		WHERE c.merchant_id = o.merchant_id AND c.customer = o.customer AND c.created_at < o.at) AS known
	FROM (SELECT merchant_id, max(parent) IS NOT NULL AS later, bool_or(coalesce(details ? $1, false)) AS page, max(means) AS means,
			bool_or(coalesce(details->>$2, '') <> '') AS stored, max(customer) AS customer, min(created_at) AS at
		FROM orders GROUP BY merchant_id, ordernumber) o) x
GROUP BY later, page, known, stored, means ORDER BY later, page, known, stored, means`

// Origins counts all orders by the way they came, as their rows say.
func (b *Books) Origins(ctx context.Context) ([]Origin, error) {
	return lookFor[Origin](ctx, b, origins, "url_return_ok", "storedcard")
}

const ordersWithComment = `SELECT count(DISTINCT ordernumber) AS orders FROM orders WHERE merchant_id = ANY ($1) AND details->>$2 = $3`

// OrdersWithComment counts the order numbers of merchants whose comment is this text.
func (b *Books) OrdersWithComment(ctx context.Context, merchants []int32, comment string) (int, error) {
	row, err := lookForOne[struct{ Orders int }](ctx, b, ordersWithComment, nonNil(merchants), "ordercomment", comment)
	return row.Orders, err
}

const outcomes = `
SELECT (SELECT count(*) FROM orders WHERE merchant_id = ANY ($1) AND status = ANY ($2))
	+ (SELECT count(*) FROM operations WHERE merchant_id = ANY ($1) AND kind = ANY ($3) AND state <> $4) AS outcomes`

// Outcomes counts what there is to tell the servers of merchants: one result of each payment that ended, whether paid or declined,
// and each of a confirmation or a cancel.
func (b *Books) Outcomes(ctx context.Context, merchants []int32) (int, error) {
	row, err := lookForOne[struct{ Outcomes int }](ctx, b, outcomes, nonNil(merchants), []order.Status{order.Paid, order.Declined},
		[]settle.OperationKind{settle.OperationConfirmation, settle.OperationCancellation}, settle.OperationInProcess)
	return row.Outcomes, err
}

// Told says how many notifications merchants' servers have taken, and in how many tries.
type Told struct{ Delivered, Tries int }

const told = `SELECT count(*) AS delivered, coalesce(sum(attempts), 0) AS tries FROM notifications WHERE state = $1`

// Told counts the notifications that were delivered.
func (b *Books) Told(ctx context.Context) (Told, error) {
	return lookForOne[Told](ctx, b, told, notification.Delivered)
}

// Recurring says how many subscriptions can be charged, and how many later payments all of them had.
type Recurring struct{ Active, Payments int }

const recurring = `SELECT count(*) FILTER (WHERE state = ANY ($1)) AS active, coalesce(sum(payments), 0) AS payments FROM subscriptions`

// Recurring counts subscriptions and their later payments.
func (b *Books) Recurring(ctx context.Context) (Recurring, error) {
	return lookForOne[Recurring](ctx, b, recurring, []subscription.State{subscription.Active, subscription.Suspended})
}

// Overdue says what is given up and reversed when books that were held go on.
type Overdue struct {
	Intents int // payments without an outcome, begun before the doubt
	Holds   int // holds whose end has come
}

const overdue = `
SELECT (SELECT count(*) FROM owed_exchanges WHERE kind = ANY ($1) AND created_at <= $2) AS intents,
	(SELECT count(*) FROM open_holds WHERE expires_at <= $3) AS holds`

// Overdue counts the payments without an outcome that were begun until since, and the holds that end until now.
func (b *Books) Overdue(ctx context.Context, since, now time.Time) (Overdue, error) {
	return lookForOne[Overdue](ctx, b, overdue, []settle.Kind{settle.Authorization, settle.Purchase}, since, now)
}

const waitingRejects = `
SELECT count(*), coalesce(min(record_id::text), '') AS example FROM rejects WHERE ` + waiting + ` AND (origin = $1) = $2`

// WaitingRejects counts the records that wait for a decision: those that were set aside, and those that a center refused.
func (b *Books) WaitingRejects(ctx context.Context) (aside, refused listing.Sample, err error) {
	if aside, err = lookForOne[listing.Sample](ctx, b, waitingRejects, settle.RefusedByCenter, false); err != nil {
		return aside, refused, err
	}
	refused, err = lookForOne[listing.Sample](ctx, b, waitingRejects, settle.RefusedByCenter, true)
	return aside, refused, err
}

const waitingApprovals = `SELECT count(*), coalesce(min(exchange_id::text), '') AS example FROM unknown_approvals WHERE state = $1`

// WaitingApprovals counts the approvals that the books do not know and whose reversals stand in a state.
func (b *Books) WaitingApprovals(ctx context.Context, state reconcile.UnknownState) (listing.Sample, error) {
	return lookForOne[listing.Sample](ctx, b, waitingApprovals, state)
}
