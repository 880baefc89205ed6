package credential

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
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ErrNone is returned for a stored card or consent that the merchant's buyer does not have.
var ErrNone = errors.New("credential: no such stored credential")

// Store opens and keeps what buyers have stored. It is safe for concurrent use.
type Store struct {
	pool  *pgxpool.Pool
	vault *vault.Vault
	now   func() time.Time
}

// NewStore returns what is stored in a database, sealed by a vault. now is in UTC, to the microsecond.
func NewStore(pool *pgxpool.Pool, v *vault.Vault, now func() time.Time) *Store {
	return &Store{pool, v, now}
}

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

// Sealed is a credential that is not kept yet, with the key by which the same card or consent is found again.
type Sealed struct {
	Credential
	key []byte
}

// Seal seals a card number or a consent under a new token.
func (s *Store) Seal(c Credential, secret []byte) (*Sealed, error) {
	c.ID = uuid.New()
	sealed := &Sealed{Credential: c, key: s.sealedKey(c.Merchant, c.Customer, secret)}
	var err error
	if sealed.sealed, err = s.vault.AppendSeal(nil, secret, binding(c.Merchant, c.ID)); err != nil {
		return nil, fmt.Errorf("seal what order %d was paid with: %w", c.Order, err)
	}
	return sealed, nil
}

// binding ties a sealed card to its row.
func binding(merchant int32, id uuid.UUID) []byte {
	return vault.CredentialBinding(nil, int64(merchant), id)
}

// sealedKey finds a buyer's card or consent again without showing it.
func (s *Store) sealedKey(merchant int32, customer string, secret []byte) []byte {
	plain := binary.BigEndian.AppendUint32(nil, uint32(merchant))
	plain = append(append(plain, customer...), 0)
	plain = append(plain, secret...)
	sum := s.vault.Fingerprint("stored credential", plain)
	clear(plain)
	return sum[:]
}

const put = `
INSERT INTO credentials (merchant_id, credential_id, customer, means, order_id, created_at, sealed, sealed_key, card_mask, card_expiry, network_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (merchant_id, customer, sealed_key) WHERE deleted_at IS NULL
	DO UPDATE SET card_expiry = excluded.card_expiry, network_id = CASE excluded.network_id WHEN '' THEN credentials.network_id ELSE excluded.network_id END
RETURNING ` + columns

// Put keeps a sealed credential in the transaction of the caller, and returns it as it is kept: under its own token, or under that of
// the same card or consent of the buyer, which was kept before.
func Put(ctx context.Context, tx pgx.Tx, c *Sealed) (*Credential, error) {
	kept, err := read(ctx, tx, put, c.Merchant, c.ID, c.Customer, c.Means, c.Order, c.CreatedAt, c.sealed, c.key,
		orNull(c.CardMask), orNull(c.CardExpiry), c.NetworkID)
	if err == nil && len(kept) != 1 {
		err = pgx.ErrNoRows
	}
	if err != nil {
		return nil, fmt.Errorf("store credential: %w", err)
	}
	return kept[0], nil
}

// orNull is the value of a column that has NULL for none.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

const columns = `merchant_id, credential_id, customer, means, order_id, created_at, coalesce(card_mask, ''), coalesce(card_expiry, ''),
	network_id, coalesce(sealed, '')`

func scan(row pgx.CollectableRow) (*Credential, error) {
	var c Credential
	err := row.Scan(&c.Merchant, &c.ID, &c.Customer, &c.Means, &c.Order, &c.CreatedAt, &c.CardMask, &c.CardExpiry, &c.NetworkID, &c.sealed)
	return &c, err
}

const (
	ofCustomer = `SELECT ` + columns + ` FROM credentials
WHERE merchant_id = $1 AND customer = $2 AND deleted_at IS NULL ORDER BY created_at DESC, credential_id LIMIT 20`
	byID = `SELECT ` + columns + ` FROM credentials WHERE merchant_id = $1 AND credential_id = $2 AND deleted_at IS NULL`
	same = `SELECT ` + columns + ` FROM credentials
WHERE merchant_id = $1 AND customer = $2 AND deleted_at IS NULL AND (sealed_key = $3 OR order_id = $4) ORDER BY created_at LIMIT 1`
	use    = `UPDATE credentials SET used_at = $3 WHERE merchant_id = $1 AND credential_id = $2`
	forget = `
UPDATE credentials SET deleted_at = $4, sealed = NULL, sealed_key = NULL
WHERE merchant_id = $1 AND customer = $2 AND credential_id = $3 AND deleted_at IS NULL`
)

