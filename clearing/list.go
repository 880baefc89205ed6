package clearing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"settled/clearing/files"
	"settled/clearing/rows"
	"settled/clearing/states"
	"settled/internal/listing"
	"settled/internal/money"

	"github.com/jackc/pgx/v5"
)

// ErrQuery is returned for a query that asks for something that does not exist.
var ErrQuery = errors.New("clearing: not understood")

// Query selects rows of a list; zero fields select all.
type Query struct {
	Center int16
	State  string
	From   time.Time // business date or instant, inclusive
	To     time.Time // exclusive
	Range  listing.Range
}

// asked is a query that was understood.
type asked struct {
	list  string
	limit int
	to    time.Time
	args  []any // center, state, from, to, the number to go on below (0: from the newest), one row more than the limit
}

// of understands a query of a list whose rows are numbered and stand in one of the states. Errors: ErrQuery, listing.ErrLimit,
// listing.ErrKey.
func (q Query) of(list string, states ...string) (a asked, err error) {
	if q.State != "" && !slices.Contains(states, q.State) {
		return a, fmt.Errorf("%w: the state %q is not one of %v", ErrQuery, q.State, states)
	}
	a.list = list
	if a.limit, err = q.Range.Rows(); err != nil {
		return a, err
	}
	var below int64
	if _, err := listing.ReadKey(q.Range.After, list, &below); err != nil {
		return a, err
	}
	if a.to = q.To; a.to.IsZero() {
		a.to = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	a.args = []any{q.Center, q.State, q.From, a.to, below, a.limit + 1}
	return a, nil
}

// part cuts what was read for a query.
func part[T any](a asked, read []T, number func(T) int64) listing.Part[T] {
	return listing.Cut(read, a.limit, func(row T) string { return listing.Key(a.list, number(row)) })
}

// The rows that a query selects, as its arguments say; lists end with the newest rows first, by their primary keys.
const (
	batchesAsked = `
WHERE ($1 = 0 OR b.center_id = $1) AND ($2 = '' OR b.state = $2) AND b.business_date >= $3 AND b.business_date < $4`
	batchSums = `SELECT b.currency, count(*) AS rows, sum(b.sales_amount)::bigint AS sales, sum(b.credits_amount)::bigint AS credits FROM batches b` +
		batchesAsked + ` GROUP BY b.currency ORDER BY b.currency`
	listBatches = batchesAsked + ` AND ($5 = 0 OR b.batch_id < $5) ORDER BY b.batch_id DESC LIMIT $6`
	listFiles   = files.Select + `
WHERE ($1 = 0 OR center_id = $1) AND ($2 = '' OR state = $2) AND planned_at >= $3 AND planned_at < $4
	AND ($5 = 0 OR file_id < $5) ORDER BY file_id DESC LIMIT $6`
	listReplies = selectReply + `
WHERE ($1 = 0 OR center_id = $1) AND ($2 = '' OR state = $2) AND fetched_at >= $3 AND fetched_at < $4
	AND ($5 = 0 OR reply_id < $5) ORDER BY reply_id DESC LIMIT $6`
)

// Batches lists batches by business date, newest first, with what the sales and the credits of all that are selected come to. A
// batch without records has no currency and no total.
func (n *Night) Batches(ctx context.Context, q Query) (batches listing.Part[Batch], totals []listing.Total, err error) {
	a, err := q.of("batch", states.OfBatches...)
	if err != nil {
		return batches, nil, err
	}
	err = pgx.BeginTxFunc(ctx, n.Pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		found, err := readBatches(ctx, tx, listBatches, a.args...)
		if err != nil {
			return err
		}
		batches = part(a, found, func(b Batch) int64 { return b.ID })
		totals, err = totalsOfBatches(ctx, tx, a)
		return err
	})
	return batches, totals, err
}

func totalsOfBatches(ctx context.Context, tx pgx.Tx, a asked) (totals []listing.Total, err error) {
	type row struct {
		Currency             money.Currency
		Rows, Sales, Credits int64
	}
	rows, err := tx.Query(ctx, batchSums, a.args[:4]...)
	if err != nil {
		return nil, fmt.Errorf("sum up batches: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[row])
	for _, r := range found {
		if r.Currency != 0 {
			totals = append(totals, listing.Total{Of: "sales", Currency: r.Currency, Rows: r.Rows, Amount: r.Sales},
				listing.Total{Of: "credits", Currency: r.Currency, Rows: r.Rows, Amount: r.Credits})
		}
	}
	return totals, err
}

// Files lists files by the time they were planned, newest first.
func (n *Night) Files(ctx context.Context, q Query) (listed listing.Part[files.File], err error) {
	a, err := q.of("file", states.OfFiles...)
	if err != nil {
		return listed, err
	}
	found, err := rows.Collect[files.File](ctx, n.Pool, listFiles, a.args...)
	return part(a, found, func(f files.File) int64 { return f.ID }), err
}

// Replies lists replies by the time they were fetched, newest first.
func (n *Night) Replies(ctx context.Context, q Query) (replies listing.Part[Reply], err error) {
	a, err := q.of("reply", states.OfReplies...)
	if err != nil {
		return replies, err
	}
	found, err := rows.Collect[Reply](ctx, n.Pool, listReplies, a.args...)
	return part(a, found, func(r Reply) int64 { return r.ID }), err
}
