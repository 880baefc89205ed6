package authorize

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/google/uuid"

	"settled/authorize/online"
	"settled/authorize/protocol"
	"settled/settle"
)

// storedDetail is the detail of an opened order that names the stored card that its payment is tried with.
const storedDetail = "storedcard"

// filing is what the center is told of a payment and a stored card.
type filing struct {
	use     online.Stored
	network string // the network's name of the payment that the card was stored with
}

// mark writes it into the request of a payment, whose card may be kept for its buyer.
func (f filing) mark(r *online.Request, p *settle.Payment) {
	r.Stored, r.NetworkID = f.use, f.network
	if p.Keeps && f.use == 0 {
		r.Stored = online.SavesCard
	}
}

// filingOf reads from an order what its payment by card has to do with a stored one.
func (g *Gateway) filingOf(ctx context.Context, o *settle.Order, kept protocol.Details) (filing, error) {
	switch {
	case agreedOf(o) != nil:
		return filing{use: online.AgreesRecurring}, nil
	case kept[storedDetail] == "":
		return filing{}, nil
	}
	id, err := uuid.Parse(kept[storedDetail])
	if err != nil {
		return filing{}, settle.ErrNoCredential
	}
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	k, err := g.Books.Credential(ctx, o.Merchant, id)
	if err != nil {
		return filing{}, err
	}
	return filing{online.CardOnFile, k.NetworkID}, nil
}

// tellStored tells which stored card stands for what an order was paid with, for payments with TokenType=5. That it
// cannot be looked up is no reason to tell nothing of the payment.
func (g *Gateway) tellStored(ctx context.Context, r *protocol.Row, o *settle.Order) {
	r[protocol.OutCustomerNumber] = o.Customer
	if o.Customer == "" || o.Means != settle.MeansCard {
		return
	}
	k, err := g.Books.StoredWith(ctx, o)
	switch {
	case err == nil:
		r[protocol.OutToken] = k.ID.String()
	case !errors.Is(err, settle.ErrNoCredential):
		g.Log.Warn("stored card of an order not looked up", "order", o.ID, "error", err)
	}
}

// serverOrder makes of a payment of a merchant's server the order that is opened for it when it cannot be sent at once.
// keeps tells that its card is to be kept: for the buyer's next payment, or for later payments of the merchant.
func (g *Gateway) serverOrder(c *caller, in *settle.Intent) (r settle.OpenRequest, keeps bool, err error) {
	agreed, err := readRecurring(c, in.Amount.Currency, g.Now())
	if err != nil {
		return r, false, err
	}
	customer := c.Text(protocol.InCustomerNumber)
	r = settle.OpenRequest{Merchant: in.Merchant, OrderNumber: in.OrderNumber, Original: in.Amount, Means: settle.MeansCard,
		TwoStage: in.TwoStage, Tries: 1, PayBefore: g.Now().Add(storedPayWithin), RepeatWithin: settle.RepeatWithin,
		Fingerprint: in.Fingerprint, Details: in.Details}
	switch {
	case agreed != nil:
		r.Terms = agreed.terms()
	case customer != "" && c.settings.Page.OneClick:
		r.Customer, r.Keep = customer, true
	default:
		return r, false, nil
	}
	r.Fingerprint = g.keepingFingerprint(&r, in, agreed)
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

// keepingFingerprint tells an identical request from a different one: the payment, and what is kept of it.
func (g *Gateway) keepingFingerprint(r *settle.OpenRequest, in *settle.Intent, agreed *recurring) []byte {
	sum := g.Vault.Fingerprint("payment with a card that is kept", append(g.orderFingerprint(r, agreed), in.Fingerprint...))
	return sum[:]
}

// payKeeping serves a payment whose card is to be kept.
func (g *Gateway) payKeeping(ctx context.Context, c *caller, r settle.OpenRequest, k protocol.Card) (*reply, error) {
	books, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	c.fingerprint = r.Fingerprint
	o, fresh, err := g.Books.Open(books, r)
	if err != nil {
		return nil, err
	}
	return g.payOnce(ctx, c, o, fresh, func() error {
		f, err := g.filingOf(ctx, o, detailsOf(o))
		if err != nil {
			return err
		}
		return g.payOpened(ctx, o, k, f)
	})
}

// payOpened pays an opened order by card. An error tells that the center was not asked.
func (g *Gateway) payOpened(ctx context.Context, o *settle.Order, k protocol.Card, f filing) error {
	books, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	p, err := g.Books.Pay(books, settle.PayRequest{Merchant: o.Merchant, Order: o.ID, Means: settle.MeansCard, PAN: k.PAN, CardExpiry: k.Expiry})
	if err != nil {
		return err
	}
	r := g.request(p, k)
	f.mark(&r, p)
	g.perform(ctx, p, r)
	return nil
}

// payOnce pays an opened order that nobody has begun to pay, and answers what the books say of it then. fresh tells that the request made
// the order. An error of do tells that nobody was asked for money.
func (g *Gateway) payOnce(ctx context.Context, c *caller, o *settle.Order, fresh bool, do func() error) (*reply, error) {
	repeats := !fresh && !unpaid(o)
	if unpaid(o) {
		if err := do(); err != nil && !overtaken(err) {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	a, err := g.stored(ctx, c, o.ID)
	if err != nil {
		g.Log.Error("payment not read back", "order", o.ID, "error", err)
		return nil, errOutcomeUnknown
	}
	if repeats {
		a.repeated()
	}
	return a, nil
}
