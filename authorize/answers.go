package authorize

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"settled/authorize/payment"
	"settled/authorize/protocol"
	"settled/authorize/telling"
	"settled/authorize/tenants"
	"settled/settle"
	"settled/settle/credential"
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
		Status: order.InProcess, PaymentNumber: p.Operation, Means: order.MeansCard, Center: p.Route.Center.ID, CreatedAt: p.TransmittedAt, CardMask: in.PAN.Mask(), CardExpiry: in.CardExpiry}
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

// reply is an answer with what is to be said and remembered of it.
type reply struct {
	protocol.Answer
	repeat settle.Repeat // why the request is a repeat; empty: it is none
	again  bool          // an equal operation was done shortly before
	ends   *ending       // the operation whose final result is told, if that has to be remembered
}

// one answers with a single operation of a single order.
func one(r protocol.Row) *reply {
	return &reply{Answer: protocol.Answer{Orders: []protocol.Entry{{Row: r}}}}
}

// refusal answers that nothing is done.
func refusal(f *protocol.Fault) *reply { return &reply{Answer: protocol.Answer{Fault: f}} }

// ending is an operation whose final result an answer tells.
type ending struct {
	order     int64
	operation int16
}

// classOf is the class of an answer.
func classOf(a *reply) protocol.Class {
	switch f := a.Fault; {
	case f != nil:
		return f.Class()
	case len(a.Orders) == 0:
		return protocol.ClassSuccess
	case a.Orders[0].Row[protocol.OutResponseCode] == protocol.ResponseInProcess, a.Orders[0].Row[protocol.OutResponseCode] == protocol.ResponseSecure:
		return protocol.ClassInProcess
	case a.Orders[0].Row[protocol.OutResponseCode] == protocol.ResponseApproved, a.Orders[0].Row[protocol.OutResponseCode] == "":
		return protocol.ClassSuccess
	}
	return protocol.ClassDeclined
}

func (m *routeMeter) served(a *reply, took time.Duration) { m.Count(classOf(a), took) }

// tellStored tells which stored card stands for what an order was paid with, for payments with TokenType=5. That it
// cannot be looked up is no reason to tell nothing of the payment.
func (g *Gateway) tellStored(ctx context.Context, r *protocol.Row, o *settle.Order) {
	r[protocol.OutCustomerNumber] = o.Customer
	if o.Customer == "" || o.Means != order.MeansCard {
		return
	}
	k, err := g.books.StoredWith(ctx, o)
	switch {
	case err == nil:
		r[protocol.OutToken] = k.ID.String()
	case !errors.Is(err, credential.ErrNone):
		g.log.Warn("stored card of an order not looked up", slog.Int64("order", o.ID), slog.Any("error", err))
	}
}

// prove proves that the answer is ours. It goes out also when it cannot be signed.
func (g *Gateway) prove(c *tenants.Caller, s *protocol.Layout, a *reply) {
	if err := c.Settings.Proofs.Prove(g.signingKey, c.Text(protocol.InMerchant), s, &a.Answer); err != nil {
		g.log.Error("answer not signed", slog.Any("merchant", c.Merchant.ID), slog.Any("error", err))
	}
}
