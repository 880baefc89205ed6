package settle

import (
	"context"
	"fmt"
	"time"

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
	q, err := b.quote(in.Merchant, MeansCard, in.Amount, in.TwoStage)
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
	it := &intent{number: in.OrderNumber, attempt: 1, mask: in.PAN.String(), fingerprint: in.Fingerprint}
	it.Payment = Payment{Merchant: in.Merchant, Route: q.Route, Order: id, Original: in.Amount, Amount: q.Amount, Rate: q.Rate,
		TwoStage: in.TwoStage, Exchange: exchange, TransmittedAt: b.now(), Kind: q.Route.paymentKind(), Operation: 1, Transaction: 1, card: card, cardExpiry: in.CardExpiry}
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
// that ended without a payment is repeated for the time given, unless the merchant was told.
func (b *Books) earlier(ctx context.Context, merchant int32, number string, fingerprint []byte, within time.Duration) (earlierOrder, error) {
	o, err := b.ByNumber(ctx, merchant, number)
	if err != nil {
		return earlierOrder{}, err
	}
	e := earlierOrder{order: o, attempt: o.Attempt}
	same := o.Matches(fingerprint)
	ended := o.Status == order.Declined || o.Status == order.TimedOut
	switch {
	case same && !ended:
		e.repeats = true
	case same && b.now().Sub(o.CreatedAt) < within:
		told, err := b.refusalTold(ctx, o)
		e.repeats = !told
		return e, err
	case !same && !ended:
		return earlierOrder{}, fmt.Errorf("%w: %q", ErrOrderExists, number)
	}
	return e, nil
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
	now := b.now()
	if seen, ok := b.horizon.Load(c.ID); ok && now.Before(seen.(windowSeen).last) && now.Sub(seen.(windowSeen).at).Abs() < windowsReadEvery {
		return nil
	}
	var last *time.Time
	err := q.QueryRow(ctx, `SELECT max(cutoff_at) FROM windows WHERE center_id = $1 AND state = $2`, c.ID, windowOpen).Scan(&last)
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

// intentRow is an intent as its statement takes it.
type intentRow struct {
	*intent
	original         *int64 // what the merchant asked, where it is converted
	originalCurrency *int16
	rate             *string
}

func rowOfIntent(in *intent) *intentRow {
	r := intentRow{intent: in}
	r.original, r.originalCurrency, r.rate = converted(Quote{Amount: in.Amount, Rate: in.Rate}, in.Original)
	return &r
}

var intentColumns = postgres.Columns[*intentRow]{
	postgres.ColumnOf("merchant", "int", func(r *intentRow) int32 { return r.Merchant.ID }),
	postgres.ColumnOf("id", "bigint", func(r *intentRow) int64 { return r.Order }),
	postgres.ColumnOf("number", "text", func(r *intentRow) string { return r.number }),
	postgres.ColumnOf("attempt", "smallint", func(r *intentRow) int16 { return r.attempt }),
	postgres.ColumnOf("amount", "bigint", func(r *intentRow) int64 { return r.Amount.Minor }),
	postgres.ColumnOf("currency", "smallint", func(r *intentRow) int16 { return int16(r.Amount.Currency) }),
	postgres.ColumnOf("center", "smallint", func(r *intentRow) int16 { return r.Route.Center.ID }),
	postgres.ColumnOf("two_stage", "boolean", func(r *intentRow) bool { return r.TwoStage }),
	postgres.ColumnOf("at", "timestamptz", func(r *intentRow) time.Time { return r.TransmittedAt }),
	postgres.ColumnOf("exchange", "bigint", func(r *intentRow) int64 { return r.Exchange }),
	postgres.ColumnOf("mask", "text", func(r *intentRow) string { return r.mask }),
	postgres.ColumnOf("expiry", "text", func(r *intentRow) string { return r.cardExpiry }),
	postgres.ColumnOf("card", "bytea", func(r *intentRow) []byte { return r.card }),
	postgres.ColumnOf("fingerprint", "bytea", func(r *intentRow) []byte { return r.fingerprint }),
	postgres.ColumnOf("details", "jsonb", func(r *intentRow) *string { return r.details }),
	postgres.ColumnOf("original", "bigint", func(r *intentRow) *int64 { return r.original }),
	postgres.ColumnOf("original_currency", "smallint", func(r *intentRow) *int16 { return r.originalCurrency }),
	postgres.ColumnOf("rate", "text", func(r *intentRow) *string { return r.rate }),
}

var insertIntents = intentColumns.Statement(`
WITH o AS (
	INSERT INTO orders (merchant_id, order_id, ordernumber, attempt, amount, currency, center_id, two_stage, status,
		created_at, exchange_id, card_mask, card_expiry, card, fingerprint, details, original_amount, original_currency, rate, asked)
	SELECT merchant, id, number, attempt, amount, currency, center, two_stage, @status, at, exchange, mask, expiry, card, fingerprint, details,
		original, original_currency, rate, what_was_asked(merchant, id, number, attempt, coalesce(original, amount),
			coalesce(original_currency, currency), two_stage, NULL, NULL, details)
	FROM `+intentColumns.Unnest("i", 1)+`
	ON CONFLICT (merchant_id, ordernumber, attempt) DO NOTHING
	RETURNING merchant_id, order_id, amount, exchange_id, created_at, center_id
), w AS (
	INSERT INTO owed_exchanges (merchant_id, order_id, transaction, operation, center_id, kind, amount, exchange_id,
		created_at, transmitted_at, due_at)
	SELECT merchant_id, order_id, 1, 1, center_id, CASE WHEN center_id = ANY (@single) THEN @purchase ELSE @authorization END, amount,
		exchange_id, created_at, created_at, created_at + @unknown_after
	FROM o
)
SELECT order_id FROM o`, "status smallint", "single smallint[]", "purchase smallint", "authorization smallint", "unknown_after interval")

// unknownAfter is when a payment whose process died counts as unknown. The process itself gives up at the center's
// deadline, which must be shorter.
const unknownAfter = 2 * time.Minute

// writeIntents inserts the orders and owed exchanges of a group. An item whose order number is taken stays not fresh.
func (b *Books) writeIntents(ctx context.Context, tx pgx.Tx, group []*item) error {
	if len(group) == 0 {
		return nil
	}
	all := make([]*intentRow, len(group))
	byID := make(map[int64]*item, len(group))
	for i, it := range group {
		all[i], byID[it.begin.Order] = rowOfIntent(it.begin), it
	}
	rows, err := tx.Query(ctx, insertIntents, intentColumns.Args(all, order.InProcess, b.singleMessage, Purchase, Authorization, unknownAfter)...)
	if err != nil {
		return fmt.Errorf("insert %d orders: %w", len(group), err)
	}
	return markFresh(rows, byID)
}

// markFresh marks the items that a statement tells it wrote.
func markFresh(rows pgx.Rows, items map[int64]*item) error {
	var key int64
	_, err := pgx.ForEachRow(rows, []any{&key}, func() error {
		items[key].fresh = true
		return nil
	})
	return err
}
