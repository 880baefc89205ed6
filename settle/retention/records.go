package retention

import (
	"context"
	"fmt"
	"time"

	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// records erases the cards of clearing records, window by window. A record has the card of its order once more, for its file; after the verdict on its
// batch only one that was refused is presented again.
type records struct{}

var recordColumns = postgres.Columns[Key]{
	postgres.ColumnOf("win", "int", func(k Key) int32 { return k.Window }),
	postgres.ColumnOf("record", "bigint", func(k Key) int64 { return k.ID }),
	postgres.ColumnOf("merchant", "int", func(k Key) int32 { return k.Merchant }),
}

// stillNeeded tells why a record r of a window w is not erased.
const stillNeeded = `CASE
	WHEN w.state IN (@WindowOpen, @WindowSealing) OR EXISTS (SELECT FROM batches b WHERE b.window_id = r.window_id AND b.currency = r.currency AND b.state <> @BatchReplied)
		THEN 'clearing'
	WHEN EXISTS (SELECT FROM rejects j WHERE (j.window_id, j.record_id, j.merchant_id) = (r.window_id, r.record_id, r.merchant_id) AND j.state = @RejectUnresolved)
		THEN 'reject'
	ELSE '' END`

var (
	lookAtRecords = words.In(`
SELECT why, count(*) AS rows, 0::bigint AS bytes, min(cutoff_at) AS oldest
FROM (SELECT w.cutoff_at, ` + stillNeeded + ` AS why FROM windows w JOIN records r USING (window_id)
	WHERE w.cutoff_at >= $1 AND w.cutoff_at < $2 AND r.card <> '') x
GROUP BY why ORDER BY why`)
	// A lateral part is looked for by the index of one window after the other, and no further than the first that has something.
	nextWindow = `
SELECT w.cutoff_at, w.window_id FROM windows w
	CROSS JOIN LATERAL (SELECT FROM records r WHERE r.window_id = w.window_id AND r.card <> '' AND (w.window_id <> $4 OR r.record_id > $5) LIMIT 1) r
WHERE w.cutoff_at >= $1 AND w.cutoff_at < $2 AND (w.cutoff_at, w.window_id) >= ($3, $4) ORDER BY 1, 2 LIMIT 1`
	recordsOfWindow = `
SELECT $1::timestamptz, r.window_id, r.record_id, r.merchant_id FROM records r WHERE r.window_id = $2 AND r.record_id > $3 AND r.card <> ''
ORDER BY r.record_id LIMIT $4`
	judgeRecords = words.In(`
SELECT w.cutoff_at, r.window_id, r.record_id, r.merchant_id, ` + stillNeeded + ` FROM ` + recordColumns.Unnest("k", 1) + `
	JOIN records r ON (r.window_id, r.record_id, r.merchant_id) = (k.win, k.record, k.merchant) JOIN windows w USING (window_id) WHERE r.card <> ''`)
	eraseRecords = `SELECT erase_record_cards($1, $2, $3)`
)

// Name implements Sweep.
func (records) Name() Name { return Name{Paid, "records"} }

// Look implements Sweep.
func (r records) Look(ctx context.Context, q postgres.Querier, s Span, _ time.Time) ([]Standing, error) {
	return look(ctx, q, r.Name(), lookAtRecords, s.From, s.Before)
}

// Next implements Sweep.
func (r records) Next(ctx context.Context, q postgres.Querier, s Span, after Key, limit int) ([]Key, error) {
	var k Key
	switch err := q.QueryRow(ctx, nextWindow, s.From, s.Before, after.At, after.Window, after.ID).Scan(&k.At, &k.Window); {
	case isNone(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("find a window with cards: %w", err)
	}
	if k.Window == after.Window {
		k.ID = after.ID
	}
	return keys(ctx, q, r.Name(), recordsOfWindow, func(k *Key) []any { return []any{&k.At, &k.Window, &k.ID, &k.Merchant} }, k.At, k.Window, k.ID, limit)
}

// Erase implements Sweep. The function of the database looks again whether a record is needed; it counts fewer only where a verdict came between.
func (r records) Erase(ctx context.Context, tx pgx.Tx, _ Span, batch []Key, _ time.Time) (Batch, error) {
	rows, err := tx.Query(ctx, judgeRecords, recordColumns.Args(batch)...)
	if err != nil {
		return Batch{}, fmt.Errorf("judge records: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (j judged, err error) {
		err = row.Scan(&j.At, &j.Window, &j.ID, &j.Merchant, &j.Why)
		return j, err
	})
	if err != nil {
		return Batch{}, fmt.Errorf("judge records: %w", err)
	}
	erase, left := part(batch, found)
	out := Batch{Left: left}
	if len(erase) > 0 {
		err = tx.QueryRow(ctx, eraseRecords, recordColumns.Args(erase)...).Scan(&out.Erased)
	}
	if missed := int64(len(erase)) - out.Erased; err == nil && missed > 0 {
		out.Left = merge(out.Left, Standing{Why: Busy, Rows: missed, Oldest: erase[0].At})
	}
	if err != nil {
		return Batch{}, fmt.Errorf("erase cards of records: %w", err)
	}
	return out, nil
}
