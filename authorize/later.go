package authorize

import (
	"context"
	"encoding/binary"
	"time"

	"settled/authorize/online"
	"settled/authorize/protocol"
	"settled/internal/money"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/order"
)

// storedPayWithin is how long an order that is paid from what is stored waits for its payment: a process that died before
// it paid leaves that time to send the same request again.
const storedPayWithin = 10 * time.Minute

// later serves the next payment of a subscription, which the merchant starts.
func (g *Gateway) later(ctx context.Context, c *caller) (*reply, error) {
	r, err := g.readLater(ctx, c)
	if err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx) // from here on the work does not end with the caller
	c.fingerprint = r.Fingerprint
	o, k, err := g.openLater(ctx, r)
	if err != nil {
		return nil, err
	}
	s := storedPayment{use: online.Recurring, credential: k}
	return g.payOnce(ctx, c, o, false, func() error { return g.payStored(ctx, o, s) })
}

// openLater makes the order of a later payment, or finds the one that the same request made, with what it is paid from.
func (g *Gateway) openLater(ctx context.Context, r settle.OpenRequest) (*settle.Order, *settle.Credential, error) {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	o, k, fresh, err := g.Books.OpenLater(ctx, r)
	if err != nil || fresh || !unpaid(o) {
		return o, k, err
	}
	k, err = g.subscribed(ctx, o)
	return o, k, err
}

// subscribed is what the later payments of an order's subscription are taken from.
func (g *Gateway) subscribed(ctx context.Context, o *settle.Order) (*settle.Credential, error) {
	s, err := g.Books.Subscription(ctx, o.Merchant, o.Parent)
	if err != nil {
		return nil, err
	}
	if s.Credential == nil {
		return nil, settle.ErrNotActive
	}
	return g.Books.Credential(ctx, o.Merchant, *s.Credential)
}

// readLater checks everything that can be refused without a trace.
func (g *Gateway) readLater(ctx context.Context, c *caller) (r settle.OpenRequest, err error) {
	r = settle.OpenRequest{Merchant: c.merchant, OrderNumber: c.Text(protocol.InOrderNumber), Tries: 1, PayBefore: g.Now().Add(storedPayWithin)}
	if err = c.Require(protocol.InBillNumber, protocol.InOrderNumber); err != nil {
		return r, err
	}
	c.ReadLanguage(protocol.English)
	id, operation, err := c.BillNumber()
	if err != nil {
		return r, err
	}
	first, err := g.Books.Order(ctx, c.merchant.ID, id)
	if err != nil {
		return r, err
	}
	if operation != 0 && operation != first.PaymentNumber {
		return r, protocol.Refuse(protocol.FirstProhibited, protocol.OnRecurring, "bill number does not name the first payment")
	}
	r.Parent, r.Details = id, c.Details()
	if r.Original, err = laterAmount(c, first.Original); err != nil {
		return r, err
	}
	r.Fingerprint = g.laterFingerprint(&r)
	return r, nil
}

// laterAmount reads the amount of a later payment. What is not given is as in the first payment.
func laterAmount(c *caller, first money.Amount) (money.Amount, error) {
	out := first
	var err error
	if c.Has(protocol.InCurrency) {
		if out.Currency, err = c.CurrencyOf(protocol.InCurrency); err != nil {
			return out, err
		}
	}
	if c.Has(protocol.InAmount) {
		return c.AmountOf(protocol.InAmount, out.Currency)
	}
	return out, nil
}

// laterFingerprint tells an identical request from a different one with the same order number.
func (g *Gateway) laterFingerprint(r *settle.OpenRequest) []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(r.Parent))
	sum := g.Vault.Fingerprint("later payment", appendSale(b, r))
	return sum[:]
}

// appendSale writes what is asked for: by whom, under which number, and how much.
func appendSale(b []byte, r *settle.OpenRequest) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(r.Merchant.ID))
	b = binary.BigEndian.AppendUint64(b, uint64(r.Original.Minor))
	b = binary.BigEndian.AppendUint16(b, uint16(r.Original.Currency))
	return append(append(b, r.OrderNumber...), 0)
}

// storedPayment is how an opened order is paid from what its buyer has stored.
type storedPayment struct {
	use        online.Stored
	credential *settle.Credential
	cvv        vault.Secret // of a payment that the buyer started; may be empty
}

// unpaid tells that no payment of an open order was begun: it is new, or the process that opened it died.
func unpaid(o *settle.Order) bool { return o.Status == order.InProcess && o.PaymentNumber == 0 }

// payStored pays an order from what its buyer has stored: it asks the center, or the partner bank of a consent. An error
// tells that nobody was asked.
func (g *Gateway) payStored(ctx context.Context, o *settle.Order, s storedPayment) error {
	if s.credential.Means == settle.MeansInstant {
		return g.desk.charge(ctx, o, s.credential)
	}
	books, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	pan, err := g.Books.Use(books, s.credential)
	if err != nil {
		return err
	}
	return g.payOpened(ctx, o, protocol.Card{PAN: pan, Expiry: s.credential.CardExpiry, CVV: s.cvv}, filing{s.use, s.credential.NetworkID})
}
