package authorize

import (
	"context"

	"settled/authorize/payment"
	"settled/authorize/protocol"
	"settled/authorize/tenants"
	"settled/settle"
)

// pay serves silentpay: intent, wire, outcome, answer.
func (g *Gateway) pay(ctx context.Context, c *tenants.Caller) (*reply, error) {
	in, k, err := g.readPayment(c)
	defer k.CVV.Wipe()
	if err != nil {
		return nil, err
	}
	paid := paidBy(c, k.PAN)
	if err := g.untested(ctx, c, &paid); err != nil {
		return nil, err
	}
	a, err := g.payNow(ctx, c, in, k)
	g.noteTested(&paid, a, err)
	return a, err
}

// payNow pays as the merchant's settings say.
func (g *Gateway) payNow(ctx context.Context, c *tenants.Caller, in settle.Intent, k protocol.Card) (*reply, error) {
	r, keeps, err := g.serverOrder(c, &in)
	if err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx) // from here on the work does not end with the caller
	if g.secure.Secures(c.Settings) {
		return g.paySecurely(ctx, c, r, k)
	}
	if keeps {
		return g.payKeeping(ctx, c, r, k)
	}
	c.Fingerprint = in.Fingerprint
	p, earlier, err := g.cards.Begin(ctx, in)
	switch {
	case err != nil:
		return nil, err
	case earlier != nil:
		a, err := g.stored(ctx, c, earlier.ID)
		if err != nil {
			return nil, err
		}
		return a.repeated(), nil
	}
	return g.authorize(ctx, c, &in, p, k)
}

// readPayment checks everything that can be refused without a trace.
func (g *Gateway) readPayment(c *tenants.Caller) (in settle.Intent, k protocol.Card, err error) {
	in = settle.Intent{Merchant: c.Merchant, OrderNumber: c.Text(protocol.InOrderNumber)}
	if err = c.Require(protocol.InOrderNumber, protocol.InOrderAmount); err != nil {
		return in, k, err
	}
	if in.Amount, err = c.OrderAmount(); err != nil {
		return in, k, err
	}
	delay, err := c.Number(protocol.InDelay, 0, 1, 0)
	if err != nil {
		return in, k, err
	}
	c.ReadLanguage(c.Settings.Language())
	if _, err = c.Number(protocol.InCardType, 1, 9, 0); err != nil {
		return in, k, err
	}
	if k, err = c.ReadCard(g.now(), g.vault.Environment()); err != nil {
		return in, k, err
	}
	if err = g.ways.CheckBrand(c.Merchant, in.Amount, k.PAN.Mask()); err != nil {
		return in, k, err
	}
	in.TwoStage, in.PAN, in.CardExpiry, in.Details = delay == 1, k.PAN, k.Expiry, c.Details()
	in.Fingerprint = g.prints.Payment(&in)
	return in, k, nil
}

// authorize asks the center and answers what it said.
func (g *Gateway) authorize(ctx context.Context, c *tenants.Caller, in *settle.Intent, p *settle.Payment, k protocol.Card) (*reply, error) {
	result, known := g.cards.Perform(ctx, p, g.cards.Request(p, k))
	if known {
		return g.finished(c, in, p, result), nil
	}
	ctx, cancel := context.WithTimeout(ctx, payment.LookTimeout)
	defer cancel()
	a, err := g.stored(ctx, c, p.Order)
	if err != nil {
		return g.inProcess(c, in, p), nil
	}
	return a, nil
}
