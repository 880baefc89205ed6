package settle

import (
	"context"
	"fmt"
	"time"

	"settled/internal/money"
	"settled/internal/postgres"
	"settled/internal/vault"
	"settled/settle/order"

	"github.com/jackc/pgx/v5"
)

// RepeatWithin is how long the refusal of a payment answers an identical request, if the merchant was not handed it before. Else the
// same request is a new attempt with a new bill number; a payment that succeeded or is in process answers its identical request for ever.
const RepeatWithin = 10 * time.Minute

// Begin writes the intent of a payment durably: the order, and the exchange it owes, which is the reversal that a lost
// answer would need. It returns the payment to send; or, when an identical request of the order number has a result or is
// in process, that order and no payment. A different request of a live order number is ErrOrderExists. Nothing is written
// for ErrNoRoute, ErrTwoStage, ErrBrand and ErrNoWindow.
func (b *Books) Begin(ctx context.Context, in Intent) (*Payment, *Order, error) {
	q, err := b.quote(in.Merchant, order.MeansCard, in.Amount, in.TwoStage)
	if err != nil {
		return nil, nil, err
	}
	if err := q.Route.Center.CheckBrand(in.PAN.Mask()); err != nil {
		return nil, nil, err
	}
	if err := b.checkWindow(ctx, b.Pool, q.Route.Center); err != nil {
		return nil, nil, err
	}
	it, err := b.newIntent(ctx, in, q)
	if err != nil {
		return nil, nil, err
	}
	for {
		fresh, err := b.writeIntent(ctx, it)
		if err != nil {
			return nil, nil, fmt.Errorf("begin order %q: %w", in.OrderNumber, err)
		}
		if fresh {
			return &it.Payment, nil, nil
		}
		earlier, err := b.earlier(ctx, in.Merchant.ID, in.OrderNumber, in.Fingerprint, RepeatWithin)
		if err != nil || earlier.repeats {
			return nil, earlier.order, err
		}
		it.attempt = earlier.attempt + 1
	}
}

// writeIntent writes the intent unless its attempt of the order number is taken. A first attempt shares the commit of its
// lane; a later one is written under the lock of the attempt before it.
func (b *Books) writeIntent(ctx context.Context, it *intent) (fresh bool, err error) {
	task := &item{begin: it}
	if it.attempt == 1 {
		err = b.lane(it.Merchant.ID).do(ctx, task)
		return task.fresh, err
	}
	err = postgres.InTx(ctx, b.Pool, b.key("begin again", it.Merchant.ID, it.Order), func(tx pgx.Tx) error {
		task.fresh = false
		if ended, err := b.ended(ctx, tx, it.Merchant.ID, it.number, it.attempt-1); err != nil || !ended {
			return err
		}
		return b.writeIntents(ctx, tx, []*item{task})
	})
	return task.fresh, err
}

const lockAttempt = `SELECT status FROM orders WHERE merchant_id = $1 AND ordernumber = $2 AND attempt = $3 FOR NO KEY UPDATE`

// ended tells that an attempt of an order number ended without a payment, and keeps it so until the transaction ends: an
// instant payment that comes late is not adopted beside the next attempt. There is none before the first.
func (b *Books) ended(ctx context.Context, tx pgx.Tx, merchant int32, number string, attempt int16) (bool, error) {
	if attempt == 0 {
		return true, nil
	}
	var status order.Status
	if err := tx.QueryRow(ctx, lockAttempt, merchant, number, attempt).Scan(&status); err != nil {
		return false, fmt.Errorf("lock attempt %d of order %q: %w", attempt, number, err)
	}
	return status == order.Declined || status == order.TimedOut, nil
}

func (b *Books) lane(merchant int32) *lane { return b.lanes[int(merchant)%len(b.lanes)] }

// quote is what a payment of the original amount by the means comes to, and at which center.
func (b *Books) quote(m *Merchant, means order.Means, original money.Amount, twoStage bool) (Quote, error) {
	q, err := b.Directory.Quote(m, means, original, b.Now())
	if err == nil && twoStage && !q.Route.Center.Capabilities.TwoStage {
		err = fmt.Errorf("%w: %s", ErrTwoStage, q.Route.Center.Name)
	}
	return q, err
}

