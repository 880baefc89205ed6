package settle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"settled/internal/money"
	"settled/internal/postgres"
	"settled/settle/order"
	"settled/settle/subscription"
	"settled/settle/wish"

	"github.com/jackc/pgx/v5"
)

// OpenRequest asks for an order that its buyer will pay afterwards, on a page.
type OpenRequest struct {
	Merchant    *Merchant
	OrderNumber string
	Original    money.Amount // as the merchant asks; the amount to pay follows from it, see [Directory.Quote]
	Means       order.Means  // whose amount the order shows until its buyer chooses
	TwoStage    bool
	Tries       int                 // payment operations that may be begun, 1 at least
	PayBefore   time.Time           // when the order is closed unless it is paid
	Customer    string              // the merchant's number of the buyer, empty for none
	Keep        bool                // the card that pays is kept for the buyer's next payment
	Parent      int64               // the first order of the subscription that this is a later payment of, 0 for none
	Terms       *subscription.Terms // what the buyer agrees to by paying, nil unless the order begins a subscription
	Fingerprint Fingerprint
	// RepeatWithin is how long an order that ended without a payment answers an identical request, from its creation, unless the
	// merchant was told. 0: such a request is the next attempt. OpenLater takes [RepeatWithin].
	RepeatWithin time.Duration
	Details      json.RawMessage
}

// Open writes an order that waits for its payment. An identical request of a live order number is answered by that order,
// with fresh false; a different one is ErrOrderExists. When the earlier order ended without a payment, this is the next
// attempt. ErrNoRoute, ErrNoRate and ErrTwoStage leave nothing behind.
func (b *Books) Open(ctx context.Context, r OpenRequest) (o *Order, fresh bool, err error) {
	q, err := b.quote(r.Merchant, r.Means, r.Original, r.TwoStage)
	if err != nil {
		return nil, false, err
	}
	id, err := b.billNumber(ctx, r.Merchant.ID)
	if err != nil {
		return nil, false, err
	}
	for attempt := int16(1); ; {
		if fresh, err = b.insertOpened(ctx, r, q, id, attempt); err != nil {
			return nil, false, fmt.Errorf("open order %q: %w", r.OrderNumber, err)
		}
		if fresh {
			o, err = b.Order(ctx, r.Merchant.ID, id)
			return o, true, err
		}
		earlier, err := b.earlier(ctx, r.Merchant.ID, r.OrderNumber, r.Fingerprint, r.RepeatWithin)
		if err != nil || earlier.repeats {
			return earlier.order, false, err
		}
		attempt = earlier.attempt + 1
	}
}

const insertOpened = `
WITH o AS (
	INSERT INTO orders (merchant_id, order_id, ordernumber, attempt, amount, currency, center_id, two_stage, status, created_at,
		exchange_id, card_mask, card_expiry, card, fingerprint, details, operations, transactions, payment, payment_transaction,
		means, tries_left, original_amount, original_currency, rate, pay_before, parent, customer, asked)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, 0, '', '', '', $10, $11, 0, 0, 0, 0, $12, $13, $14, $15, $16, $17, $18, $19,
		what_was_asked($1, $2, $3, $4, coalesce($14::bigint, $5::bigint), coalesce($15::smallint, $6::smallint), $8, $19, $18, $11))
	ON CONFLICT (merchant_id, ordernumber, attempt) DO NOTHING
	RETURNING merchant_id, order_id, pay_before
)
INSERT INTO open_orders (pay_before, merchant_id, order_id) SELECT pay_before, merchant_id, order_id FROM o`

func (b *Books) insertOpened(ctx context.Context, r OpenRequest, q Quote, id int64, attempt int16) (fresh bool, err error) {
	err = postgres.InTx(ctx, b.Pool, b.key("open", r.Merchant.ID, id), func(tx pgx.Tx) error {
		fresh, err = b.writeOpened(ctx, tx, r, q, id, attempt)
		return err
	})
	return fresh, err
}

// writeOpened inserts the order, its place in the queue of open ones, and the subscription that it begins.
func (b *Books) writeOpened(ctx context.Context, tx pgx.Tx, r OpenRequest, q Quote, id int64, attempt int16) (fresh bool, err error) {
	var details *string
	if r.Details != nil {
		text := string(r.Details)
		details = &text
	}
	if ended, err := b.ended(ctx, tx, r.Merchant.ID, r.OrderNumber, attempt-1); err != nil || !ended {
		return false, err
	}
	amount, currency, rate := converted(q, r.Original)
	tag, err := tx.Exec(ctx, insertOpened, r.Merchant.ID, id, r.OrderNumber, attempt, q.Amount.Minor, int16(q.Amount.Currency),
		q.Route.Center.ID, r.TwoStage, b.Now(), r.Fingerprint.Kept, details, r.Means, max(r.Tries, 1), amount, currency, rate,
		r.PayBefore, zeroAsNull(r.Parent), zeroAsNull(r.Customer))
	if err != nil || tag.RowsAffected() == 0 {
		return false, err
	}
	if r.Keep {
		if err := wish.Note(ctx, tx, r.Merchant.ID, id, wish.Keep, 0, b.Now()); err != nil {
			return false, err
		}
	}
	return true, b.subscribe(ctx, tx, r.Merchant.ID, id, r.Original.Currency, r.Terms)
}

