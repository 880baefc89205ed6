package settle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"settled/internal/money"
	"settled/internal/postgres"
	"settled/settle/breaks"
	"settled/settle/ledger"

	"github.com/jackc/pgx/v5"
)

// ErrNotAside is returned when a record cannot be set aside: its file is built, it is withdrawn, or it was refused or set aside
// before.
var ErrNotAside = errors.New("settle: record cannot be set aside")

// Origin is who refused a record. The words are stored.
type Origin string

// The origins of rejects.
const (
	RefusedByCenter Origin = "center"
	AsideHeld       Origin = "hold"  // set aside before the seal: in no batch
	AsideBuilding   Origin = "build" // set aside after it: in the batch, and in no file from the named one on
)

// Aside says which records of a window are set aside, and why. Without a file it is before the seal, and the batch will not
// have them; with one the batch has them, and neither this file nor a later one of the batch will.
type Aside struct {
	Window  int32
	Center  int16
	File    int64 // that leaves them out; 0: the window is not sealed yet
	At      time.Time
	Records []int64
	Reasons []string // in words, of each record
}

// setAside writes a reject of our own for each record. What was withdrawn, refused or set aside before is left as
// it is.
const setAside = `
WITH aside AS (
	INSERT INTO rejects (record_id, order_id, reply_id, amount, rejected_at, window_id, merchant_id, line, currency, kind, class, code,
		slice, origin, file_id, reason)
	SELECT r.record_id, r.order_id, 0, coalesce(c.amount, r.amount), $3, r.window_id, r.merchant_id, 0, r.currency, r.kind, 'aside', '',
		r.slice, $6, $4, u.reason
	FROM unnest($1::bigint[], $2::text[]) AS u (record_id, reason) JOIN records r ON r.window_id = $5 AND r.record_id = u.record_id
		LEFT JOIN LATERAL (SELECT amount FROM record_changes x
			WHERE (x.window_id, x.record_id, x.merchant_id) = (r.window_id, r.record_id, r.merchant_id) ORDER BY version DESC LIMIT 1) c ON true
	WHERE coalesce(c.amount, r.amount) > 0
	ON CONFLICT DO NOTHING
	RETURNING record_id, order_id, merchant_id, amount, currency, kind, reason
)
SELECT a.merchant_id, a.order_id, a.record_id, r.operation, a.kind, a.amount, a.currency, a.reason
FROM aside a JOIN records r ON (r.window_id, r.record_id, r.merchant_id) = ($5, a.record_id, a.merchant_id)`

// SetAside sets records aside within the caller's transaction and posts it: they stand among the refused ones, and are
// presented again or given up as these are. It returns how many it set aside. The caller holds the center's lock: exclusively,
// or shared and with it the order of each record.
func SetAside(ctx context.Context, tx pgx.Tx, book ledger.Book, a Aside) (int, error) {
	all, err := postgres.Collect[asideRecord](ctx, tx, setAside, a.Records, a.Reasons, a.At, a.File, a.Window, a.origin())
	if err != nil {
		return 0, fmt.Errorf("set %d records aside: %w", len(a.Records), err)
	}
	postings, opened := make([]ledger.Posting, len(all)), make([]breaks.Break, len(all))
	for i, r := range all {
		amount := money.Amount{Minor: r.Amount, Currency: money.Currency(r.Currency)}
		postings[i] = ledger.Posting{Key: ledger.Key{Merchant: r.Merchant, Source: ledger.FromRecord, SourceID: r.Record, Seq: r.Operation,
			Phase: ledger.PhaseVerdict}, Rule: asideRule(r.Kind, a.File > 0), Amount: r.Amount, Currency: amount.Currency, Center: a.Center, At: a.At}
		opened[i] = breaks.Break{Category: breaks.RecordAside, Fingerprint: breakOfRecord(r.Record), Center: a.Center, Merchant: r.Merchant,
			Order: r.Order, Amount: amount, Note: "record set aside: " + r.Reason}
	}
	if _, err := breaks.Open(ctx, tx, a.At, opened...); err != nil {
		return 0, err
	}
	return len(all), book.Post(ctx, tx, postings)
}

