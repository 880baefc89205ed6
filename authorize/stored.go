package authorize

import (
	"context"
	"encoding/json"
	"settled/authorize/online"
	"settled/authorize/protocol"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/order"
	"time"
)

// storedDetail is the detail of an opened order that names the stored card that its payment is tried with.
const storedDetail = "storedcard"

// storedPayWithin is how long an order that is paid from what is stored waits for its payment: a process that died before
// it paid leaves that time to send the same request again.
const storedPayWithin = 10 * time.Minute

// unpaid tells that no payment of an open order was begun: it is new, or the process that opened it died.
func unpaid(o *settle.Order) bool { return o.Status == order.InProcess && o.PaymentNumber == 0 }

// wallet pays orders from what their buyers have stored: cards, and consents of instant payments.
type wallet struct {
	cards   *cards
	instant *desk
}

// storedPayment is how an opened order is paid from what its buyer has stored.
type storedPayment struct {
	use        online.Stored
	credential *settle.Credential
	cvv        vault.Secret // of a payment that the buyer started; may be empty
}

// openLater makes the order of a later payment, or finds the one that the same request made, with what it is paid from.
func (w *wallet) openLater(ctx context.Context, r settle.OpenRequest) (*settle.Order, *settle.Credential, error) {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	o, k, fresh, err := w.cards.books.OpenLater(ctx, r)
	if err != nil || fresh || !unpaid(o) {
		return o, k, err
	}
	k, err = w.subscribed(ctx, o)
	return o, k, err
}

// subscribed is what the later payments of an order's subscription are taken from.
func (w *wallet) subscribed(ctx context.Context, o *settle.Order) (*settle.Credential, error) {
	s, err := w.cards.books.Subscription(ctx, o.Merchant, o.Parent)
	if err != nil {
		return nil, err
	}
	if s.Credential == nil {
		return nil, settle.ErrNotActive
	}
	return w.cards.books.Credential(ctx, o.Merchant, *s.Credential)
}

// pay pays an order from what its buyer has stored: it asks the center, or the partner bank of a consent. An error
// tells that nobody was asked.
func (w *wallet) pay(ctx context.Context, o *settle.Order, s storedPayment) error {
	if s.credential.Means == settle.MeansInstant {
		return w.instant.charge(ctx, o, s.credential)
	}
	books, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	pan, err := w.cards.books.Use(books, s.credential)
	if err != nil {
		return err
	}
	return w.cards.payOpened(ctx, o, protocol.Card{PAN: pan, Expiry: s.credential.CardExpiry, CVV: s.cvv}, filing{s.use, s.credential.NetworkID})
}

// detailsOf reads the details of an order; what is not ours is nothing.
func detailsOf(o *settle.Order) protocol.Details {
	var kept protocol.Details
	if json.Unmarshal(o.Details, &kept) != nil {
		return nil
	}
	return kept
}
