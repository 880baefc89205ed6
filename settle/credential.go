package settle

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"settled/internal/postgres"
	"settled/internal/vault"
	"settled/settle/order"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// ErrNoCredential is returned for a stored card or consent that the merchant's buyer does not have.
var ErrNoCredential = errors.New("settle: no such stored credential")

// Credential is a card or a consent that a buyer let a merchant keep. ID is the token that stands for it.
type Credential struct {
	Merchant   int32
	ID         uuid.UUID
	Customer   string // the merchant's number of the buyer; of a subscription, the name of its first order
	Means      order.Means
	Order      int64 // the payment that it was stored with
	CreatedAt  time.Time
	CardMask   string
	CardExpiry string // YYMM
	NetworkID  string // the network's name of the first payment, repeated by later ones
	sealed     []byte
}

// newCredential is a credential with the key by which the same card is found again.
type newCredential struct {
	Credential
	key []byte
}

// errNoConsent tells that the payer's bank gave no consent with an instant payment.
var errNoConsent = fmt.Errorf("%w: the payer's bank gave no consent", ErrNoCredential)

// credentialFor makes a credential of what an order was paid with: its card, or the consent that its payer gave. The card is
// sealed with the order and opened here for a moment: nothing else of it is kept before the payment is approved.
func (b *Books) credentialFor(g granted, consent string) (*newCredential, error) {
	c := &newCredential{Credential: Credential{Merchant: g.Merchant, ID: uuid.New(), Customer: g.Customer, Means: g.Means, Order: g.Order,
		CreatedAt: b.Now(), CardMask: g.CardMask, CardExpiry: g.CardExpiry, NetworkID: g.NetworkID}}
	if g.Kind == WishSubscribe {
		c.Customer = subscriber(g.Order)
	}
	secret := []byte(consent)
	if g.Means == order.MeansInstant && consent == "" {
		return nil, errNoConsent
	}
	if g.Means != order.MeansInstant {
		pan, err := b.Vault.Unseal(g.Card, vault.CardBinding(nil, int64(g.Merchant), g.Order))
		if err != nil {
			return nil, fmt.Errorf("open the card of order %d: %w", g.Order, err)
		}
		secret = pan.AppendReveal(nil)
	}
	defer clear(secret)
	var err error
	c.key = b.sealedKey(g.Merchant, c.Customer, secret)
	if c.sealed, err = b.Vault.AppendSeal(nil, secret, credentialBinding(g.Merchant, c.ID)); err != nil {
		return nil, fmt.Errorf("seal what order %d was paid with: %w", g.Order, err)
	}
	return c, nil
}

// credentialBinding ties a sealed card to its row.
func credentialBinding(merchant int32, id uuid.UUID) []byte {
	return vault.CredentialBinding(nil, int64(merchant), id)
}

// sealedKey finds a buyer's card or consent again without showing it.
func (b *Books) sealedKey(merchant int32, customer string, secret []byte) []byte {
	plain := binary.BigEndian.AppendUint32(nil, uint32(merchant))
	plain = append(append(plain, customer...), 0)
	plain = append(plain, secret...)
	sum := b.Vault.Fingerprint("stored credential", plain)
	clear(plain)
	return sum[:]
}

const putCredential = `
INSERT INTO credentials (merchant_id, credential_id, customer, means, order_id, created_at, sealed, sealed_key, card_mask, card_expiry, network_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (merchant_id, customer, sealed_key) WHERE deleted_at IS NULL
	DO UPDATE SET card_expiry = excluded.card_expiry, network_id = CASE excluded.network_id WHEN '' THEN credentials.network_id ELSE excluded.network_id END
RETURNING ` + credentialColumns

func (b *Books) putCredential(ctx context.Context, tx pgx.Tx, c *newCredential) (*Credential, error) {
	rows, err := tx.Query(ctx, putCredential, c.Merchant, c.ID, c.Customer, c.Means, c.Order, c.CreatedAt, c.sealed, c.key,
		zeroAsNull(c.CardMask), zeroAsNull(c.CardExpiry), c.NetworkID)
	if err != nil {
		return nil, fmt.Errorf("store credential: %w", err)
	}
	stored, err := pgx.CollectExactlyOneRow(rows, scanCredential)
	if err != nil {
		return nil, fmt.Errorf("store credential: %w", err)
	}
	return stored, nil
}

const credentialColumns = `merchant_id, credential_id, customer, means, order_id, created_at, coalesce(card_mask, ''), coalesce(card_expiry, ''),
	network_id, coalesce(sealed, '')`

func scanCredential(row pgx.CollectableRow) (*Credential, error) {
	var c Credential
	err := row.Scan(&c.Merchant, &c.ID, &c.Customer, &c.Means, &c.Order, &c.CreatedAt, &c.CardMask, &c.CardExpiry, &c.NetworkID, &c.sealed)
	return &c, err
}

