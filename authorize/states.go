package authorize

import (
	"context"
	"slices"
	"strconv"
	"time"

	"settled/authorize/protocol"
	"settled/authorize/threeds"
	"settled/settle"
)

// orderStatePeriod is how far back orders are looked for unless the request says otherwise.
const orderStatePeriod = 3 * 24 * time.Hour

// orderState serves the state of every attempt under an order number, oldest first.
func (g *Gateway) orderState(ctx context.Context, c *caller) (*reply, error) {
	found, err := g.attempts(ctx, c)
	if err != nil {
		return nil, err
	}
	a := &reply{Answer: protocol.Answer{Orders: make([]protocol.Entry, len(found))}}
	for i, o := range found {
		g.teller(c).stateFields(&a.Orders[i].Row, o, g.Now())
	}
	return a, nil
}

// orderResult serves every attempt with all its operations.
func (g *Gateway) orderResult(ctx context.Context, c *caller) (*reply, error) {
	c.ReadLanguage(protocol.English)
	found, err := g.attempts(ctx, c)
	if err != nil {
		return nil, err
	}
	a := &reply{Answer: protocol.Answer{Orders: make([]protocol.Entry, len(found))}}
	for i, o := range found {
		if o, err = g.Books.Order(ctx, o.Merchant, o.ID); err != nil {
			return nil, err
		}
		g.teller(c).resultOf(&a.Orders[i], o, g.Now())
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
	kept, err := g.Books.Cheques(ctx, o.Merchant, o.ID)
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
	all, err := g.Books.Authentications(ctx, o.Merchant, o.ID)
	for i := range all {
		for n := range o.Operations {
			if o.Operations[n].Number == all[i].Operation && n < len(t.Operations) {
				tellAuthentication(&t.Operations[n], &all[i])
			}
		}
	}
	return err
}

// tellAuthentication writes what became of a cardholder, nothing of one who was not asked.
func tellAuthentication(r *protocol.Row, a *settle.Authentication) {
	r[protocol.OutAuthRequired] = strconv.Itoa(int(a.Required))
	if a.Status != "" {
		r[protocol.OutAuthResult] = threeds.Status(a.Status).AuthResult()
	}
}

// resultOf tells an order with its operations. A payment that is on its way is one of them.
func (w teller) resultOf(t *protocol.Entry, o *settle.Order, now time.Time) {
	w.stateFields(&t.Row, o, now)
	t.RecallDetails(o.Details)
	if op := o.OnItsWay(); op != nil {
		o.Operations = append(o.Operations, *op)
	}
	t.Operations = make([]protocol.Row, len(o.Operations))
	for i := range o.Operations {
		op := &o.Operations[i]
		t.Operations[i] = w.operation(o, op)
		if op.Kind != settle.OperationPayment {
			t.Operations[i][protocol.OutCheque] = "" // the cheque is the payment's
		}
		t.Row[protocol.OutErrorCode] = errorCode(op) // that of the last one stays
	}
}

// stateFields tells an order's state as of now.
func (w teller) stateFields(r *protocol.Row, o *settle.Order, now time.Time) {
	w.orderFields(r, o)
	r[protocol.OutPacketDate] = stamp(now)
}

// attempts finds the order of a bill number, or the orders that were made under an order number within the period of the
// request.
func (g *Gateway) attempts(ctx context.Context, c *caller) ([]*settle.Order, error) {
	if c.Has(protocol.InBillNumber) {
		return g.byBill(ctx, c)
	}
	if err := c.Require(protocol.InOrderNumber); err != nil {
		return nil, err
	}
	now := g.Now()
	from := c.Instant(protocol.FromParts, now.Add(-orderStatePeriod))
	to := now.Add(24 * time.Hour)
	if slices.ContainsFunc(protocol.ToParts[:], c.Has) {
		to = c.Instant(protocol.ToParts, now).Add(time.Minute)
	}
	found, err := g.Books.Attempts(ctx, c.merchant.ID, c.Text(protocol.InOrderNumber), from, to)
	if err == nil && len(found) == 0 {
		err = errNoOrder
	}
	return found, err
}

var errNoOrder = &protocol.Fault{First: protocol.FirstNotFound, Second: protocol.OnOrder, Detail: "no such order"}

// byBill finds the order of a bill number, whenever it was made. An order number that is given as well must be its own,
// and an operation that the bill number names one of its.
func (g *Gateway) byBill(ctx context.Context, c *caller) ([]*settle.Order, error) {
	id, operation, err := c.BillNumber()
	if err != nil {
		return nil, err
	}
	o, err := g.Books.Order(ctx, c.merchant.ID, id)
	switch {
	case err != nil:
		return nil, err
	case c.Has(protocol.InOrderNumber) && o.Number != c.Text(protocol.InOrderNumber), operation != 0 && operation != o.PaymentNumber && o.Operation(operation) == nil:
		return nil, errNoOrder
	}
	return []*settle.Order{o}, nil
}
