package credential

import (
	"context"
	"errors"
	"fmt"

	"settled/internal/postgres"
	"settled/internal/vault"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Renewal is what renewing came to. A card that does not open stays as it is, and so does one of two that are the same.
type Renewal struct {
	Renewed int         `json:"renewed"`
	Broken  []uuid.UUID `json:"broken,omitempty"` // they do not open: settled audit says more
	Doubled []uuid.UUID `json:"doubled,omitempty"`
}

// atATime is how many rows one transaction renews.
const atATime = 200

// Cards and consents whose seal is not of the newest form and key, or which are known by a key that is not the newest.
const stale = `
SELECT ` + columns + ` FROM credentials
WHERE deleted_at IS NULL AND (merchant_id, credential_id) > ($1::int, $2::uuid)
	AND (seal_form <> $3 OR get_byte(sealed, 0) * 256 + get_byte(sealed, 1) <> $4 OR ` + generation + ` <> $5)
ORDER BY merchant_id, credential_id LIMIT $6 FOR UPDATE`

const renew = `
UPDATE credentials c SET sealed = $3, sealed_key = $4, seal_form = $5 WHERE merchant_id = $1 AND credential_id = $2
AND NOT EXISTS (SELECT FROM credentials o WHERE o.merchant_id = c.merchant_id AND o.customer = c.customer AND o.sealed_key = $4
	AND o.deleted_at IS NULL AND o.credential_id <> c.credential_id)`

// Renew seals every stored card and consent anew that is not sealed under the active key and bound to its buyer, or that is found again by
// another key than the newest: afterwards nothing hangs on the others. It may be broken off, and run beside payments.
func (s *Store) Renew(ctx context.Context) (all Renewal, err error) {
	var last Credential
	for more := true; more; {
		part, at := Renewal{}, last
		err := postgres.InTx(ctx, s.pool, postgres.Key{Name: "renew stored cards"}, func(tx pgx.Tx) error {
			part, at = Renewal{}, last
			return s.renewPart(ctx, tx, &part, &at)
		})
		if err != nil {
			return all, fmt.Errorf("renew stored cards: %w", err)
		}
		more, last = at.ID != last.ID || at.Merchant != last.Merchant, at
		all = Renewal{all.Renewed + part.Renewed, append(all.Broken, part.Broken...), append(all.Doubled, part.Doubled...)}
	}
	return all, nil
}

// renewPart renews those behind last, which becomes the last of them.
func (s *Store) renewPart(ctx context.Context, tx pgx.Tx, part *Renewal, last *Credential) error {
	found, err := read(ctx, tx, stale, last.Merchant, last.ID, vault.BoundToBuyer, s.sealing(), int32(s.vault.Newest(vault.Prints)), atATime)
	for _, c := range found {
		if err != nil {
			break
		}
		*last = Credential{Merchant: c.Merchant, ID: c.ID}
		err = s.renewOne(ctx, tx, part, c)
	}
	return err
}

// sealing is the number of the key that seals now.
func (s *Store) sealing() int32 {
	for _, k := range s.vault.Keys() {
		if k.Active {
			return int32(k.Number)
		}
	}
	return 0
}

func (s *Store) renewOne(ctx context.Context, tx pgx.Tx, part *Renewal, c *Credential) error {
	secret, err := s.vault.AppendUnseal(nil, c.sealed, c.binding())
	defer func() { clear(secret) }()
	if err != nil {
		part.Broken = append(part.Broken, c.ID)
		return nil
	}
	again := *c
	again.form = vault.BoundToBuyer
	known := s.keysOf(c.Merchant, c.Customer, secret)
	if again.sealed, err = s.vault.AppendSeal(nil, secret, again.binding()); err != nil || len(known) == 0 {
		return errors.Join(err, ErrGeneration)
	}
	tag, err := tx.Exec(ctx, renew, c.Merchant, c.ID, again.sealed, known[0], again.form)
	switch {
	case err != nil:
		return err
	case tag.RowsAffected() == 0:
		part.Doubled = append(part.Doubled, c.ID)
	default:
		part.Renewed++
	}
	return nil
}
