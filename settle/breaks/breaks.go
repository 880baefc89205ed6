package breaks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"settled/internal/money"
	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// Break is a difference to open.
type Break struct {
	Category    Category
	Fingerprint string // what makes it one: a break with the same fingerprint is not opened again
	Center      int16
	Merchant    int32 // 0: of none
	Order       int64 // 0: of none
	Amount      money.Amount
	Note        string // in words, what each side says
}

// Opened is a break that was opened now.
type Opened struct {
	ID          int64 `db:"break_id"`
	Fingerprint string
	Note        string
}

const (
	insert    = `INSERT INTO breaks (category, fingerprint, center_id, merchant_id, order_ref, amount, currency, opened_at, note) `
	once      = ` ON CONFLICT (fingerprint) DO NOTHING`
	again     = ` ON CONFLICT (fingerprint) DO UPDATE SET closed_at = NULL WHERE breaks.closed_at IS NOT NULL`
	returning = ` RETURNING break_id, fingerprint, note`
)

const openGiven = insert + `
SELECT f.category, f.fingerprint, f.center_id, f.merchant_id, f.order_ref, f.amount, f.currency, $1, f.note
FROM unnest($2::text[], $3::text[], $4::smallint[], $5::int[], $6::bigint[], $7::bigint[], $8::smallint[], $9::text[])
	AS f (category, fingerprint, center_id, merchant_id, order_ref, amount, currency, note)`

// Open opens the breaks that are not there yet, and returns these.
func Open(ctx context.Context, q postgres.Querier, at time.Time, all ...Break) ([]Opened, error) {
	return open(ctx, q, once, at, all)
}

func open(ctx context.Context, q postgres.Querier, conflict string, at time.Time, all []Break) ([]Opened, error) {
	n := len(all)
	if n == 0 {
		return nil, nil
	}
	categories, prints, notes := make([]string, n), make([]string, n), make([]string, n)
	centers, merchants, orders := make([]int16, n), make([]int32, n), make([]int64, n)
	amounts, currencies := make([]int64, n), make([]int16, n)
	for i, b := range all {
		categories[i], prints[i], notes[i] = string(b.Category), b.Fingerprint, b.Note
		centers[i], merchants[i], orders[i] = b.Center, b.Merchant, b.Order
		amounts[i], currencies[i] = b.Amount.Minor, int16(b.Amount.Currency)
	}
	return opened(ctx, q, openGiven+conflict+returning, at, categories, prints, centers, merchants, orders, amounts, currencies, notes)
}

// endOthers closes what is open of a category under a fingerprint, but those with the fingerprints given.
const endOthers = `
UPDATE breaks SET closed_at = $1 WHERE closed_at IS NULL AND category = $2 AND starts_with(fingerprint, $3 || '/') AND fingerprint <> ALL ($4)`

// Keep makes the breaks that were found the open ones of their category under a fingerprint, which is the beginning of all of theirs: it opens
// those that are not open, again those that were closed, and closes the others. It returns those that it opened.
func Keep(ctx context.Context, w postgres.Execer, at time.Time, c Category, under string, found ...Break) ([]Opened, error) {
	prints := make([]string, len(found))
	for i, b := range found {
		prints[i] = b.Fingerprint
	}
	if _, err := w.Exec(ctx, endOthers, at, string(c), under, prints); err != nil {
		return nil, fmt.Errorf("close breaks: %w", err)
	}
	return open(ctx, w, again, at, found)
}

// OfNoMerchant are the columns of a query for [OpenEach] that finds breaks of no merchant, order and amount.
const OfNoMerchant = `0 AS merchant_id, 0 AS order_ref, 0 AS amount, 0 AS currency`

// OpenEach opens a break for each row of a query that has none yet, in one statement with the query, and returns these. The
// query gives the columns fingerprint, center_id, merchant_id, order_ref, amount, currency and note. Its parameters are $1, the
// category, and from $2 on those given here.
func OpenEach(ctx context.Context, q postgres.Querier, c Category, at time.Time, query string, args ...any) ([]Opened, error) {
	return openFound(ctx, q, once, c, at, query, args)
}

// ReopenEach is OpenEach, and opens the breaks again that were closed before.
func ReopenEach(ctx context.Context, q postgres.Querier, c Category, at time.Time, query string, args ...any) ([]Opened, error) {
	return openFound(ctx, q, again, c, at, query, args)
}

func openFound(ctx context.Context, q postgres.Querier, conflict string, c Category, at time.Time, query string, args []any) ([]Opened, error) {
	all := slices.Concat([]any{string(c)}, args, []any{at})
	sql := insert + fmt.Sprintf(`
SELECT $1::text, f.fingerprint, f.center_id, f.merchant_id, f.order_ref, f.amount, f.currency, $%d::timestamptz, f.note
FROM (`, len(all)) + query + `) f` + conflict + returning
	return opened(ctx, q, sql, all...)
}

func opened(ctx context.Context, q postgres.Querier, sql string, args ...any) ([]Opened, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("open breaks: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[Opened])
	if err != nil {
		return nil, fmt.Errorf("open breaks: %w", err)
	}
	return all, nil
}

// Where says which breaks are closed: those that are open and fit all that it says.
type Where struct {
	ID          int64    // this one; 0: any
	Fingerprint string   // this one; empty: any
	Under       string   // the one with this fingerprint, and those whose fingerprints go on behind it with a slash; empty: any
	Except      string   // not the one with this fingerprint; empty: none is left out
	Category    Category // of this category; empty: any
	Center      int16    // of this center; 0: any
}

// condition is what w says in SQL, and its parameters behind those given. Only what is said is asked, so that an index serves it.
func (w Where) condition(args []any) (string, []any) {
	sql := " WHERE closed_at IS NULL"
	say := func(said bool, condition string, value any) {
		if said {
			args = append(args, value)
			sql += " AND " + strings.ReplaceAll(condition, "?", fmt.Sprintf("$%d", len(args)))
		}
	}
	say(w.ID != 0, "break_id = ?", w.ID)
	say(w.Fingerprint != "", "fingerprint = ?", w.Fingerprint)
	say(w.Under != "", "(fingerprint = ? OR starts_with(fingerprint, ? || '/'))", w.Under)
	say(w.Except != "", "fingerprint <> ?", w.Except)
	say(w.Category != "", "category = ?", string(w.Category))
	say(w.Center != 0, "center_id = ?", w.Center)
	return sql, args
}

// Close closes breaks whose difference has ended, and adds to their notes how. A Where that names neither a break nor a
// category is an error: nobody closes all.
func Close(ctx context.Context, w postgres.Execer, at time.Time, which Where, how string) error {
	if which.ID == 0 && which.Fingerprint == "" && which.Under == "" && which.Category == "" {
		return errors.New("close breaks: nothing says which")
	}
	condition, args := which.condition([]any{at, how})
	if _, err := w.Exec(ctx, `UPDATE breaks SET closed_at = $1, note = note || $2`+condition, args...); err != nil {
		return fmt.Errorf("close breaks: %w", err)
	}
	return nil
}

// Waiting is how many breaks of a category are open, and since when the oldest of them is.
type Waiting struct {
	Category Category
	Count    int
	Since    time.Time
}

const waiting = `SELECT category, count(*)::int AS count, min(opened_at) AS since FROM breaks WHERE closed_at IS NULL GROUP BY category ORDER BY category`

// Count counts the open breaks of each category that has some, in the order of the categories.
func Count(ctx context.Context, q postgres.Querier) ([]Waiting, error) {
	rows, err := q.Query(ctx, waiting)
	if err != nil {
		return nil, fmt.Errorf("count breaks: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Waiting])
}
