package settle

import (
	"context"
	"fmt"

	"settled/internal/vault"
	"settled/settle/order"
)

// PayRequest begins a payment of an opened order. Card payments give PAN and CardExpiry, instant payments neither.
type PayRequest struct {
	Merchant   int32
	Order      int64
	Means      order.Means
	PAN        vault.PAN
	CardExpiry string // YYMM
	Keep       bool   // the card is kept for the buyer's next payment if this one is approved
	Number     int16  // that the payment operation is to have, so that one form pays once; 0: the next
}

// Pay begins a payment operation of an opened order durably, with the exchange that it owes, and returns the payment to
// send, as Begin does. A payment that is in process is ErrInFlight, an order that has ended ErrEnded. What waits for 3-D
// Secure is given up: the buyer began again.
func (b *Books) Pay(ctx context.Context, r PayRequest) (*Payment, error) {
	var p *Payment
	_, err := b.change(ctx, "pay", r.Merchant, r.Order, func(w *work) (err error) {
		if err = w.startPayment(ctx, r); err != nil {
			return err
		}
		p, err = w.transmit(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// checkBrand refuses a card that the center does not take.
func (r *PayRequest) checkBrand(c *Center) error {
	if r.Means != order.MeansCard {
		return nil
	}
	return c.CheckBrand(r.PAN.Mask())
}

// startPayment numbers the next payment operation of an opened order and makes its means the order's. Whoever calls it
// writes either the exchange or the operation.
func (w *work) startPayment(ctx context.Context, r PayRequest) error {
	if err := w.payableNow(ctx); err != nil {
		return err
	}
	if r.Number != 0 && r.Number != w.order.lastOperation+1 {
		return fmt.Errorf("%w: payment %d.%d was begun before", ErrInFlight, w.order.ID, r.Number)
	}
	q, err := w.quoteAgain(r.Means)
	if err != nil {
		return err
	}
	if err := r.checkBrand(q.Route.Center); err != nil {
		return err
	}
	if err := w.books.checkWindow(ctx, w.tx, q.Route.Center); err != nil {
		return err
	}
	if err := w.keepEarlierCard(ctx); err != nil {
		return err
	}
	o := w.order
	o.PaymentNumber, o.paymentTxn = w.nextOperation(), 0
	o.Means, o.Center, o.Amount, o.Rate = r.Means, q.Route.Center.ID, q.Amount, q.Rate
	o.TriesLeft--
	w.route, w.center = q.Route, q.Route.Center
	w.trigger = order.TriggerTry
	if err := w.wishToKeep(ctx, r.Keep); err != nil {
		return err
	}
	return w.takeCard(r)
}

// quoteAgain says what a payment by the means comes to. In the currency that the order shows it is the amount that the order
// shows, whatever the rate has become since: a buyer pays what he was told.
func (w *work) quoteAgain(means order.Means) (Quote, error) {
	q, err := w.books.quote(w.merchant, means, w.order.Original, w.order.TwoStage)
	if err == nil && q.Amount.Currency == w.order.Amount.Currency {
		q.Amount, q.Rate = w.order.Amount, w.order.Rate
	}
	return q, err
}

// payableNow refuses a payment of an order that is not open, or has another payment in process.
func (w *work) payableNow(ctx context.Context) error {
	o := w.order
	if o.Status != order.InProcess || o.PayBefore.IsZero() || !w.moment.at.Before(o.PayBefore) {
		return fmt.Errorf("%w: %d is %s", ErrEnded, o.ID, o.State())
	}
	if err := w.abandonAuthentication(ctx, "begun again"); err != nil {
		return err
	}
	switch {
	case w.paying():
		return fmt.Errorf("%w: %d", ErrInFlight, o.ID)
	case o.TriesLeft == 0:
		return fmt.Errorf("%w: %d has no try left", ErrEnded, o.ID)
	}
	return nil
}

const keepCard = `UPDATE operations SET card_mask = $4, card_expiry = $5 WHERE merchant_id = $1 AND order_id = $2 AND operation = $3`

// keepEarlierCard notes on the last payment operation what it was tried with, before the order takes another card.
func (w *work) keepEarlierCard(ctx context.Context) error {
	op := w.order.Payment()
	if op == nil {
		return nil
	}
	mask, expiry := w.order.CardMask, w.order.CardExpiry
	op.CardMask, op.CardExpiry = &mask, &expiry
	if _, err := w.tx.Exec(ctx, keepCard, w.order.Merchant, w.order.ID, op.Number, mask, expiry); err != nil {
		return fmt.Errorf("note card of %d.%d: %w", w.order.ID, op.Number, err)
	}
	return nil
}

// takeCard makes the card of the request, if it has one, the order's.
func (w *work) takeCard(r PayRequest) error {
	o := w.order
	o.CardMask, o.CardExpiry, o.card = "", "", []byte{}
	if r.PAN.IsZero() {
		return nil
	}
	card, err := w.books.Vault.Seal(r.PAN, vault.CardBinding(nil, int64(o.Merchant), o.ID))
	if err != nil {
		return fmt.Errorf("seal card: %w", err)
	}
	o.CardMask, o.CardExpiry, o.card = r.PAN.Mask(), r.CardExpiry, card
	return nil
}

const updatePayment = `
UPDATE orders SET payment = $3, payment_transaction = $4, means = $5, tries_left = $6, center_id = $7, amount = $8, currency = $9,
	original_amount = $10, original_currency = $11, rate = $12, card_mask = $13, card_expiry = $14, card = $15, exchange_id = $16,
	operations = $17, transactions = $18
WHERE merchant_id = $1 AND order_id = $2`

// savePayment writes which payment is the order's now, and what it is paid with.
func (w *work) savePayment(ctx context.Context) error {
	o := w.order
	amount, currency, rate := converted(Quote{Amount: o.Amount, Rate: o.Rate}, o.Original)
	_, err := w.tx.Exec(ctx, updatePayment, o.Merchant, o.ID, o.PaymentNumber, o.paymentTxn, o.Means, o.TriesLeft, o.Center,
		o.Amount.Minor, int16(o.Amount.Currency), amount, currency, rate, o.CardMask, o.CardExpiry, o.card, o.exchange, o.lastOperation, o.lastTxn)
	if err != nil {
		return fmt.Errorf("write payment of order %d: %w", o.ID, err)
	}
	return nil
}

var insertPaymentExchange = spelled(`
WITH e AS (
	INSERT INTO owed_exchanges (merchant_id, order_id, transaction, operation, center_id, kind, amount, exchange_id, created_at,
		transmitted_at, due_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::timestamptz, $9::timestamptz, $9::timestamptz + $10::interval)
)
SELECT EXISTS (SELECT FROM wishes WHERE merchant_id = $1 AND order_id = $2 AND kind = @WishKeep AND operation IN (0, $4))`)

// transmit writes the exchange of the order's payment operation, which is about to be sent.
func (w *work) transmit(ctx context.Context) (*Payment, error) {
	o := w.order
	var err error
	if o.exchange, err = w.books.exchangeID(ctx, paymentExchange); err != nil {
		return nil, err
	}
	o.lastTxn++
	o.paymentTxn = o.lastTxn
	if err = w.savePayment(ctx); err != nil {
		return nil, err
	}
	p := w.payment()
	err = w.tx.QueryRow(ctx, insertPaymentExchange, o.Merchant, o.ID, o.paymentTxn, o.PaymentNumber, w.center.ID, p.Kind,
		o.Amount.Minor, o.exchange, w.moment.at, unknownAfter).Scan(&p.Keeps)
	if err != nil {
		return nil, fmt.Errorf("write exchange of order %d: %w", o.ID, err)
	}
	return p, nil
}

// payment is the order's payment operation as it is sent.
func (w *work) payment() *Payment {
	o := w.order
	until := o.PayBefore
	return &Payment{Merchant: w.merchant, Route: w.route, Order: o.ID, Original: o.Original, Amount: o.Amount, Rate: o.Rate, TwoStage: o.TwoStage, Exchange: o.exchange,
		TransmittedAt: w.moment.at, Kind: w.route.paymentKind(), Operation: o.PaymentNumber, Transaction: o.paymentTxn,
		Later: o.Parent != 0, parent: o.Parent, TriesLeft: int(o.TriesLeft), card: o.card, cardExpiry: o.CardExpiry, payBefore: &until}
}
