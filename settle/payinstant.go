package settle

import (
	"context"
	"fmt"
	"time"

	"settled/internal/postgres"
	"settled/settle/breaks"
	"settled/settle/ledger"
	"settled/settle/order"
)

// BeginInstant begins a payment operation that the payer's bank will carry out until expires, durably, before the partner
// bank is asked. Where one is waiting already, that one is returned: its registration may be asked for again.
func (b *Books) BeginInstant(ctx context.Context, merchant int32, id int64, expires time.Time) (*InstantPayment, error) {
	var p *InstantPayment
	_, err := b.change(ctx, "begin instant payment", merchant, id, func(w *work) (err error) {
		if p, err = w.instantNow(ctx); err != nil || p != nil {
			return err
		}
		r := PayRequest{Merchant: merchant, Order: id, Means: order.MeansInstant}
		if err = w.startPayment(ctx, r); err != nil {
			return err
		}
		if err = w.savePayment(ctx); err != nil {
			return err
		}
		op := Operation{Number: w.order.PaymentNumber, Kind: OperationPayment, State: OperationInProcess, Actor: ByMerchant,
			Amount: w.order.Amount.Minor, Response: responseInProcess, Means: order.MeansInstant}
		if err = w.addOperation(ctx, op); err != nil {
			return err
		}
		p, err = w.insertInstant(ctx, expires)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("begin instant payment of order %d: %w", id, err)
	}
	return p, nil
}

// instantNow is the instant payment that the order waits for, or nil.
func (w *work) instantNow(ctx context.Context) (*InstantPayment, error) {
	p, err := w.instantOf(ctx, w.order.PaymentNumber)
	if err != nil || p == nil || p.State != InstantRequested && p.State != InstantActive {
		return nil, err
	}
	return p, nil
}

// firstPoll is how long the first question to the bank waits: most payers take longer to scan.
const firstPoll = 5 * time.Second

const insertInstant = `
INSERT INTO instant_payments (merchant_id, order_id, operation, center_id, state, amount, currency, rate, registered_at, expires_at, poll_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`

func (w *work) insertInstant(ctx context.Context, expires time.Time) (*InstantPayment, error) {
	o, at := w.order, w.moment.at
	if expires.After(o.PayBefore) {
		expires = o.PayBefore
	}
	poll := at.Add(firstPoll)
	p := &InstantPayment{Merchant: o.Merchant, Order: o.ID, Operation: o.PaymentNumber, Center: w.center.ID, State: InstantRequested,
		Amount: o.Amount, Rate: o.Rate, RegisteredAt: at, ExpiresAt: expires, PollAt: &poll, Fresh: true}
	_, err := w.tx.Exec(ctx, insertInstant, p.Merchant, p.Order, p.Operation, p.Center, p.State, p.Amount.Minor,
		int16(p.Amount.Currency), p.Rate, at, expires, poll)
	if err != nil {
		return nil, fmt.Errorf("insert instant payment %s: %w", p.ID(), err)
	}
	return p, nil
}

// InstantRegistered notes what the partner bank gave for a payment that it registered. A payment that has been decided
// meanwhile stays as it is.
func (b *Books) InstantRegistered(ctx context.Context, p *InstantPayment, bankID, payload string, expires time.Time) error {
	_, err := b.Pool.Exec(ctx, `UPDATE instant_payments SET state = $7, bank_id = $4, payload = $5, expires_at = least(expires_at, $6), last_error = ''
		WHERE merchant_id = $1 AND order_id = $2 AND operation = $3 AND state = $8`, p.Merchant, p.Order, p.Operation, bankID, payload, expires, InstantActive, InstantRequested)
	if err != nil {
		return fmt.Errorf("register instant payment %s: %w", p.ID(), err)
	}
	return nil
}

// InstantEnded ends a payment that was not made. One that has been decided meanwhile stays as it is.
func (b *Books) InstantEnded(ctx context.Context, merchant int32, id int64, operation int16, end InstantEnd, why string) error {
	_, err := b.change(ctx, "end instant payment", merchant, id, func(w *work) error {
		p, err := w.instantOf(ctx, operation)
		if err != nil || p == nil || p.State != InstantRequested && p.State != InstantActive {
			return err
		}
		return w.endInstant(ctx, p, end, why)
	})
	if err != nil {
		return fmt.Errorf("end instant payment %d.%d: %w", id, operation, err)
	}
	return nil
}

// endInstant ends a waiting instant payment and its operation; the order goes on while it has tries.
func (w *work) endInstant(ctx context.Context, p *InstantPayment, end InstantEnd, why string) error {
	w.trigger = order.TriggerTry
	state, result := InstantRefused, OperationFailed
	if end == EndExpired {
		state, result = InstantExpired, OperationTimedOut
	}
	switch {
	case end == EndLeft:
		w.order.TriesLeft++
	case w.order.TriesLeft == 0:
		w.trigger, w.order.Status = order.TriggerDecline, order.Declined
	}
	_, err := w.tx.Exec(ctx, `UPDATE instant_payments SET state = $4::smallint, poll_at = CASE WHEN $4 = 4 THEN poll_at END, last_error = $5
		WHERE merchant_id = $1 AND order_id = $2 AND operation = $3`, p.Merchant, p.Order, p.Operation, state, why)
	if err != nil {
		return fmt.Errorf("end instant payment: %w", err)
	}
	op := w.order.Operation(p.Operation)
	op.Note = joinNotes(op.Note, why)
	if err := w.finishOperation(ctx, op, result, responseDeclined); err != nil {
		return err
	}
	return w.savePayment(ctx)
}

// InstantMade records that the payer's bank made a payment (PR-38, and its costs and price). Told again, it changes
// nothing. A payment that comes after its order was closed is adopted or given back, see adoptsLate. What
// cannot be this payment — another amount, another payment of the order — opens a break and moves nothing.
func (b *Books) InstantMade(ctx context.Context, merchant int32, id int64, operation int16, paid Paid) (*Order, error) {
	o, err := b.change(ctx, "instant payment", merchant, id, func(w *work) error {
		w.consent = ""
		p, err := w.instantOf(ctx, operation)
		switch {
		case err != nil:
			return err
		case p == nil || p.Center != paid.Center:
			return fmt.Errorf("%w: %d.%d is no instant payment at center %d", ErrOperation, id, operation, paid.Center)
		case p.State == InstantPaid && *p.BankOperation == paid.Operation:
			w.toldAgain(paid)
			return nil
		case paid.Amount != p.Amount:
			return w.doubtAmount(ctx, p, paid)
		case p.State == InstantPaid:
			return w.doubtInstant(ctx, p, breaks.PaidTwice, paid, "the bank reports a second payment of the same QR")
		case w.order.Status == order.Paid:
			return w.doubtInstant(ctx, p, breaks.PaidTwice, paid, "the order was paid by other means before")
		case w.order.Status == order.InProcess && operation != w.order.PaymentNumber && w.paying():
			return fmt.Errorf("%w: %d", ErrInFlight, id)
		}
		if used, err := w.usedElsewhere(ctx, p, paid); used || err != nil {
			return err
		}
		return w.takeInstant(ctx, p, paid)
	})
	if err != nil {
		return nil, fmt.Errorf("instant payment %d.%d: %w", id, operation, err)
	}
	return o, nil
}

// toldAgain takes the consent that comes with the repeat of a payment, which may be the first time that the bank names it.
func (w *work) toldAgain(paid Paid) {
	if w.order.Terms != nil {
		w.consent = paid.Consent
	}
}

const instantOfOperation = `SELECT order_id, operation FROM instant_payments WHERE merchant_id = $1 AND bank_operation = $2`

// usedElsewhere leaves a payment to a person that the bank has named for another one before.
func (w *work) usedElsewhere(ctx context.Context, p *InstantPayment, paid Paid) (bool, error) {
	type place struct {
		Order     int64 `db:"order_id"`
		Operation int16
	}
	others, err := postgres.Collect[place](ctx, w.tx, instantOfOperation, p.Merchant, paid.Operation)
	if err != nil || len(others) == 0 {
		return false, err
	}
	return true, w.doubtInstant(ctx, p, breaks.PaidTwice, paid, fmt.Sprintf("the bank said before that this paid %d.%d", others[0].Order, others[0].Operation))
}

// doubtAmount leaves money of another amount to a person. Until its end the payment waits for a better word of the bank; then
// it counts as not made, and the order is not kept waiting.
func (w *work) doubtAmount(ctx context.Context, p *InstantPayment, paid Paid) error {
	why := fmt.Sprintf("the bank says that %v was paid, asked were %v", paid.Amount, p.Amount)
	if err := w.doubtInstant(ctx, p, breaks.OtherTerms, paid, why); err != nil {
		return err
	}
	waits := p.State == InstantRequested || p.State == InstantActive
	if !waits || w.moment.at.Before(p.ExpiresAt) {
		return nil
	}
	return w.endInstant(ctx, p, EndExpired, why)
}

// doubtInstant leaves money that the books cannot place to a person.
func (w *work) doubtInstant(ctx context.Context, p *InstantPayment, category breaks.Category, paid Paid, why string) error {
	_, err := breaks.Open(ctx, w.tx, w.moment.at, breaks.Break{Category: category,
		Fingerprint: fmt.Sprintf("instant/%d/%s/%s", p.Merchant, p.ID(), paid.Operation), Center: p.Center, Merchant: p.Merchant,
		Order: p.Order, Amount: paid.Amount, Note: why})
	if err != nil {
		return err
	}
	_, err = w.tx.Exec(ctx, `UPDATE instant_payments SET last_error = $4 WHERE merchant_id = $1 AND order_id = $2 AND operation = $3`,
		p.Merchant, p.Order, p.Operation, why)
	return err
}

var payInstant = spelled(`
UPDATE instant_payments SET state = @InstantPaid, poll_at = NULL, bank_operation = $4, paid_at = $5, late = $6, last_error = ''
WHERE merchant_id = $1 AND order_id = $2 AND operation = $3`)

// takeInstant makes the payment the order's, whatever was tried since, and posts it.
func (w *work) takeInstant(ctx context.Context, p *InstantPayment, paid Paid) error {
	late := w.order.Status != order.InProcess
	w.consent = paid.Consent
	_, err := w.tx.Exec(ctx, payInstant, p.Merchant, p.Order, p.Operation, paid.Operation, paid.At, late)
	if err != nil {
		return fmt.Errorf("pay instant payment: %w", err)
	}
	if err := w.adoptInstant(ctx, p); err != nil {
		return err
	}
	w.trigger = order.TriggerInstant
	if !late {
		return nil
	}
	return w.takeLate(ctx, p)
}

// adoptInstant makes the order paid by the operation and posts the money, its costs and its price.
func (w *work) adoptInstant(ctx context.Context, p *InstantPayment) error {
	o := w.order
	route := w.merchant.Serves(p.Center, p.Amount.Currency)
	if route == nil {
		return fmt.Errorf("%w: merchant %d never had a contract with center %d", ErrDirectory, o.Merchant, p.Center)
	}
	if o.PaymentNumber != p.Operation {
		if err := w.keepEarlierCard(ctx); err != nil {
			return err
		}
	}
	w.route, w.center = route, route.Center
	o.PaymentNumber, o.Means, o.Center, o.Amount, o.Rate = p.Operation, order.MeansInstant, p.Center, p.Amount, p.Rate
	o.CardMask, o.CardExpiry, o.card = "", "", []byte{}
	o.Status, o.Amounts = order.Paid, order.Amounts{Authorized: p.Amount.Minor, Confirmed: p.Amount.Minor}
	exchange, err := w.books.exchangeID(ctx, paymentExchange)
	if err != nil {
		return err
	}
	o.lastTxn++
	o.paymentTxn, o.exchange = o.lastTxn, exchange
	if err := w.savePayment(ctx); err != nil {
		return err
	}
	op := w.order.Operation(p.Operation)
	if err := w.finishOperation(ctx, op, OperationDone, responseDone); err != nil {
		return err
	}
	t := Transaction{Number: o.paymentTxn, Operation: p.Operation, Kind: Purchase, State: TransactionApproved, Amount: p.Amount.Minor,
		Exchange: exchange, TransmittedAt: p.RegisteredAt, AnsweredAt: &w.moment.at, Attempts: 1, ActionCode: "000", Contract: route.Contract}
	if err := w.saveTransaction(ctx, t); err != nil {
		return err
	}
	return w.postInstant(op)
}

func (w *work) postInstant(op *Operation) error {
	w.post(ledger.InstantAccepted, op.Number, ledger.PhaseDone, op.Amount, false)
	like := w.postings[len(w.postings)-1]
	like.Phase = ledger.PhaseVerdict
	accrued, err := w.route.Terms().OfSaleAtOnce(like)
	w.postings = append(w.postings, accrued...)
	return err
}

const laterAttempt = `SELECT EXISTS (SELECT FROM orders WHERE merchant_id = $1 AND ordernumber = $2 AND attempt > $3)`

// adoptsLate tells that a payment of an order that was closed stays: the center's policy says so, and the merchant has neither
// cancelled it nor asked for it again, by another attempt of the order number or by another payment of the subscription's period.
func (w *work) adoptsLate(ctx context.Context) (bool, error) {
	if w.center.LatePaid == LateRefund || w.order.Parent != 0 || w.before == order.StateCanceled {
		return false, nil
	}
	var again bool
	err := w.tx.QueryRow(ctx, laterAttempt, w.order.Merchant, w.order.Number, w.order.Attempt).Scan(&again)
	if err != nil {
		return false, fmt.Errorf("look for a later attempt of order %q: %w", w.order.Number, err)
	}
	return !again, nil
}

// takeLate decides about a payment of an order that was closed: it stays, or is given back at once.
func (w *work) takeLate(ctx context.Context, p *InstantPayment) error {
	adopts, err := w.adoptsLate(ctx)
	if err != nil {
		return err
	}
	op := w.order.Operation(p.Operation)
	w.trigger = order.TriggerLatePaid
	if adopts {
		op.Note = joinNotes(op.Note, "paid after the order was closed: adopted")
		return w.saveOperation(ctx, op)
	}
	op.Note = joinNotes(op.Note, "paid after the order was closed: given back")
	if err := w.saveOperation(ctx, op); err != nil {
		return err
	}
	if _, err := w.cancel(ctx, CancelRequest{Reason: ReasonShop, Actor: BySystem}); err != nil {
		return err
	}
	if w.trigger = order.TriggerLatePaid; w.before == order.StateCanceled {
		w.trigger = order.TriggerWithdrawn
	}
	return nil
}
