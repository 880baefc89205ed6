package settletest

import (
	"context"
	"testing"
	"time"

	"settled/internal/postgres"
	"settled/settle"
	"settled/settle/totals"
	"settled/settle/verdict"

	"github.com/jackc/pgx/v5"
)

// The night of the world seals windows and applies verdicts with what the product counts and writes (packages totals and
// verdict); its own are the rows of windows, batches and replies, without bytes and delivery. It lets tests of the books reach
// the states that only a night brings.

// Night seals the earliest open window of the center: it moves the clock to its cut-off and returns the batches, one for
// each currency.
func (w *World) Night(t testing.TB, center int16) []int64 {
	t.Helper()
	var window int32
	var cutoff time.Time
	check(t, w.Pool.QueryRow(t.Context(), `SELECT window_id, cutoff_at FROM windows WHERE center_id = $1 AND state = 'open'
		ORDER BY cutoff_at LIMIT 1`, center).Scan(&window, &cutoff))
	if w.Clock.Now().Before(cutoff) {
		w.Clock.Set(cutoff)
	}
	var batches []int64
	err := postgres.InTx(t.Context(), w.Pool, postgres.Key{Name: "test seal"}, func(tx pgx.Tx) (err error) {
		batches, err = w.seal(t.Context(), tx, center, window)
		return err
	})
	check(t, err)
	return batches
}

// seal shuts writers out and seals in one transaction; the real night takes two.
func (w *World) seal(ctx context.Context, tx pgx.Tx, center int16, window int32) (batches []int64, err error) {
	if err := settle.LockCenter(ctx, tx, center); err != nil {
		return nil, err
	}
	at, state := w.Clock.Now(), "sealed"
	held, err := totals.Of(ctx, tx, window, center)
	if err != nil {
		return nil, err
	}
	if len(held) == 0 {
		state = "empty"
	}
	for _, part := range totals.ByCurrency(held) {
		id, err := w.insertBatch(ctx, tx, window, center, part, at)
		if err != nil {
			return nil, err
		}
		batches = append(batches, id)
	}
	_, err = tx.Exec(ctx, `UPDATE windows SET state = $2, sealing_at = $3, sealed_at = $3 WHERE window_id = $1`, window, state, at)
	return batches, err
}

func (w *World) insertBatch(ctx context.Context, tx pgx.Tx, window int32, center int16, held []totals.Total, at time.Time) (id int64, err error) {
	sum := totals.SumOf(held)
	err = tx.QueryRow(ctx, `INSERT INTO batches (window_id, center_id, stream, business_date, currency, part, parts, sales_count,
			sales_amount, credits_count, credits_amount, sealed_at)
		SELECT window_id, center_id, stream, business_date, $2, 1, 1, $3, $4, $5, $6, $7 FROM windows WHERE window_id = $1 RETURNING batch_id`,
		window, int16(held[0].Currency), sum.SalesCount, sum.SalesAmount, sum.CreditsCount, sum.CreditsAmount, at).Scan(&id)
	if err != nil {
		return 0, err
	}
	if err := totals.Insert(ctx, tx, id, held); err != nil {
		return 0, err
	}
	return id, w.Books.Ledger().Post(ctx, tx, totals.Postings(id, center, held, at))
}

// Rejected names a refused record by the order and the slice that it presents, or gives back.
type Rejected struct {
	Order int64
	Slice int16
	Kind  settle.RecordKind
}

// Reply applies the verdict of a center on a batch: everything is accepted but the records named, which are rejected for
// their reference. It returns them in the order given.
func (w *World) Reply(t testing.TB, batch int64, refused ...Rejected) []settle.RejectedRecord {
	t.Helper()
	var out []settle.RejectedRecord
	err := postgres.InTx(t.Context(), w.Pool, postgres.Key{Name: "test reply"}, func(tx pgx.Tx) (err error) {
		out, err = w.reply(t.Context(), tx, batch, refused)
		return err
	})
	check(t, err)
	return out
}

func (w *World) reply(ctx context.Context, tx pgx.Tx, batch int64, refused []Rejected) ([]settle.RejectedRecord, error) {
	v := verdict.Verdict{Batch: verdict.Batch{ID: batch}}
	b := &v.Batch
	err := tx.QueryRow(ctx, `SELECT window_id, center_id, currency FROM batches WHERE batch_id = $1`, batch).Scan(&b.Window, &b.Center, &b.Currency)
	if err != nil {
		return nil, err
	}
	at := w.Clock.Now()
	err = tx.QueryRow(ctx, `INSERT INTO replies (bytes, fetched_at, decided_at, center_id, name, state, sha256)
		VALUES (1, $1, $1, $2, 'reply', 'applied', sha256(int8send($3))) RETURNING reply_id`, at, b.Center, batch).Scan(&v.Reply)
	if err != nil {
		return nil, err
	}
	if v.Sent, _, err = verdict.Sent(ctx, tx, *b, 0); err != nil {
		return nil, err
	}
	if v.Contracts, err = w.Dir.ContractsOf(ctx, tx, batch, b.Center); err != nil {
		return nil, err
	}
	out, err := w.refuse(ctx, tx, &v, refused)
	if err != nil {
		return nil, err
	}
	_, err = tx.Exec(ctx, `UPDATE batches SET state = 'replied', replied_at = $2, reply_id = $3 WHERE batch_id = $1`, batch, at, v.Reply)
	if err != nil {
		return nil, err
	}
	return out, v.Apply(ctx, tx, w.Books.Ledger(), at)
}

const recordsOfBatch = `
SELECT r.record_id, r.order_id, r.merchant_id, r.contract_id, r.kind, r.slice, coalesce(c.amount, r.amount) AS amount, r.interchange_back, r.mdr_back
FROM records r LEFT JOIN LATERAL (SELECT amount FROM record_changes x
	WHERE (x.window_id, x.record_id, x.merchant_id) = (r.window_id, r.record_id, r.merchant_id) ORDER BY version DESC LIMIT 1) c ON true
WHERE r.window_id = $1 AND r.currency = $2 AND coalesce(c.amount, r.amount) > 0 ORDER BY r.record_id`

// refuse adds the named records to a verdict.
func (w *World) refuse(ctx context.Context, tx pgx.Tx, v *verdict.Verdict, refused []Rejected) ([]settle.RejectedRecord, error) {
	rows, err := tx.Query(ctx, recordsOfBatch, v.Batch.Window, int16(v.Batch.Currency))
	if err != nil {
		return nil, err
	}
	records, err := pgx.CollectRows(rows, pgx.RowToStructByName[verdict.Record])
	out := make([]settle.RejectedRecord, len(refused))
	for _, r := range records {
		for n, x := range refused {
			if x == (Rejected{Order: r.Order, Slice: r.Slice, Kind: r.Kind}) {
				r.Line, r.Class, r.Code = int32(n+2), "reference", "2003"
				v.Refused = append(v.Refused, r)
				out[n] = settle.RejectedRecord{Merchant: r.Merchant, Order: r.Order, Window: v.Batch.Window, Record: r.ID}
			}
		}
	}
	return out, err
}
