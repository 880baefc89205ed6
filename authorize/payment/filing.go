package payment

import (
	"context"

	"settled/authorize/online"
	"settled/authorize/protocol"
	"settled/settle"
	"settled/settle/order"

	"github.com/google/uuid"
)

// filing is what the center is told of a payment and a stored card.
type filing struct {
	use     online.Stored
	network string // the network's name of the payment that the card was stored with
}

// Mark writes it into the request of a payment, whose card may be kept for its buyer.
func (f filing) Mark(r *online.Request, p *settle.Payment) {
	r.Stored, r.NetworkID = f.use, f.network
	if p.Keeps && f.use == 0 {
		r.Stored = online.SavesCard
	}
}

// FilingOf is what an order's payment by card has to do with a stored one.
func (c *Cards) FilingOf(ctx context.Context, o *settle.Order, decided Decisions) (filing, error) {
	switch {
	case AgreedOf(o) != nil:
		return filing{use: online.AgreesRecurring}, nil
	case decided.Stored == uuid.Nil:
		return filing{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, SettleTimeout)
	defer cancel()
	k, err := c.credentials.Find(ctx, o.Merchant, decided.Stored)
	if err != nil {
		return filing{}, err
	}
	return filing{online.CardOnFile, k.NetworkID}, nil
}

// PayOpened pays an opened order by card. An error tells that the center was not asked.
func (c *Cards) PayOpened(ctx context.Context, o *settle.Order, k protocol.Card, f filing) error {
	books, cancel := context.WithTimeout(ctx, SettleTimeout)
	defer cancel()
	p, err := c.books.Pay(books, settle.PayRequest{Merchant: o.Merchant, Order: o.ID, Means: order.MeansCard, PAN: k.PAN, CardExpiry: k.Expiry})
	if err != nil {
		return err
	}
	r := c.Request(p, k)
	f.Mark(&r, p)
	c.Perform(ctx, p, r)
	return nil
}
