package authorize

import (
	"context"
	"encoding/json"
	"log/slog"

	"settled/authorize/payment"
	"settled/authorize/protocol"
	"settled/authorize/tenants"
	"settled/settle"
	"settled/settle/order"
)

// serverOrder makes of a payment of a merchant's server the order that is opened for it when it cannot be sent at once.
// keeps tells that its card is to be kept: for the buyer's next payment, or for later payments of the merchant.
func (g *Gateway) serverOrder(c *tenants.Caller, in *settle.Intent) (r settle.OpenRequest, keeps bool, err error) {
	agreed, err := payment.ReadAgreement(c, in.Amount.Currency, g.now())
	if err != nil {
		return r, false, err
	}
	customer := c.Text(protocol.InCustomerNumber)
	r = settle.OpenRequest{Merchant: in.Merchant, OrderNumber: in.OrderNumber, Original: in.Amount, Means: order.MeansCard,
		TwoStage: in.TwoStage, Tries: 1, PayBefore: g.now().Add(payment.StoredPayWithin), RepeatWithin: settle.RepeatWithin,
		Fingerprint: in.Fingerprint, Details: in.Details}
	switch {
	case agreed != nil:
		r.Terms = agreed.Terms()
	case customer != "" && c.Settings.Page.OneClick:
		r.Customer, r.Keep = customer, true
	default:
		return r, false, nil
	}
	r.Fingerprint = g.prints.Keeping(&r, in, agreed)
	return r, true, nil
}

// withDetails adds to details; names that are there are replaced.
func withDetails(raw json.RawMessage, more protocol.Details) (json.RawMessage, error) {
	all := protocol.Details{}
	if raw != nil {
		if err := json.Unmarshal(raw, &all); err != nil {
			return nil, err
		}
	}
	for name, value := range more {
		all[name] = value
	}
	return json.Marshal(all)
}

// payKeeping serves a payment whose card is to be kept.
func (g *Gateway) payKeeping(ctx context.Context, c *tenants.Caller, r settle.OpenRequest, k protocol.Card) (*reply, error) {
	books, cancel := context.WithTimeout(ctx, payment.SettleTimeout)
	defer cancel()
	c.Fingerprint = r.Fingerprint
	o, fresh, err := g.books.Open(books, r)
	if err != nil {
		return nil, err
	}
	return g.payOnce(ctx, c, o, fresh, func() error {
		decided, err := payment.DecisionsOf(o)
		if err != nil {
			return err
		}
		f, err := g.cards.FilingOf(ctx, o, decided)
		if err != nil {
			return err
		}
		return g.cards.PayOpened(ctx, o, k, f)
	})
}

// payOnce pays an opened order that nobody has begun to pay, and answers what the books say of it then. fresh tells that the request made
// the order. An error of do tells that nobody was asked for money.
func (g *Gateway) payOnce(ctx context.Context, c *tenants.Caller, o *settle.Order, fresh bool, do func() error) (*reply, error) {
	repeats := !fresh && !payment.Unpaid(o)
	if payment.Unpaid(o) {
		if err := do(); err != nil && !payment.Overtaken(err) {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, payment.LookTimeout)
	defer cancel()
	a, err := g.stored(ctx, c, o.ID)
	if err != nil {
		g.log.Error("payment not read back", slog.Int64("order", o.ID), slog.Any("error", err))
		return nil, payment.ErrOutcomeUnknown
	}
	if repeats {
		a.repeated()
	}
	return a, nil
}
