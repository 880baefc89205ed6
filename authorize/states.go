package authorize

import (
	"context"
	"slices"
	"time"

	"settled/authorize/protocol"
	"settled/authorize/telling"
	"settled/authorize/tenants"
	"settled/settle"
)

// orderStatePeriod is how far back orders are looked for unless the request says otherwise.
const orderStatePeriod = 3 * 24 * time.Hour

// orderState serves the state of every attempt under an order number, oldest first.
func (g *Gateway) orderState(ctx context.Context, c *tenants.Caller) (*reply, error) {
	found, err := g.attempts(ctx, c)
	if err != nil {
		return nil, err
	}
	a := &reply{Answer: protocol.Answer{Orders: make([]protocol.Entry, len(found))}}
	for i, o := range found {
		g.teller(c).StateFields(&a.Orders[i].Row, o, g.now())
	}
	return a, nil
}

// orderResult serves every attempt with all its operations.
func (g *Gateway) orderResult(ctx context.Context, c *tenants.Caller) (*reply, error) {
	c.ReadLanguage(protocol.English)
	found, err := g.attempts(ctx, c)
	if err != nil {
		return nil, err
	}
	a := &reply{Answer: protocol.Answer{Orders: make([]protocol.Entry, len(found))}}
	for i, o := range found {
		if o, err = g.books.Order(ctx, o.Merchant, o.ID); err != nil {
			return nil, err
		}
		g.teller(c).ResultOf(&a.Orders[i], o, g.now())
		if err = g.chequesOf(ctx, &a.Orders[i], o); err != nil {
			return nil, err
		}
		g.tellStored(ctx, &a.Orders[i].Row, o)
		if err = g.proofsOf(ctx, &a.Orders[i], o); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// chequesOf writes the cheques that came with confirmations and cancels.
func (g *Gateway) chequesOf(ctx context.Context, t *protocol.Entry, o *settle.Order) error {
	kept, err := g.books.Cheques(ctx, o.Merchant, o.ID)
	for i := range o.Operations {
		if items := kept[o.Operations[i].Number]; items != "" {
			t.Operations[i][protocol.OutCheque] = items
		}
	}
	return err
}

// proofsOf writes how the cardholders of an order's payments were authenticated. Only orders that were opened before they
// were paid had any.
func (g *Gateway) proofsOf(ctx context.Context, t *protocol.Entry, o *settle.Order) error {
	if o.PayBefore.IsZero() {
		return nil
	}
	all, err := g.authentications.Of(ctx, o.Merchant, o.ID)
	for i := range all {
		for n := range o.Operations {
			if o.Operations[n].Number == all[i].Operation && n < len(t.Operations) {
				telling.TellAuthentication(&t.Operations[n], &all[i])
			}
		}
	}
	return err
}

// attempts finds the order of a bill number, or the orders that were made under an order number within the period of the
// request.
func (g *Gateway) attempts(ctx context.Context, c *tenants.Caller) ([]*settle.Order, error) {
	if c.Has(protocol.InBillNumber) {
		return g.byBill(ctx, c)
	}
	if err := c.Require(protocol.InOrderNumber); err != nil {
		return nil, err
	}
	now := g.now()
	from := c.Instant(protocol.FromParts, now.Add(-orderStatePeriod))
	to := now.Add(24 * time.Hour)
	if slices.ContainsFunc(protocol.ToParts[:], c.Has) {
		to = c.Instant(protocol.ToParts, now).Add(time.Minute)
	}
	found, err := g.books.Attempts(ctx, c.Merchant.ID, c.Text(protocol.InOrderNumber), from, to)
	if err == nil && len(found) == 0 {
		err = errNoOrder
	}
	return found, err
}

var errNoOrder = &protocol.Fault{First: protocol.FirstNotFound, Second: protocol.OnOrder, Detail: "no such order"}

// byBill finds the order of a bill number, whenever it was made. An order number that is given as well must be its own,
// and an operation that the bill number names one of its.
func (g *Gateway) byBill(ctx context.Context, c *tenants.Caller) ([]*settle.Order, error) {
	id, operation, err := c.BillNumber()
	if err != nil {
		return nil, err
	}
	o, err := g.books.Order(ctx, c.Merchant.ID, id)
	switch {
	case err != nil:
		return nil, err
	case c.Has(protocol.InOrderNumber) && o.Number != c.Text(protocol.InOrderNumber), operation != 0 && operation != o.PaymentNumber && o.Operation(operation) == nil:
		return nil, errNoOrder
	}
	return []*settle.Order{o}, nil
}
