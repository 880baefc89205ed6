package authorize

import (
	"context"
	"errors"

	"settled/authorize/payment"
	"settled/authorize/protocol"
	"settled/authorize/tenants"
	"settled/settle"
	"settled/settle/order"
)

// troubled answers a request that was not served for want of the database. An order that the request asks for, and that is
// there, is told as it stands, whoever made it, unless it ended without a payment: this request may have been the next try. That
// nothing was done is only said when the order was looked for and is not there, or when the service does nothing: a repeat of a
// request that was done must not hear it.
func (g *Gateway) troubled(ctx context.Context, s *service, c *tenants.Caller, f *protocol.Fault) *reply {
	switch {
	case s.reads:
		return refusal(payment.ErrUnavailable)
	case c.Fingerprint.Kept == nil:
		return refusal(payment.ErrOutcomeUnknown)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), payment.LookTimeout)
	defer cancel()
	o, err := g.books.ByNumber(ctx, c.Merchant.ID, c.Text(protocol.InOrderNumber))
	if errors.Is(err, settle.ErrNotFound) {
		return refusal(f)
	}
	if err == nil && o.Matches(c.Fingerprint) && (o.Status == order.InProcess || o.Status == order.Paid) {
		if a, err := g.stored(ctx, c, o.ID); err == nil {
			g.prove(c, s.sheet, a)
			return a
		}
	}
	return refusal(payment.ErrOutcomeUnknown)
}
