package wish

import (
	"fmt"
	"log/slog"
	"time"

	"settled/internal/vault"
	"settled/settle/credential"
	"settled/settle/order"
	"settled/settle/subscription"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Fulfiller does what buyers asked for with payments that are approved. It is safe for concurrent use.
type Fulfiller struct {
	pool        *pgxpool.Pool
	credentials *credential.Store
	vault       *vault.Vault
	now         func() time.Time
	log         *slog.Logger
}

// New returns what fulfills the wishes in a database. now is in UTC, to the microsecond.
func New(pool *pgxpool.Pool, credentials *credential.Store, v *vault.Vault, now func() time.Time, log *slog.Logger) *Fulfiller {
	return &Fulfiller{pool, credentials, v, now, log}
}

// errNoConsent tells that the payer's bank gave no consent with an instant payment.
var errNoConsent = fmt.Errorf("%w: the payer's bank gave no consent", credential.ErrNone)

// credentialOf makes a credential of what an order was paid with: its card, or the consent that its payer gave. The card is
// sealed with the order and opened here for a moment: nothing else of it is kept before the payment is approved.
func (f *Fulfiller) credentialOf(g granted, consent string) (*credential.Sealed, error) {
	c := credential.Credential{Merchant: g.Merchant, Customer: g.Customer, Means: g.Means, Order: g.Order,
		CreatedAt: f.now(), CardMask: g.CardMask, CardExpiry: g.CardExpiry, NetworkID: g.NetworkID}
	if g.Kind == Subscribe {
		c.Customer = subscription.Subscriber(g.Order)
	}
	secret := []byte(consent)
	if g.Means == order.MeansInstant && consent == "" {
		return nil, errNoConsent
	}
	if g.Means != order.MeansInstant {
		pan, err := f.vault.Unseal(g.Card, vault.CardBinding(nil, int64(g.Merchant), g.Order))
		if err != nil {
			return nil, fmt.Errorf("open the card of order %d: %w", g.Order, err)
		}
		secret = pan.AppendReveal(nil)
	}
	defer clear(secret)
	return f.credentials.Seal(c, secret)
}