// subscribe writes what a buyer agrees to by paying the order, and that it begins when the order is paid.
func (b *Books) subscribe(ctx context.Context, tx pgx.Tx, merchant int32, id int64, currency money.Currency, t *subscription.Terms) error {
	if t == nil {
		return nil
	}
	if err := subscription.Create(ctx, tx, merchant, id, currency, t, b.Now()); err != nil {
		return err
	}
	return wish.Note(ctx, tx, merchant, id, wish.Subscribe, 0, b.Now())
}

const dueOrders = `
SELECT pay_before, merchant_id, order_id FROM open_orders
WHERE pay_before <= $1 AND (pay_before, merchant_id, order_id) > ($3, $4, $5) ORDER BY pay_before, merchant_id, order_id LIMIT $2`

// openOrder is a place in the queue of opened orders.
type openOrder struct {
	PayBefore time.Time
	Merchant  int32 `db:"merchant_id"`
	Order     int64 `db:"order_id"`
}

// TimeoutDue closes the opened orders whose time has come and returns how many it closed. An order with a payment whose
// outcome is not known, or with a QR that the partner bank may still report as paid, stays: its payment decides. It goes
// through the queue in steps of limit, so that those that stay, however many, keep no other from being closed.
func (b *Books) TimeoutDue(ctx context.Context, limit int) (closed int, err error) {
	var failures []error
	var last openOrder
	for at := b.Now(); ; {
		found, err := postgres.Collect[openOrder](ctx, b.Pool, dueOrders, at, limit, last.PayBefore, last.Merchant, last.Order)
		failures = append(failures, err)
		for _, last = range found {
			o, err := b.change(ctx, "time out", last.Merchant, last.Order, func(w *work) error { return w.timeOut(ctx) })
			failures = append(failures, err)
			if err == nil && o.Status == order.TimedOut {
				closed++
			}
		}
		if len(found) < limit || ctx.Err() != nil {
			return closed, errors.Join(failures...)
		}
	}
}

// timeOut closes the order unless something of it may still be paid.
func (w *work) timeOut(ctx context.Context) error {
	if w.order.Status != order.InProcess || w.moment.at.Before(w.order.PayBefore) {
		return nil
	}
	if err := w.abandonAuthentication(ctx, "not completed in time"); err != nil {
		return err
	}
	if w.paying() {
		return nil
	}
	w.trigger, w.order.Status = order.TriggerTimeout, order.TimedOut
	return nil
}

// paying tells that a payment operation has no final result.
func (w *work) paying() bool {
	for _, e := range w.order.Owed {
		if e.Kind == Authorization || e.Kind == Purchase {
			return true
		}
	}
	op := w.order.Payment()
	return op != nil && op.State == OperationInProcess
}

// Refuse closes an opened order that will not be paid, before its time is over. An order with a payment in process is
// ErrInFlight, one that has ended ErrEnded.
func (b *Books) Refuse(ctx context.Context, merchant int32, id int64) (*Order, error) {
	return b.change(ctx, "refuse", merchant, id, func(w *work) error {
		if w.order.Status != order.InProcess {
			return fmt.Errorf("%w: %d is %s", ErrEnded, id, w.order.State())
		}
		if err := w.abandonAuthentication(ctx, "refused"); err != nil {
			return err
		}
		if w.paying() {
			return fmt.Errorf("%w: %d", ErrInFlight, id)
		}
		w.trigger, w.order.Status = order.TriggerRefuse, order.Declined
		return nil
	})
}

var completeOrder = spelled(`
UPDATE orders SET details = coalesce(details, '{}') || $3::jsonb, asked = what_was_asked(merchant_id, order_id, ordernumber, attempt,
	coalesce(original_amount, amount), coalesce(original_currency, currency), two_stage, customer, parent, coalesce(details, '{}') || $3::jsonb)
WHERE merchant_id = $1 AND order_id = $2 AND status = @OrderInProcess`)

// Complete adds what the buyer said to the details of an opened order; names that are there are replaced.
func (b *Books) Complete(ctx context.Context, merchant int32, id int64, details json.RawMessage) error {
	_, err := b.Pool.Exec(ctx, completeOrder, merchant, id, string(details))
	if err != nil {
		return fmt.Errorf("complete order %d: %w", id, err)
	}
	return nil
}
