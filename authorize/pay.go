package authorize

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"settled/authorize/online"
	"settled/authorize/protocol"
	"settled/settle"
)

// settleTimeout bounds what a request asks of the books, before it asks anybody else and again after it. A commit that has
// begun may take 5 s longer. lookTimeout bounds the last look at an order after that failed.
const (
	settleTimeout = 8 * time.Second
	lookTimeout   = 2 * time.Second
)

// pay serves silentpay: intent, wire, outcome, answer.
func (g *Gateway) pay(ctx context.Context, c *caller) (*reply, error) {
	in, k, err := g.readPayment(c)
	defer k.CVV.Wipe()
	if err != nil {
		return nil, err
	}
	r, keeps, err := g.serverOrder(c, &in)
	if err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx) // from here on the work does not end with the caller
	if g.secures(c.settings) {
		return g.paySecurely(ctx, c, r, k)
	}
	if keeps {
		return g.payKeeping(ctx, c, r, k)
	}
	c.fingerprint = in.Fingerprint
	p, earlier, err := g.begin(ctx, in)
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

// patient bounds what is asked of the books next.
func patient(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, settleTimeout)
}

func (g *Gateway) begin(ctx context.Context, in settle.Intent) (*settle.Payment, *settle.Order, error) {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	return g.Books.Begin(ctx, in)
}

// readPayment checks everything that can be refused without a trace.
func (g *Gateway) readPayment(c *caller) (in settle.Intent, k protocol.Card, err error) {
	in = settle.Intent{Merchant: c.merchant, OrderNumber: c.Text(protocol.InOrderNumber)}
	if err = c.Require(protocol.InOrderNumber, protocol.InOrderAmount); err != nil {
		return in, k, err
	}
	if in.Amount, err = c.orderAmount(); err != nil {
		return in, k, err
	}
	delay, err := c.Number(protocol.InDelay, 0, 1, 0)
	if err != nil {
		return in, k, err
	}
	c.ReadLanguage(c.settings.language())
	if _, err = c.Number(protocol.InCardType, 1, 9, 0); err != nil {
		return in, k, err
	}
	if k, err = c.ReadCard(g.Now(), g.Vault.Environment()); err != nil {
		return in, k, err
	}
	if err = g.checkBrand(c.merchant, in.Amount, k.PAN.Mask()); err != nil {
		return in, k, err
	}
	in.TwoStage, in.PAN, in.CardExpiry, in.Details = delay == 1, k.PAN, k.Expiry, c.Details()
	in.Fingerprint = g.fingerprint(&in)
	return in, k, nil
}

// fingerprint tells an identical request from a different one with the same order number. The verification code is not
// part of it.
func (g *Gateway) fingerprint(in *settle.Intent) []byte {
	var plain [256]byte
	b := append(plain[:0], in.OrderNumber...)
	b = append(b, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(in.Merchant.ID))
	b = binary.BigEndian.AppendUint64(b, uint64(in.Amount.Minor))
	b = binary.BigEndian.AppendUint16(b, uint16(in.Amount.Currency))
	if in.TwoStage {
		b = append(b, 1)
	}
	b = append(b, in.CardExpiry...)
	b = in.PAN.AppendReveal(b)
	sum := g.Vault.Fingerprint("payment", b)
	clear(b)
	return sum[:]
}

// authorize asks the center and answers what it said.
func (g *Gateway) authorize(ctx context.Context, c *caller, in *settle.Intent, p *settle.Payment, k protocol.Card) (*reply, error) {
	result, known := g.perform(ctx, p, g.request(p, k))
	if known {
		return g.finished(c, in, p, result), nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	a, err := g.stored(ctx, c, p.Order)
	if err != nil {
		return g.inProcess(c, in, p), nil
	}
	return a, nil
}

// perform sends a payment that is durable and writes down what the center said. known is false when the outcome is not: the
// books then say what becomes of it.
func (g *Gateway) perform(ctx context.Context, p *settle.Payment, r online.Request) (result settle.Result, known bool) {
	a, err := g.exchange(ctx, p.Route.Center.ID, r)
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	result = settle.Result{Approved: a.Approved(), ActionCode: a.ActionCode, ApprovalCode: a.ApprovalCode, NetworkID: a.NetworkID}
	switch {
	case errors.Is(err, online.ErrNotSent):
		result.Response = protocol.ResponseReception
	case err != nil:
		g.giveUp(ctx, p, err)
		return result, false
	default:
		result.Response = responseOf(a.ActionCode)
	}
	err = g.Books.Finish(ctx, p, result)
	if err == nil {
		return result, true
	}
	if errors.Is(err, settle.ErrLate) && result.Approved {
		g.approvedLate(ctx, &latePayment{merchant: p.Merchant.ID, order: p.Order}, a)
	}
	g.giveUp(ctx, p, err)
	return result, false
}

// request makes the message to the center. Everything that identifies it was made durable by Begin.
func (g *Gateway) request(p *settle.Payment, k protocol.Card) online.Request {
	kind := online.Authorization
	if p.Kind == settle.Purchase {
		kind = online.Purchase
	}
	return online.Request{
		Kind: kind, TwoStage: p.TwoStage, Amount: p.Amount, STAN: stan(p.Exchange), RRN: settle.RRN(p.Exchange),
		TransmittedAt: p.TransmittedAt, LocalTime: p.TransmittedAt.In(p.Route.Center.Zone),
		Terminal: p.Route.Terminal, Acceptor: p.Route.Acceptor, MCC: p.Merchant.MCC,
		Acquirer: g.Centers[p.Route.Center.ID].Acquirer,
		Card:     online.Card{PAN: k.PAN, Expiry: k.Expiry, CVV: k.CVV},
	}
}

// exchange sends a payment. A request that no byte left of is the same transaction still: it is tried once more.
func (g *Gateway) exchange(ctx context.Context, center int16, r online.Request) (online.Answer, error) {
	host := g.Centers[center].Host
	a, err := host.Exchange(ctx, r)
	if errors.Is(err, online.ErrNotSent) && !errors.Is(err, online.ErrInvalidRequest) {
		a, err = host.Exchange(ctx, r)
	}
	return a, err
}

// giveUp records that the outcome is not known, unless it had been recorded after all. If the books cannot be reached the
// payment is given up later, and is in process till then.
func (g *Gateway) giveUp(ctx context.Context, p *settle.Payment, cause error) {
	g.Log.Warn("payment without an outcome", "order", p.Order, "center", p.Route.Center.Name, "error", cause)
	late := g.late.expect(settle.RRN(p.Exchange), p.Merchant.ID, p.Order)
	give := g.Books.GiveUp
	if errors.Is(cause, online.ErrUntrusted) {
		give = g.Books.GiveUpUntrusted
	}
	if err := give(ctx, p.Merchant.ID, p.Order, p.Transaction); err != nil {
		g.Log.Error("payment not given up; it will be", "order", p.Order, "error", err)
		return
	}
	if a := g.late.givenUp(late); a != nil {
		g.approvedLate(ctx, late, *a)
	}
}

// stan formats the trace number of an exchange as the wire wants it.
func stan(exchange int64) string {
	n := settle.STAN(exchange)
	var b [6]byte
	for i := 5; i >= 0; i-- {
		b[i] = '0' + byte(n%10)
		n /= 10
	}
	return string(b[:])
}
