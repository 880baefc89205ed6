package authorize

import (
	"context"
	"slices"
	"strconv"
	"time"

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
	a := &reply{answer: answer{orders: make([]told, len(found))}}
	for i, o := range found {
		g.teller(c).stateFields(&a.orders[i].record, o, g.Now())
	}
	return a, nil
}

// orderResult serves every attempt with all its operations.
func (g *Gateway) orderResult(ctx context.Context, c *caller) (*reply, error) {
	c.readLanguage(english)
	found, err := g.attempts(ctx, c)
	if err != nil {
		return nil, err
	}
	a := &reply{answer: answer{orders: make([]told, len(found))}}
	for i, o := range found {
		if o, err = g.Books.Order(ctx, o.Merchant, o.ID); err != nil {
			return nil, err
		}
		g.teller(c).resultOf(&a.orders[i], o, g.Now())
		if err = g.chequesOf(ctx, &a.orders[i], o); err != nil {
			return nil, err
		}
		g.tellStored(ctx, &a.orders[i].record, o)
		if err = g.proofsOf(ctx, &a.orders[i], o); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// chequesOf writes the cheques that came with confirmations and cancels.
func (g *Gateway) chequesOf(ctx context.Context, t *told, o *settle.Order) error {
	kept, err := g.Books.Cheques(ctx, o.Merchant, o.ID)
	for i := range o.Operations {
		if items := kept[o.Operations[i].Number]; items != "" {
			t.operations[i][outCheque] = items
		}
	}
	return err
}

// proofsOf writes how the cardholders of an order's payments were authenticated. Only orders that were opened before they
// were paid had any.
func (g *Gateway) proofsOf(ctx context.Context, t *told, o *settle.Order) error {
	if o.PayBefore.IsZero() {
		return nil
	}
	all, err := g.Books.Authentications(ctx, o.Merchant, o.ID)
	for i := range all {
		for n := range o.Operations {
			if o.Operations[n].Number == all[i].Operation && n < len(t.operations) {
				t.operations[n].authenticated(&all[i])
			}
		}
	}
	return err
}

// authenticated writes what became of a cardholder, nothing of one who was not asked.
func (r *record) authenticated(a *settle.Authentication) {
	r[outAuthRequired] = strconv.Itoa(int(a.Required))
	if a.Status != "" {
		r[outAuthResult] = threeds.Status(a.Status).AuthResult()
	}
}

// resultOf tells an order with its operations. A payment that is on its way is one of them.
func (w teller) resultOf(t *told, o *settle.Order, now time.Time) {
	w.stateFields(&t.record, o, now)
	t.recallDetails(o.Details)
	if op := o.OnItsWay(); op != nil {
		o.Operations = append(o.Operations, *op)
	}
	t.operations = make([]record, len(o.Operations))
	for i := range o.Operations {
		op := &o.Operations[i]
		t.operations[i] = w.operation(o, op)
		if op.Kind != settle.OperationPayment {
			t.operations[i][outCheque] = "" // the cheque is the payment's
		}
		t.record[outErrorCode] = errorCode(op) // that of the last one stays
	}
}

// stateFields tells an order's state as of now.
func (w teller) stateFields(r *record, o *settle.Order, now time.Time) {
	w.orderFields(r, o)
	r[outPacketDate] = stamp(now)
}

// attempts finds the order of a bill number, or the orders that were made under an order number within the period of the
// request.
func (g *Gateway) attempts(ctx context.Context, c *caller) ([]*settle.Order, error) {
	if c.has(inBillNumber) {
		return g.byBill(ctx, c)
	}
	if err := c.require(inOrderNumber); err != nil {
		return nil, err
	}
	now := g.Now()
	from := c.instant(fromParts, now.Add(-orderStatePeriod))
	to := now.Add(24 * time.Hour)
	if slices.ContainsFunc(toParts[:], c.has) {
		to = c.instant(toParts, now).Add(time.Minute)
	}
	found, err := g.Books.Attempts(ctx, c.merchant.ID, c.text(inOrderNumber), from, to)
	if err == nil && len(found) == 0 {
		err = errNoOrder
	}
	return found, err
}

var errNoOrder = &fault{first: errNotFound, second: onOrder, detail: "no such order"}

// byBill finds the order of a bill number, whenever it was made. An order number that is given as well must be its own,
// and an operation that the bill number names one of its.
func (g *Gateway) byBill(ctx context.Context, c *caller) ([]*settle.Order, error) {
	id, operation, err := c.billNumber()
	if err != nil {
		return nil, err
	}
	o, err := g.Books.Order(ctx, c.merchant.ID, id)
	switch {
	case err != nil:
		return nil, err
	case c.has(inOrderNumber) && o.Number != c.text(inOrderNumber), operation != 0 && operation != o.PaymentNumber && o.Operation(operation) == nil:
		return nil, errNoOrder
	}
	return []*settle.Order{o}, nil
}
