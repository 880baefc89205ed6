package payment

import (
	"context"
	"time"

	"settled/authorize/online"
	"settled/authorize/protocol"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/credential"
	"settled/settle/order"
	"settled/settle/subscription"
)

// StoredPayWithin is how long an order that is paid from what is stored waits for its payment: a process that died before
// it paid leaves that time to send the same request again.
const StoredPayWithin = 10 * time.Minute

// Unpaid tells that no payment of an open order was begun: it is new, or the process that opened it died.
func Unpaid(o *settle.Order) bool { return o.Status == order.InProcess && o.PaymentNumber == 0 }

// Wallet pays orders from what their buyers have stored: cards, and consents of instant payments.
type Wallet struct {
	Cards         *Cards
	Credentials   *credential.Store
	Subscriptions *subscription.Book
	Instant       *Instant
}

// StoredPayment is how an opened order is paid from what its buyer has stored.
type StoredPayment struct {
	Use        online.Stored
	Credential *credential.Credential
	CVV        vault.Secret // of a payment that the buyer started; may be empty
}

// OpenLater makes the order of a later payment, or finds the one that the same request made, with what it is paid from.
func (w *Wallet) OpenLater(ctx context.Context, r settle.OpenRequest) (*settle.Order, *credential.Credential, error) {
	ctx, cancel := context.WithTimeout(ctx, SettleTimeout)
	defer cancel()
	o, k, fresh, err := w.Cards.books.OpenLater(ctx, r)
	if err != nil || fresh || !Unpaid(o) {
		return o, k, err
	}
	k, err = w.subscribed(ctx, o)
	return o, k, err
}

// subscribed is what the later payments of an order's subscription are taken from.
func (w *Wallet) subscribed(ctx context.Context, o *settle.Order) (*credential.Credential, error) {
	s, err := w.Subscriptions.Find(ctx, o.Merchant, o.Parent)
	if err != nil {
		return nil, err
	}
	if s.Credential == nil {
		return nil, subscription.ErrNotActive
	}
	return w.Credentials.Find(ctx, o.Merchant, *s.Credential)
}

// Pay pays an order from what its buyer has stored: it asks the center, or the partner bank of a consent. An error
// tells that nobody was asked.
func (w *Wallet) Pay(ctx context.Context, o *settle.Order, s StoredPayment) error {
	if s.Credential.Means == order.MeansInstant {
		return w.Instant.charge(ctx, o, s.Credential)
	}
	books, cancel := context.WithTimeout(ctx, SettleTimeout)
	defer cancel()
	pan, err := w.Credentials.Use(books, s.Credential)
	if err != nil {
		return err
	}
	return w.Cards.PayOpened(ctx, o, protocol.Card{PAN: pan, Expiry: s.Credential.CardExpiry, CVV: s.CVV}, filing{s.Use, s.Credential.NetworkID})
}
