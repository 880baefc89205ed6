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

// ErrGeneration is returned when something of the buyer is kept that may be the same card, and cannot be compared: it is known by a key that was
// revoked, until it is renewed (settled keys renew), or by one that this process has not taken up yet.
var ErrGeneration = errors.New("credential: what is stored cannot be compared: its generation of keys is revoked or not known yet")

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
	form       vault.CredentialForm
	sealed     []byte
}

// Sealed is a credential that is not kept yet, with the keys by which the same card or consent is found again.
type Sealed struct {
	Credential
	keys
}

// keys find a buyer's card or consent, under each generation of the key that is good, the newest first.
type keys [][]byte

// Seal seals a card number or a consent under a new token.
func (s *Store) Seal(c Credential, secret []byte) (*Sealed, error) {
	c.ID, c.form = uuid.New(), vault.BoundToBuyer
	sealed := &Sealed{Credential: c, keys: s.keysOf(c.Merchant, c.Customer, secret)}
	var err error
	if sealed.sealed, err = s.vault.AppendSeal(nil, secret, c.binding()); err != nil {
		return nil, fmt.Errorf("seal what order %d was paid with: %w", c.Order, err)
	}
	return sealed, nil
}

// binding ties a sealed card to its row.
func (c *Credential) binding() []byte {
	return vault.CredentialBinding(nil, c.form, int64(c.Merchant), c.ID, int64(c.Means), c.Customer)
}

// keysOf find a buyer's card or consent again without showing it.
func (s *Store) keysOf(merchant int32, customer string, secret []byte) (all keys) {
	plain := make([]byte, 0, 4+len(customer)+1+len(secret))
	plain = binary.BigEndian.AppendUint32(plain, uint32(merchant))
	plain = append(append(plain, customer...), 0)
	plain = append(plain, secret...)
	defer clear(plain)
	for _, generation := range s.vault.Accepted(vault.Prints) {
		if key := s.vault.Print(generation, "stored credential", plain); key != nil {
			all = append(all, key)
		}
	}
	return all
}

// generations are those of the keys.
func (k keys) generations() (all []int32) {
	for _, key := range k {
		all = append(all, int32(vault.PrintGeneration(key)))
	}
	return all
}

// generation is that of a stored key, as vault.PrintGeneration has it.
const generation = `CASE length(sealed_key) WHEN 34 THEN get_byte(sealed_key, 0) * 256 + get_byte(sealed_key, 1) ELSE 0 END`

// Within the transaction nobody else keeps anything of the buyer: two keys of one card, made under two generations, are no conflict of the
// index.
const lockBuyer = `SELECT pg_advisory_xact_lock(hashtextextended('buyer/' || $1::int || '/' || $2::text, 40))`

// A card or consent that was kept under an earlier generation is known under the newest from now on.
const rekey = `
UPDATE credentials SET sealed_key = $4 WHERE merchant_id = $1 AND credential_id = (
	SELECT credential_id FROM credentials WHERE merchant_id = $1 AND customer = $2 AND sealed_key = ANY ($3) AND deleted_at IS NULL ORDER BY created_at LIMIT 1)
AND NOT EXISTS (SELECT FROM credentials WHERE merchant_id = $1 AND customer = $2 AND sealed_key = $4 AND deleted_at IS NULL)`

const put = `
INSERT INTO credentials (merchant_id, credential_id, customer, means, order_id, created_at, sealed, sealed_key, card_mask, card_expiry, network_id, seal_form)
SELECT $1::int, $2::uuid, $3::text, $4::smallint, $5::bigint, $6::timestamptz, $7::bytea, $8::bytea, $9::text, $10::text, $11::text, $12::smallint
WHERE NOT EXISTS (SELECT FROM credentials WHERE merchant_id = $1 AND customer = $3 AND deleted_at IS NULL AND ` + generation + ` <> ALL ($13::int[]))
ON CONFLICT (merchant_id, customer, sealed_key) WHERE deleted_at IS NULL
	DO UPDATE SET used_at = excluded.created_at, card_expiry = excluded.card_expiry, network_id = CASE excluded.network_id WHEN '' THEN credentials.network_id ELSE excluded.network_id END
RETURNING ` + columns

// Put keeps a sealed credential in the transaction of the caller, and returns it as it is kept: under its own token, or under that of
// the same card or consent of the buyer, which was kept before. ErrGeneration keeps nothing.
func Put(ctx context.Context, tx pgx.Tx, c *Sealed) (*Credential, error) {
	kept, err := c.put(ctx, tx)
	if err == nil && len(kept) != 1 {
		err = fmt.Errorf("%w: buyer %s of merchant %d", ErrGeneration, c.Customer, c.Merchant)
	}
	if err != nil {
		return nil, fmt.Errorf("store credential: %w", err)
	}
	return kept[0], nil
}

func (c *Sealed) put(ctx context.Context, tx pgx.Tx) ([]*Credential, error) {
	if _, err := tx.Exec(ctx, lockBuyer, c.Merchant, c.Customer); err != nil {
		return nil, err
	}
	if len(c.keys) > 1 {
		if _, err := tx.Exec(ctx, rekey, c.Merchant, c.Customer, [][]byte(c.keys[1:]), c.keys[0]); err != nil {
			return nil, err
		}
	}
	return read(ctx, tx, put, c.Merchant, c.ID, c.Customer, c.Means, c.Order, c.CreatedAt, c.sealed, c.keys[0],
		orNull(c.CardMask), orNull(c.CardExpiry), c.NetworkID, c.form, c.keys.generations())
}

// orNull is the value of a column that has NULL for none.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

const columns = `merchant_id, credential_id, customer, means, order_id, created_at, coalesce(card_mask, ''), coalesce(card_expiry, ''),
	network_id, coalesce(sealed, ''), seal_form`

func scan(row pgx.CollectableRow) (*Credential, error) {
	var c Credential
	err := row.Scan(&c.Merchant, &c.ID, &c.Customer, &c.Means, &c.Order, &c.CreatedAt, &c.CardMask, &c.CardExpiry, &c.NetworkID, &c.sealed, &c.form)
	return &c, err
}

const (
	ofCustomer = `SELECT ` + columns + ` FROM credentials
WHERE merchant_id = $1 AND customer = $2 AND deleted_at IS NULL ORDER BY created_at DESC, credential_id LIMIT 20`
	byID = `SELECT ` + columns + ` FROM credentials WHERE merchant_id = $1 AND credential_id = $2 AND deleted_at IS NULL`
	same = `SELECT ` + columns + ` FROM credentials
WHERE merchant_id = $1 AND customer = $2 AND deleted_at IS NULL AND (sealed_key = ANY ($3) OR order_id = $4) ORDER BY created_at LIMIT 1`
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
	var known keys
	if card != nil {
		known = s.keysOf(merchant, customer, card)
	}
	found, err := read(ctx, s.pool, same, merchant, customer, [][]byte(known), order)
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
	pan, err := s.vault.Unseal(c.sealed, c.binding())
	if err != nil {
		return vault.PAN{}, fmt.Errorf("open stored card: %w", err)
	}
	return pan, s.noteUse(ctx, c)
}

// UseConsent opens the partner bank's token of a stored consent, and notes when it was used. Whoever has it can charge the
// payer: it goes to the bank and nowhere else.
func (s *Store) UseConsent(ctx context.Context, c *Credential) (vault.Secret, error) {
	token, err := s.vault.AppendUnseal(nil, c.sealed, c.binding())
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
