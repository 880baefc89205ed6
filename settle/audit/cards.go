package audit

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"settled/internal/vault"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// openers is how many cards are opened at a time.
const openers = 2

// CardCheck is an invariant of sealed cards. Its statement returns each of them: the merchant, the order, the stored credential
// that it is (null: the card of the order), what names it, the sealed bytes, the sealed card that must be the same one (null:
// none), its mask (null: it is no card), and of a stored credential the form of its seal, its means and its buyer. No card number leaves
// memory, and none is in a finding.
type CardCheck struct {
	Invariant string
	Title     string
	SQL       string
}

// CardChecks lists what is checked with keys only, after Checks.
var CardChecks = []CardCheck{
	{"INV-35", "the card of an order opens there and has its mask", sqlOrderCards},
	{"INV-35", "the card of a record opens in its order and is the order's", sqlRecordCards},
	{"INV-35", "a stored card or consent opens where it is stored, for its buyer, and has its mask", sqlStoredCards},
}

const (
	sqlOrderCards = `
SELECT merchant_id, order_id, NULL::uuid, 'order ' || order_id, card, NULL::bytea, card_mask, 0::smallint, 0::smallint, ''
FROM orders WHERE card <> '' OR card_mask <> '' AND card_erased_at IS NULL`
	sqlRecordCards = `
SELECT r.merchant_id, r.order_id, NULL::uuid, format('record %s of order %s', r.record_id, r.order_id), r.card, CASE WHEN o.card_erased_at IS NULL THEN coalesce(o.card, '') END,
	coalesce(o.card_mask, ''), 0::smallint, 0::smallint, ''
FROM records r LEFT JOIN orders o USING (merchant_id, order_id) WHERE r.card <> ''`
	sqlStoredCards = `
SELECT merchant_id, order_id, credential_id, 'credential ' || credential_id, sealed, NULL::bytea, card_mask, seal_form, means, customer
FROM credentials WHERE sealed IS NOT NULL`

	// Those that are not bound to their buyers yet: a buyer who is changed in the database would get the card.
	sqlUnbound = `SELECT count(*) FROM credentials WHERE sealed IS NOT NULL AND seal_form < $1`
)

// sealedCard is a row of a CardCheck.
type sealedCard struct {
	Merchant   int32
	Order      int64
	Credential *uuid.UUID
	Name       string
	Sealed     []byte
	Same       []byte
	Mask       *string
	Form       vault.CredentialForm
	Means      int16
	Buyer      string
}

// fault says what is wrong with the card, empty for nothing.
func (c *sealedCard) fault(v *vault.Vault) string {
	binding := vault.CardBinding(nil, int64(c.Merchant), c.Order)
	if c.Credential != nil {
		binding = vault.CredentialBinding(nil, c.Form, int64(c.Merchant), *c.Credential, int64(c.Means), c.Buyer)
	}
	if c.Mask == nil {
		secret, err := v.AppendUnseal(nil, c.Sealed, binding)
		clear(secret)
		return faultOf(err)
	}
	pan, err := v.Unseal(c.Sealed, binding)
	if err != nil {
		return faultOf(err)
	}
	if pan.Mask() != *c.Mask {
		return "has another mask"
	}
	if c.Same == nil {
		return ""
	}
	if same, err := v.Unseal(c.Same, binding); err != nil || same != pan {
		return "is not the card of the order"
	}
	return ""
}

func faultOf(err error) string {
	if err == nil {
		return ""
	}
	return "does not open: " + err.Error()
}

// run opens each card of the check, two at a time while the next are read.
func (c CardCheck) run(ctx context.Context, tx pgx.Tx, v *vault.Vault) (Finding, error) {
	f := Finding{Invariant: c.Invariant, Title: c.Title}
	cards := make(chan sealedCard, 64*openers)
	var opening sync.WaitGroup
	var mu sync.Mutex
	for range openers {
		opening.Go(func() {
			for card := range cards {
				if fault := card.fault(v); fault != "" {
					mu.Lock()
					f.add(card.Name + " " + fault)
					mu.Unlock()
				}
			}
		})
	}
	err := eachCard(ctx, tx, c.SQL, cards)
	close(cards)
	opening.Wait()
	slices.Sort(f.Examples)
	if err != nil {
		return f, fmt.Errorf("check %s, %s: %w", c.Invariant, c.Title, err)
	}
	return f, nil
}

func eachCard(ctx context.Context, tx pgx.Tx, sql string, out chan<- sealedCard) error {
	rows, err := tx.Query(ctx, sql)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		card, err := pgx.RowToStructByPos[sealedCard](rows)
		if err != nil {
			return err
		}
		out <- card
	}
	return rows.Err()
}
