package authorize

import (
	"context"

	"settled/authorize/online"
	"settled/authorize/protocol"
	"settled/internal/money"
	"settled/settle"
)

// later serves the next payment of a subscription, which the merchant starts.
func (g *Gateway) later(ctx context.Context, c *caller) (*reply, error) {
	r, err := g.readLater(ctx, c)
	if err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx) // from here on the work does not end with the caller
	c.fingerprint = r.Fingerprint
	o, k, err := g.wallet.openLater(ctx, r)
	if err != nil {
		return nil, err
	}
	s := storedPayment{use: online.Recurring, credential: k}
	return g.payOnce(ctx, c, o, false, func() error { return g.wallet.pay(ctx, o, s) })
}

// readLater checks everything that can be refused without a trace.
func (g *Gateway) readLater(ctx context.Context, c *caller) (r settle.OpenRequest, err error) {
	r = settle.OpenRequest{Merchant: c.merchant, OrderNumber: c.Text(protocol.InOrderNumber), Tries: 1, PayBefore: g.now().Add(storedPayWithin)}
	if err = c.Require(protocol.InBillNumber, protocol.InOrderNumber); err != nil {
		return r, err
	}
	c.ReadLanguage(protocol.English)
	id, operation, err := c.BillNumber()
	if err != nil {
		return r, err
	}
	first, err := g.books.Order(ctx, c.merchant.ID, id)
	if err != nil {
		return r, err
	}
	if operation != 0 && operation != first.PaymentNumber {
		return r, protocol.Refuse(protocol.FirstProhibited, protocol.OnRecurring, "bill number does not name the first payment")
	}
	r.Parent, r.Details = id, c.Details()
	if r.Original, err = laterAmount(c, first.Original); err != nil {
		return r, err
	}
	r.Fingerprint = g.prints.later(&r)
	return r, nil
}

// laterAmount reads the amount of a later payment. What is not given is as in the first payment.
func laterAmount(c *caller, first money.Amount) (money.Amount, error) {
	out := first
	var err error
	if c.Has(protocol.InCurrency) {
		if out.Currency, err = c.CurrencyOf(protocol.InCurrency); err != nil {
			return out, err
		}
	}
	if c.Has(protocol.InAmount) {
		return c.AmountOf(protocol.InAmount, out.Currency)
	}
	return out, nil
}
