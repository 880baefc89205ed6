package authorize

import (
	"context"
	"settled/authorize/online"
	"settled/authorize/protocol"
	"settled/settle"

	"github.com/google/uuid"
)

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
func (c *cards) filingOf(ctx context.Context, o *settle.Order, kept protocol.Details) (filing, error) {
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
	k, err := c.books.Credential(ctx, o.Merchant, id)
	if err != nil {
		return filing{}, err
	}
	return filing{online.CardOnFile, k.NetworkID}, nil
}

// payOpened pays an opened order by card. An error tells that the center was not asked.
func (c *cards) payOpened(ctx context.Context, o *settle.Order, k protocol.Card, f filing) error {
	books, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	p, err := c.books.Pay(books, settle.PayRequest{Merchant: o.Merchant, Order: o.ID, Means: settle.MeansCard, PAN: k.PAN, CardExpiry: k.Expiry})
	if err != nil {
		return err
	}
	r := c.request(p, k)
	f.mark(&r, p)
	c.perform(ctx, p, r)
	return nil
}