// Of returns what a buyer has stored with the merchant, the youngest first, 20 at most.
func (s *Store) Of(ctx context.Context, merchant int32, customer string) ([]*Credential, error) {
	return read(ctx, s.pool, ofCustomer, merchant, customer)
}

func read(ctx context.Context, q postgres.Querier, sql string, args ...any) ([]*Credential, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read stored credentials: %w", err)
	}
	found, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("read stored credentials: %w", err)
	}
	return found, nil
}

// Find returns a stored credential by its token. That of another merchant, and one that was deleted, is
// ErrNone.
func (s *Store) Find(ctx context.Context, merchant int32, id uuid.UUID) (*Credential, error) {
	return Find(ctx, s.pool, merchant, id)
}

// Find is Store.Find in a transaction of the caller.
func Find(ctx context.Context, q postgres.Querier, merchant int32, id uuid.UUID) (*Credential, error) {
	found, err := read(ctx, q, byID, merchant, id)
	if err == nil && len(found) == 0 {
		err = ErrNone
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// Same returns the credential that stands for the card that a buyer paid an order with, as it is stored with this order or with an
// earlier one; without a card, that which is stored with the order. ErrNone tells that there is none.
func (s *Store) Same(ctx context.Context, merchant int32, customer string, order int64, card []byte) (*Credential, error) {
	var key []byte
	if card != nil {
		key = s.sealedKey(merchant, customer, card)
	}
	found, err := read(ctx, s.pool, same, merchant, customer, key, order)
	if err == nil && len(found) == 0 {
		err = ErrNone
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// Use opens the card number of a stored credential for a payment, and notes when it was used.
func (s *Store) Use(ctx context.Context, c *Credential) (vault.PAN, error) {
	pan, err := s.vault.Unseal(c.sealed, binding(c.Merchant, c.ID))
	if err != nil {
		return vault.PAN{}, fmt.Errorf("open stored card: %w", err)
	}
	return pan, s.noteUse(ctx, c)
}

// UseConsent opens the partner bank's token of a stored consent, and notes when it was used. Whoever has it can charge the
// payer: it goes to the bank and nowhere else.
func (s *Store) UseConsent(ctx context.Context, c *Credential) (vault.Secret, error) {
	token, err := s.vault.AppendUnseal(nil, c.sealed, binding(c.Merchant, c.ID))
	if err != nil {
		return vault.Secret{}, fmt.Errorf("open stored consent: %w", err)
	}
	return vault.NewSecret(token), s.noteUse(ctx, c)
}

func (s *Store) noteUse(ctx context.Context, c *Credential) error {
	if _, err := s.pool.Exec(ctx, use, c.Merchant, c.ID, s.now()); err != nil {
		return fmt.Errorf("note use of a stored credential: %w", err)
	}
	return nil
}

// CardExpires formats the card's expiry as MM/YY; empty for other means.
func (c *Credential) CardExpires() string { return order.CardExpires(c.CardExpiry) }

// Forget deletes a buyer's stored credential: its card is destroyed, not hidden. One that the buyer does not have is
// ErrNone.
func (s *Store) Forget(ctx context.Context, merchant int32, customer string, id uuid.UUID) error {
	return destroyed(s.pool.Exec(ctx, forget, merchant, customer, id, s.now()))
}

// Forget is Store.Forget in a transaction of the caller.
func Forget(ctx context.Context, tx pgx.Tx, merchant int32, customer string, id uuid.UUID, at time.Time) error {
	return destroyed(tx.Exec(ctx, forget, merchant, customer, id, at))
}

func destroyed(tag pgconn.CommandTag, err error) error {
	if err != nil {
		return fmt.Errorf("delete stored credential: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return ErrNone
	}
	return nil
}