func (b *Books) newIntent(ctx context.Context, in Intent, q Quote) (*intent, error) {
	id, err := b.billNumber(ctx, in.Merchant.ID)
	if err != nil {
		return nil, err
	}
	exchange, err := b.exchangeID(ctx, paymentExchange)
	if err != nil {
		return nil, err
	}
	card, err := b.Vault.Seal(in.PAN, vault.CardBinding(nil, int64(in.Merchant.ID), id))
	if err != nil {
		return nil, fmt.Errorf("seal card: %w", err)
	}
	it := &intent{number: in.OrderNumber, attempt: 1, mask: in.PAN.String(), fingerprint: in.Fingerprint.Kept}
	it.Payment = Payment{Merchant: in.Merchant, Route: q.Route, Order: id, Original: in.Amount, Amount: q.Amount, Rate: q.Rate,
		TwoStage: in.TwoStage, Exchange: exchange, TransmittedAt: b.Now(), Kind: q.Route.paymentKind(), Operation: 1, Transaction: 1, card: card, cardExpiry: in.CardExpiry}
	if in.Details != nil {
		text := string(in.Details)
		it.details = &text
	}
	return it, nil
}

// earlierOrder is the latest attempt of an order number.
type earlierOrder struct {
	order   *Order
	attempt int16
	repeats bool
}

// earlier reads the latest attempt of the order number and decides whether a request with the fingerprint repeats it: one
// that ended without a payment is repeated for the time given, unless the merchant was told. Where the key is gone that would tell, nothing
// is begun beside an order that a repeat would be answered with.
func (b *Books) earlier(ctx context.Context, merchant int32, number string, fingerprint Fingerprint, within time.Duration) (earlierOrder, error) {
	o, err := b.ByNumber(ctx, merchant, number)
	if err != nil {
		return earlierOrder{}, err
	}
	e := earlierOrder{order: o, attempt: o.Attempt}
	like := fingerprint.likens(o.fingerprint)
	ended := o.Status == order.Declined || o.Status == order.TimedOut
	switch {
	case !ended && like == same:
		e.repeats = true
	case !ended && like == different:
		return earlierOrder{}, fmt.Errorf("%w: %q", ErrOrderExists, number)
	case !ended:
		return earlierOrder{}, unclearRepeat(number)
	case like != different && b.Now().Sub(o.CreatedAt) < within:
		told, err := b.refusalTold(ctx, o)
		if err == nil && !told && like == unclear {
			return earlierOrder{}, unclearRepeat(number)
		}
		e.repeats = !told
		return e, err
	}
	return e, nil
}

// unclearRepeat refuses what may repeat an order and may not: the key of that order's fingerprint is gone.
func unclearRepeat(number string) error {
	return fmt.Errorf("%w: %q: nobody can tell whether this request repeats it, the key of its fingerprint is gone", ErrOrderExists, number)
}

// windowSeen is the last planned cut-off of a center, and when it was read.
type windowSeen struct{ last, at time.Time }

// windowsReadEvery is how old a window that was seen may be: windows that are planned anew may end sooner.
const windowsReadEvery = time.Minute

// checkWindow refuses a payment at a center for whose records no window is planned. The answer is kept for a minute, but not
// beyond the last planned cut-off.
func (b *Books) checkWindow(ctx context.Context, q postgres.Querier, c *Center) error {
	if !c.Capabilities.FinancialRecord {
		return nil
	}
	now := b.Now()
	if seen, ok := b.horizon.Load(c.ID); ok && now.Before(seen.(windowSeen).last) && now.Sub(seen.(windowSeen).at).Abs() < windowsReadEvery {
		return nil
	}
	var last *time.Time
	err := q.QueryRow(ctx, `SELECT max(cutoff_at) FROM windows WHERE center_id = $1 AND state = $2`, c.ID, WindowOpen).Scan(&last)
	if err != nil {
		return fmt.Errorf("read windows of %s: %w", c.Name, err)
	}
	switch {
	case last == nil:
		return fmt.Errorf("%w: center %s has none; settled doctor says why", ErrNoWindow, c.Name)
	case !now.Before(*last):
		return fmt.Errorf("%w: the last one of center %s was cut off at %s; settled doctor says why", ErrNoWindow, c.Name, last.Format(time.RFC3339))
	}
	b.horizon.Store(c.ID, windowSeen{*last, now})
	return nil
}
