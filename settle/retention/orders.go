package retention

import (
	"context"
	"fmt"
	"time"

	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// orders erases something of orders. An insert of an order writes to no index of its instant but a block range index, which finds whole days: so they
// are read day by day.
type orders struct {
	name      Name
	candidate string   // of an order o: there is something to erase
	judge     string   // why that is not erased
	erase     []string // of the orders k, at the instant @at
}

// newOrders spells the statements of a sweep.
func newOrders(name Name, candidate, judge string, erase ...string) *orders {
	o := &orders{name, words.In(candidate), words.In(judge), nil}
	for _, sql := range erase {
		o.erase = append(o.erase, keyColumns.Statement(fmt.Sprintf(sql, keyColumns.Unnest("k", 1)), "at timestamptz"))
	}
	return o
}

// keyColumns are the orders of a batch, and other rows that have a number of their own.
var keyColumns = postgres.Columns[Key]{
	postgres.ColumnOf("merchant", "int", func(k Key) int32 { return k.Merchant }),
	postgres.ColumnOf("id", "bigint", func(k Key) int64 { return k.ID }),
}

const (
	eraseCards = `
UPDATE orders o SET card = '', fingerprint = '', card_erased_at = @at FROM %s
WHERE o.merchant_id = k.merchant AND o.order_id = k.id`
	erasePeople = `
UPDATE orders o SET details = NULL, customer = NULL, personal_erased_at = @at, asked = what_was_asked(o.merchant_id, o.order_id, o.ordernumber, o.attempt,
	coalesce(o.original_amount, o.amount), coalesce(o.original_currency, o.currency), o.two_stage, NULL, o.parent, NULL)
FROM %s WHERE o.merchant_id = k.merchant AND o.order_id = k.id`
	eraseCheques  = `UPDATE cheques c SET items = '' FROM %s WHERE c.merchant_id = k.merchant AND c.order_id = k.id AND c.items <> '' AND @at IS NOT NULL`
	eraseBrowsers = `UPDATE authentications a SET browser = '' FROM %s WHERE a.merchant_id = k.merchant AND a.order_id = k.id AND a.browser <> '' AND @at IS NOT NULL`
)

// The sweeps of orders. A card is that of the last try to pay: one of an order in process counts to both classes, and is open.
var (
	cardsOfDeclined = newOrders(Name{Declined, "orders"}, `o.card <> '' AND o.status <> @OrderPaid`, judging(""), eraseCards)
	cardsOfPaid     = newOrders(Name{Paid, "orders"}, `o.card <> '' AND o.status IN (@OrderPaid, @OrderInProcess)`, judging(""), eraseCards)
	people          = newOrders(Name{Personal, "orders"}, `o.personal_erased_at IS NULL`, judging(lives), erasePeople, eraseCheques, eraseBrowsers)
)

// Name implements Sweep.
func (o *orders) Name() Name { return o.name }

// Look implements Sweep.
func (o *orders) Look(ctx context.Context, q postgres.Querier, s Span, now time.Time) ([]Standing, error) {
	return look(ctx, q, o.name, `
SELECT why, count(*) AS rows, 0::bigint AS bytes, min(created_at) AS oldest
FROM (SELECT o.created_at, `+o.judge+` AS why FROM orders o WHERE o.created_at < $1 AND o.created_at >= $3 AND $2::timestamptz IS NOT NULL AND `+o.candidate+`) x
GROUP BY why ORDER BY why`, s.Before, now, s.From)
}

const firstOrder = `SELECT min(created_at) FROM orders WHERE created_at >= $1 AND created_at < $2`

// Next implements Sweep: it goes on from the day of the key.
func (o *orders) Next(ctx context.Context, q postgres.Querier, s Span, after Key, limit int) ([]Key, error) {
	day := after.At
	if day.IsZero() {
		var first *time.Time
		if err := q.QueryRow(ctx, firstOrder, s.From, s.Before).Scan(&first); err != nil || first == nil {
			return nil, err
		}
		day = *first
	}
	for day = day.UTC().Truncate(24 * time.Hour); day.Before(s.Before); day = day.AddDate(0, 0, 1) {
		page, err := o.ofDay(ctx, q, day, s, after, limit)
		if err != nil || len(page) > 0 {
			return page, err
		}
	}
	return nil, nil
}

func (o *orders) ofDay(ctx context.Context, q postgres.Querier, day time.Time, s Span, after Key, limit int) ([]Key, error) {
	end := day.AddDate(0, 0, 1)
	if end.After(s.Before) {
		end = s.Before
	}
	return keys(ctx, q, o.name, `
SELECT o.created_at, o.merchant_id, o.order_id FROM orders o
WHERE o.created_at >= $1 AND o.created_at < $2 AND o.created_at >= $3 AND (o.created_at, o.merchant_id, o.order_id) > ($4, $5, $6) AND `+o.candidate+`
ORDER BY 1, 2, 3 LIMIT $7`, func(k *Key) []any { return []any{&k.At, &k.Merchant, &k.ID} }, day, end, s.From, after.At, after.Merchant, after.ID, limit)
}

// Erase implements Sweep.
func (o *orders) Erase(ctx context.Context, tx pgx.Tx, s Span, batch []Key, now time.Time) (Batch, error) {
	locked, err := o.lock(ctx, tx, s, batch, now)
	if err != nil {
		return Batch{}, fmt.Errorf("lock %s: %w", o.name.Subject, err)
	}
	erase, left := part(batch, locked)
	if len(erase) == 0 {
		return Batch{Left: left}, nil
	}
	for _, sql := range o.erase {
		if _, err := tx.Exec(ctx, sql, keyColumns.Args(erase, now)...); err != nil {
			return Batch{}, fmt.Errorf("erase %s of %s: %w", o.name.Class, o.name.Subject, err)
		}
	}
	return Batch{Erased: int64(len(erase)), Left: left}, nil
}

// lock locks the orders that are still to be erased, and then judges them. Whatever makes an order needed is written under its lock; so a statement
// that begins when they are locked sees it, and nothing comes between the judgment and the commit.
func (o *orders) lock(ctx context.Context, tx pgx.Tx, s Span, batch []Key, now time.Time) ([]judged, error) {
	locked, err := keys(ctx, tx, o.name, `
SELECT o.created_at, o.merchant_id, o.order_id FROM `+keyColumns.Unnest("k", 1)+` JOIN orders o ON o.merchant_id = k.merchant AND o.order_id = k.id
WHERE `+o.candidate+` ORDER BY o.merchant_id, o.order_id FOR NO KEY UPDATE OF o SKIP LOCKED`,
		func(k *Key) []any { return []any{&k.At, &k.Merchant, &k.ID} }, keyColumns.Args(batch)...)
	if err != nil || len(locked) == 0 {
		return nil, err
	}
	rows, err := tx.Query(ctx, `
SELECT o.created_at, o.merchant_id, o.order_id, `+o.judge+` FROM unnest($3::int[], $4::bigint[]) AS k (merchant, id)
	JOIN orders o ON o.merchant_id = k.merchant AND o.order_id = k.id
WHERE $2::timestamptz IS NOT NULL`, append([]any{s.Before, now}, keyColumns.Args(locked)...)...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (j judged, err error) {
		err = row.Scan(&j.At, &j.Merchant, &j.ID, &j.Why)
		return j, err
	})
}

// keys reads keys.
func keys(ctx context.Context, q postgres.Querier, name Name, sql string, into func(*Key) []any, args ...any) ([]Key, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w", name.Class, name.Subject, err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (k Key, err error) {
		err = row.Scan(into(&k)...)
		return k, err
	})
}
