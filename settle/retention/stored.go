package retention

import (
	"context"
	"errors"
	"fmt"
	"time"

	"settled/internal/postgres"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// credentials erases something of the cards and consents that buyers let a merchant keep. They are few beside orders, and are read by their key.
type credentials struct {
	name      Name
	last      string // when a credential c was last of use
	candidate string
	judge     string
	erase     string // of the credentials k, at the instant @at
}

var tokenColumns = postgres.Columns[Key]{
	postgres.ColumnOf("merchant", "int", func(k Key) int32 { return k.Merchant }),
	postgres.ColumnOf("token", "uuid", func(k Key) uuid.UUID { return k.Token }),
}

// paysFor tells that a subscription that lives is paid with a credential c.
const paysFor = `CASE WHEN EXISTS (SELECT FROM subscriptions s WHERE s.merchant_id = c.merchant_id AND s.credential_id = c.credential_id AND ` + alive + `)
	THEN 'subscription' ELSE '' END`

// The sweeps of credentials. A card that was deleted is destroyed already; whose it was goes with what else tells of people.
var (
	unused = newCredentials(credentials{name: Name{Stored, "credentials"}, last: `greatest(c.created_at, c.used_at)`, candidate: `c.sealed IS NOT NULL`,
		judge: paysFor, erase: `UPDATE credentials c SET deleted_at = @at, sealed = NULL, sealed_key = NULL FROM %s WHERE c.merchant_id = k.merchant AND c.credential_id = k.token`})
	buyers = newCredentials(credentials{name: Name{Personal, "credentials"}, last: `c.deleted_at`, candidate: `c.deleted_at IS NOT NULL AND c.customer <> '` + nobody + `'`,
		judge: `''`, erase: `UPDATE credentials c SET customer = '` + nobody + `', card_mask = NULL, card_expiry = NULL FROM %s
			WHERE c.merchant_id = k.merchant AND c.credential_id = k.token AND @at IS NOT NULL`})
)

// nobody stands where a merchant's number of a buyer stood: a space is in none.
const nobody = " "

func newCredentials(c credentials) *credentials {
	c.judge = words.In(c.judge)
	c.erase = tokenColumns.Statement(fmt.Sprintf(c.erase, tokenColumns.Unnest("k", 1)), "at timestamptz")
	return &c
}

// Name implements Sweep.
func (c *credentials) Name() Name { return c.name }

// Look implements Sweep.
func (c *credentials) Look(ctx context.Context, q postgres.Querier, s Span, now time.Time) ([]Standing, error) {
	return look(ctx, q, c.name, `
SELECT why, count(*) AS rows, 0::bigint AS bytes, min(last) AS oldest
FROM (SELECT `+c.last+` AS last, `+c.judge+` AS why FROM credentials c WHERE `+c.candidate+`) x
WHERE last < $1 AND last >= $3 AND $2::timestamptz IS NOT NULL GROUP BY why ORDER BY why`, s.Before, now, s.From)
}

// Next implements Sweep.
func (c *credentials) Next(ctx context.Context, q postgres.Querier, s Span, after Key, limit int) ([]Key, error) {
	return keys(ctx, q, c.name, `
SELECT `+c.last+`, c.merchant_id, c.credential_id FROM credentials c
WHERE (c.merchant_id, c.credential_id) > ($3, $4) AND `+c.last+` < $1 AND `+c.last+` >= $2 AND `+c.candidate+`
ORDER BY 2, 3 LIMIT $5`, into, s.Before, s.From, after.Merchant, after.Token, limit)
}

func into(k *Key) []any { return []any{&k.At, &k.Merchant, &k.Token} }

// Erase implements Sweep. A card that is kept once more, or taken for a subscription, is locked by whoever does that.
func (c *credentials) Erase(ctx context.Context, tx pgx.Tx, s Span, batch []Key, now time.Time) (Batch, error) {
	locked, err := keys(ctx, tx, c.name, `
SELECT `+c.last+`, c.merchant_id, c.credential_id FROM unnest($2::int[], $3::uuid[]) AS k (merchant, token)
	JOIN credentials c ON c.merchant_id = k.merchant AND c.credential_id = k.token
WHERE `+c.last+` < $1 AND `+c.candidate+` ORDER BY 2, 3 FOR UPDATE OF c SKIP LOCKED`, into, append([]any{s.Before}, tokenColumns.Args(batch)...)...)
	if err != nil {
		return Batch{}, fmt.Errorf("lock credentials: %w", err)
	}
	found, err := c.judged(ctx, tx, locked, now)
	if err != nil {
		return Batch{}, fmt.Errorf("judge credentials: %w", err)
	}
	erase, left := part(batch, found)
	if len(erase) > 0 {
		if _, err := tx.Exec(ctx, c.erase, tokenColumns.Args(erase, now)...); err != nil {
			return Batch{}, fmt.Errorf("erase %s of credentials: %w", c.name.Class, err)
		}
	}
	return Batch{Erased: int64(len(erase)), Left: left}, nil
}

// judged tells of locked credentials why they are not erased.
func (c *credentials) judged(ctx context.Context, tx pgx.Tx, locked []Key, now time.Time) ([]judged, error) {
	rows, err := tx.Query(ctx, `
SELECT `+c.last+`, c.merchant_id, c.credential_id, `+c.judge+` FROM unnest($1::int[], $3::uuid[]) AS k (merchant, token)
	JOIN credentials c ON c.merchant_id = k.merchant AND c.credential_id = k.token WHERE $2::timestamptz IS NOT NULL`,
		tokenColumns.Args(locked)[0], now, tokenColumns.Args(locked)[1])
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (j judged, err error) {
		err = row.Scan(append(into(&j.Key), &j.Why)...)
		return j, err
	})
}

func isNone(err error) bool { return errors.Is(err, pgx.ErrNoRows) }