const (
	credentialsOf = `SELECT ` + credentialColumns + ` FROM credentials
WHERE merchant_id = $1 AND customer = $2 AND deleted_at IS NULL ORDER BY created_at DESC, credential_id LIMIT 20`
	credentialByID = `SELECT ` + credentialColumns + ` FROM credentials WHERE merchant_id = $1 AND credential_id = $2 AND deleted_at IS NULL`
	sameCredential = `SELECT ` + credentialColumns + ` FROM credentials
WHERE merchant_id = $1 AND customer = $2 AND deleted_at IS NULL AND (sealed_key = $3 OR order_id = $4) ORDER BY created_at LIMIT 1`
	useCredential = `UPDATE credentials SET used_at = $3 WHERE merchant_id = $1 AND credential_id = $2`
	forget        = `
UPDATE credentials SET deleted_at = $4, sealed = NULL, sealed_key = NULL
WHERE merchant_id = $1 AND customer = $2 AND credential_id = $3 AND deleted_at IS NULL`
)

// Credentials returns what a buyer has stored with the merchant, the youngest first, 20 at most.
func (b *Books) Credentials(ctx context.Context, merchant int32, customer string) ([]*Credential, error) {
	return credentials(ctx, b.Pool, credentialsOf, merchant, customer)
}

func credentials(ctx context.Context, q postgres.Querier, sql string, args ...any) ([]*Credential, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read stored credentials: %w", err)
	}
	found, err := pgx.CollectRows(rows, scanCredential)
	if err != nil {
		return nil, fmt.Errorf("read stored credentials: %w", err)
	}
	return found, nil
}

// Credential returns a stored credential by its token. That of another merchant, and one that was deleted, is
// ErrNoCredential.
func (b *Books) Credential(ctx context.Context, merchant int32, id uuid.UUID) (*Credential, error) {
	return credential(ctx, b.Pool, merchant, id)
}

func credential(ctx context.Context, q postgres.Querier, merchant int32, id uuid.UUID) (*Credential, error) {
	found, err := credentials(ctx, q, credentialByID, merchant, id)
	if err == nil && len(found) == 0 {
		err = ErrNoCredential
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// StoredWith returns the credential that stands for what an order was paid with, as its buyer has stored it with this order or
// with an earlier one. ErrNoCredential tells that there is none.
func (b *Books) StoredWith(ctx context.Context, o *Order) (*Credential, error) {
	if o.Customer == "" || o.Status != order.Paid {
		return nil, ErrNoCredential
	}
	var key []byte
	if o.Means == order.MeansCard {
		pan, err := b.PAN(o)
		if err != nil {
			return nil, err
		}
		digits := pan.AppendReveal(nil)
		key = b.sealedKey(o.Merchant, o.Customer, digits)
		clear(digits)
	}
	found, err := credentials(ctx, b.Pool, sameCredential, o.Merchant, o.Customer, key, o.ID)
	if err == nil && len(found) == 0 {
		err = ErrNoCredential
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// Use opens the card number of a stored credential for a payment, and notes when it was used.
func (b *Books) Use(ctx context.Context, c *Credential) (vault.PAN, error) {
	pan, err := b.Vault.Unseal(c.sealed, credentialBinding(c.Merchant, c.ID))
	if err != nil {
		return vault.PAN{}, fmt.Errorf("open stored card: %w", err)
	}
	return pan, b.noteUse(ctx, c)
}

// UseConsent opens the partner bank's token of a stored consent, and notes when it was used. Whoever has it can charge the
// payer: it goes to the bank and nowhere else.
func (b *Books) UseConsent(ctx context.Context, c *Credential) (vault.Secret, error) {
	token, err := b.Vault.AppendUnseal(nil, c.sealed, credentialBinding(c.Merchant, c.ID))
	if err != nil {
		return vault.Secret{}, fmt.Errorf("open stored consent: %w", err)
	}
	return vault.NewSecret(token), b.noteUse(ctx, c)
}

func (b *Books) noteUse(ctx context.Context, c *Credential) error {
	if _, err := b.Pool.Exec(ctx, useCredential, c.Merchant, c.ID, b.Now()); err != nil {
		return fmt.Errorf("note use of a stored credential: %w", err)
	}
	return nil
}

// CardExpires formats the card's expiry as MM/YY; empty for other means.
func (c *Credential) CardExpires() string { return expires(c.CardExpiry) }

// Forget deletes a buyer's stored credential: its card is destroyed, not hidden. One that the buyer does not have is
// ErrNoCredential.
func (b *Books) Forget(ctx context.Context, merchant int32, customer string, id uuid.UUID) error {
	tag, err := b.Pool.Exec(ctx, forget, merchant, customer, id, b.Now())
	if err != nil {
		return fmt.Errorf("delete stored credential: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return ErrNoCredential
	}
	return nil
}
