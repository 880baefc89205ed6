package authorize

import (
	"context"

	"settled/authorize/online"
	"settled/authorize/payment"
	"settled/authorize/protocol"
	"settled/authorize/tenants"
	"settled/internal/money"
	"settled/settle"
)

// later serves the next payment of a subscription, which the merchant starts.
func (g *Gateway) later(ctx context.Context, c *tenants.Caller) (*reply, error) {
	r, err := g.readLater(ctx, c)
	if err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx) // from here on the work does not end with the caller
	c.Fingerprint = r.Fingerprint
	o, k, err := g.wallet.OpenLater(ctx, r)
	if err != nil {
		return nil, err
	}
	s := payment.StoredPayment{Use: online.Recurring, Credential: k}
	return g.payOnce(ctx, c, o, false, func() error { return g.wallet.Pay(ctx, o, s) })
}

// readLater checks everything that can be refused without a trace.
func (g *Gateway) readLater(ctx context.Context, c *tenants.Caller) (r settle.OpenRequest, err error) {
	r = settle.OpenRequest{Merchant: c.Merchant, OrderNumber: c.Text(protocol.InOrderNumber), Tries: 1, PayBefore: g.now().Add(payment.StoredPayWithin)}
	if err = c.Require(protocol.InBillNumber, protocol.InOrderNumber); err != nil {
		return r, err
	}
	c.ReadLanguage(protocol.English)
	id, operation, err := c.BillNumber()
	if err != nil {
		return r, err
	}
	first, err := g.books.Order(ctx, c.Merchant.ID, id)
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
	r.Fingerprint = g.prints.Later(&r)
	return r, nil
}

// laterAmount reads the amount of a later payment. What is not given is as in the first payment.
func laterAmount(c *tenants.Caller, first money.Amount) (money.Amount, error) {
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