// asideRecord is a record that was set aside now.
type asideRecord struct {
	Merchant  int32 `db:"merchant_id"`
	Order     int64 `db:"order_id"`
	Record    int64 `db:"record_id"`
	Operation int16
	Kind      RecordKind
	Amount    int64
	Currency  int16
	Reason    string
}

// breakOfRecord is the fingerprint of the break of a record that was set aside.
func breakOfRecord(record int64) string {
	return fmt.Sprintf("%s/record/%d", breaks.RecordAside, record)
}

func (a *Aside) origin() Origin {
	if a.File == 0 {
		return AsideHeld
	}
	return AsideBuilding
}

func asideRule(kind RecordKind, sealed bool) ledger.Rule {
	switch {
	case kind == Sale && sealed:
		return ledger.SaleRejected
	case sealed:
		return ledger.CreditRejected
	case kind == Sale:
		return ledger.SaleSetAside
	}
	return ledger.CreditSetAside
}

// windowOfRecord finds the window of a record by the operations of its order. An operation that gave back several slices names
// its last record only; its window has them all.
const windowOfRecord = `
SELECT r.window_id FROM (SELECT DISTINCT window_id, merchant_id FROM operations WHERE merchant_id = $1 AND order_id = $2 AND window_id IS NOT NULL) o
	JOIN records r USING (window_id, merchant_id) WHERE r.record_id = $3 AND r.order_id = $2`

// plannedFile is the file that will hold a record. A build that is under way holds its row.
var plannedFile = spelled(`
SELECT f.file_id FROM records r JOIN batches b ON b.window_id = r.window_id AND b.currency = r.currency JOIN files f USING (batch_id)
WHERE r.window_id = $1 AND r.record_id = $2 AND r.merchant_id = $3 AND f.state = @FilePlanned FOR NO KEY UPDATE OF f SKIP LOCKED`)

// HoldRecord sets a record aside by a person's decision: before the seal of its window, or after it and before its file is
// built. It is presented again by Represent, or given up. ErrNotAside tells that it cannot be set aside now.
func (b *Books) HoldRecord(ctx context.Context, n RecordName, reason string) error {
	_, err := b.change(ctx, "hold record", n.Merchant, n.Order, func(w *work) error {
		var window int32
		if err := w.tx.QueryRow(ctx, windowOfRecord, n.Merchant, n.Order, n.Record).Scan(&window); err != nil {
			return fmt.Errorf("%w: record %d of order %d: %w", ErrNotFound, n.Record, n.Order, err)
		}
		file, err := w.fileToLeave(ctx, window, n)
		if err != nil {
			return err
		}
		held, err := SetAside(ctx, w.tx, b.ledger, Aside{Window: window, Center: w.center.ID, File: file, At: w.moment.at,
			Records: []int64{n.Record}, Reasons: []string{reason}})
		if err == nil && held == 0 {
			err = fmt.Errorf("%w: %d is withdrawn, refused or set aside already", ErrNotAside, n.Record)
		}
		return err
	})
	return err
}

// fileToLeave is the file that a record is not to stand in; 0 while its window is open.
func (w *work) fileToLeave(ctx context.Context, window int32, n RecordName) (file int64, err error) {
	var open bool
	err = w.tx.QueryRow(ctx, `SELECT state = $3 AND cutoff_at > $2 FROM windows WHERE window_id = $1`, window, w.moment.at, WindowOpen).Scan(&open)
	if err != nil || open {
		return 0, err
	}
	err = w.tx.QueryRow(ctx, plannedFile, window, n.Record, n.Merchant).Scan(&file)
	if isNotFound(err) {
		return 0, fmt.Errorf("%w: its window is closed and its file is built, or either is being done now", ErrNotAside)
	}
	return file, err
}

// closeAside closes the break of a record that was set aside, if it was.
func (w *work) closeAside(ctx context.Context, record int64) error {
	if err := breaks.Close(ctx, w.tx, w.moment.at, breaks.Where{Fingerprint: breakOfRecord(record)}, ""); err != nil {
		return fmt.Errorf("close break of record %d: %w", record, err)
	}
	return nil
}
