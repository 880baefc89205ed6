package settle

import (
	"context"
	"fmt"
	"time"

	"settled/internal/postgres"
	"settled/settle/order"

	"github.com/jackc/pgx/v5"
)

// intentRow is an intent as its statement takes it.
type intentRow struct {
	*intent
	original         *int64 // what the merchant asked, where it is converted
	originalCurrency *int16
	rate             *string
}

func rowOfIntent(in *intent) *intentRow {
	r := intentRow{intent: in}
	r.original, r.originalCurrency, r.rate = converted(Quote{Amount: in.Amount, Rate: in.Rate}, in.Original)
	return &r
}

var intentColumns = postgres.Columns[*intentRow]{
	postgres.ColumnOf("merchant", "int", func(r *intentRow) int32 { return r.Merchant.ID }),
	postgres.ColumnOf("id", "bigint", func(r *intentRow) int64 { return r.Order }),
	postgres.ColumnOf("number", "text", func(r *intentRow) string { return r.number }),
	postgres.ColumnOf("attempt", "smallint", func(r *intentRow) int16 { return r.attempt }),
	postgres.ColumnOf("amount", "bigint", func(r *intentRow) int64 { return r.Amount.Minor }),
	postgres.ColumnOf("currency", "smallint", func(r *intentRow) int16 { return int16(r.Amount.Currency) }),
	postgres.ColumnOf("center", "smallint", func(r *intentRow) int16 { return r.Route.Center.ID }),
	postgres.ColumnOf("two_stage", "boolean", func(r *intentRow) bool { return r.TwoStage }),
	postgres.ColumnOf("at", "timestamptz", func(r *intentRow) time.Time { return r.TransmittedAt }),
	postgres.ColumnOf("exchange", "bigint", func(r *intentRow) int64 { return r.Exchange }),
	postgres.ColumnOf("mask", "text", func(r *intentRow) string { return r.mask }),
	postgres.ColumnOf("expiry", "text", func(r *intentRow) string { return r.cardExpiry }),
	postgres.ColumnOf("card", "bytea", func(r *intentRow) []byte { return r.card }),
	postgres.ColumnOf("fingerprint", "bytea", func(r *intentRow) []byte { return r.fingerprint }),
	postgres.ColumnOf("details", "jsonb", func(r *intentRow) *string { return r.details }),
	postgres.ColumnOf("original", "bigint", func(r *intentRow) *int64 { return r.original }),
	postgres.ColumnOf("original_currency", "smallint", func(r *intentRow) *int16 { return r.originalCurrency }),
	postgres.ColumnOf("rate", "text", func(r *intentRow) *string { return r.rate }),
}

var insertIntents = intentColumns.Statement(`
WITH o AS (
	INSERT INTO orders (merchant_id, order_id, ordernumber, attempt, amount, currency, center_id, two_stage, status,
		created_at, exchange_id, card_mask, card_expiry, card, fingerprint, details, original_amount, original_currency, rate, asked)
	SELECT merchant, id, number, attempt, amount, currency, center, two_stage, @status, at, exchange, mask, expiry, card, fingerprint, details,
		original, original_currency, rate, what_was_asked(merchant, id, number, attempt, coalesce(original, amount),
			coalesce(original_currency, currency), two_stage, NULL, NULL, details)
	FROM `+intentColumns.Unnest("i", 1)+`
	ON CONFLICT (merchant_id, ordernumber, attempt) DO NOTHING
	RETURNING merchant_id, order_id, amount, exchange_id, created_at, center_id
), w AS (
	INSERT INTO owed_exchanges (merchant_id, order_id, transaction, operation, center_id, kind, amount, exchange_id,
		created_at, transmitted_at, due_at)
	SELECT merchant_id, order_id, 1, 1, center_id, CASE WHEN center_id = ANY (@single) THEN @purchase ELSE @authorization END, amount,
		exchange_id, created_at, created_at, created_at + @unknown_after
	FROM o
)
SELECT order_id FROM o`, "status smallint", "single smallint[]", "purchase smallint", "authorization smallint", "unknown_after interval")

// unknownAfter is when a payment whose process died counts as unknown. The process itself gives up at the center's
// deadline, which must be shorter.
const unknownAfter = 2 * time.Minute

// writeIntents inserts the orders and owed exchanges of a group. An item whose order number is taken stays not fresh.
func (b *Books) writeIntents(ctx context.Context, tx pgx.Tx, group []*item) error {
	if len(group) == 0 {
		return nil
	}
	all := make([]*intentRow, len(group))
	byID := make(map[int64]*item, len(group))
	for i, it := range group {
		all[i], byID[it.begin.Order] = rowOfIntent(it.begin), it
	}
	rows, err := tx.Query(ctx, insertIntents, intentColumns.Args(all, order.InProcess, b.singleMessage, Purchase, Authorization, unknownAfter)...)
	if err != nil {
		return fmt.Errorf("insert %d orders: %w", len(group), err)
	}
	return markFresh(rows, byID)
}

// markFresh marks the items that a statement tells it wrote.
func markFresh(rows pgx.Rows, items map[int64]*item) error {
	var key int64
	_, err := pgx.ForEachRow(rows, []any{&key}, func() error {
		items[key].fresh = true
		return nil
	})
	return err
}
