package authorize

import (
	"context"

	"settled/authorize/payment"
	"settled/authorize/telling"
	"settled/authorize/tenants"
	"settled/settle"
	"settled/settle/order"
)

// teller tells the caller.
func (g *Gateway) teller(c *tenants.Caller) telling.Teller {
	return telling.Teller{Directory: g.directory, Test: c.Settings.TestMode, Language: c.Language}
}

// finished answers a payment whose outcome was just recorded, as stored will for a repeat of the request.
func (g *Gateway) finished(c *tenants.Caller, in *settle.Intent, p *settle.Payment, r settle.Result) *reply {
	o := orderOf(in, p)
	op := settle.Operation{Number: 1, Kind: settle.OperationPayment, State: settle.OperationFailed, Amount: p.Amount.Minor,
		CompletedAt: &p.CompletedAt, Response: r.Response}
	o.Status = order.Declined
	if r.Approved {
		o.Status, o.Amounts.Authorized, op.State = order.Paid, p.Amount.Minor, settle.OperationDone
		if !p.TwoStage {
			o.Amounts.Confirmed = p.Amount.Minor
		}
	}
	rec := g.teller(c).Record(&o, &op, r.ApprovalCode)
	rec.TakeDetails(c.Call)
	a := one(rec)
	a.refused(&o, &op)
	return a
}

// inProcess answers a payment whose outcome is not known.
func (g *Gateway) inProcess(c *tenants.Caller, in *settle.Intent, p *settle.Payment) *reply {
	o := orderOf(in, p)
	rec := g.teller(c).Record(&o, telling.Pending(&o), "")
	rec.TakeDetails(c.Call)
	return one(rec)
}

func orderOf(in *settle.Intent, p *settle.Payment) settle.Order {
	return settle.Order{Merchant: p.Merchant.ID, ID: p.Order, Number: in.OrderNumber, Amount: p.Amount, Original: p.Original, Rate: p.Rate,
		Status: order.InProcess, PaymentNumber: p.Operation, Means: settle.MeansCard, Center: p.Route.Center.ID, CreatedAt: p.TransmittedAt, CardMask: in.PAN.Mask(), CardExpiry: in.CardExpiry}
}

// stored answers a payment from the books.
func (g *Gateway) stored(ctx context.Context, c *tenants.Caller, id int64) (*reply, error) {
	ctx, cancel := payment.Patient(ctx)
	defer cancel()
	o, err := g.books.Order(ctx, c.Merchant.ID, id)
	if err != nil {
		return nil, err
	}
	op := o.Payment()
	if op == nil {
		op = telling.Pending(o)
	}
	r := g.teller(c).Operation(o, op)
	g.tellStored(ctx, &r, o)
	a := one(r)
	a.refused(o, op)
	if !o.PayBefore.IsZero() {
		a.Orders[0].Secure, err = g.secureData(ctx, c, o)
	}
	return a, err
}
