package clearing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"settled/clearing/files"
	"settled/clearing/format"
	"settled/clearing/rows"
	"settled/clearing/store"
	"settled/internal/postgres"
	"settled/settle"
	"settled/settle/totals"
	"settled/settle/verdict"

	"github.com/jackc/pgx/v5"
)

// unwritten are the records that a build cannot write.
type unwritten struct {
	records []int64
	reasons []string
	sum     totals.Sum
	cards   int   // of these, for the card's sake
	written int64 // records that were
}

// leave notes a record that cannot be written. An error that is not about the record is returned.
func (u *unwritten) leave(r *store.Record, err error) error {
	var card *cardError
	switch {
	case errors.As(err, &card):
		u.cards++
	case !errors.Is(err, format.ErrRecord):
		return err
	}
	u.sum.Add(settle.RecordKind(r.Kind), 1, r.Amount)
	u.records, u.reasons = append(u.records, r.ID), append(u.reasons, err.Error())
	return nil
}

// cardError is about the card of one record.
type cardError struct{ error }

func (e *cardError) Unwrap() error { return e.error }

// asideOfFile are the records of a batch that stand in neither a file nor the ones built after it.
const asideOfFile = `
SELECT count(*) FILTER (WHERE kind = $5), coalesce(sum(amount) FILTER (WHERE kind = $5), 0)::bigint,
	count(*) FILTER (WHERE kind = $6), coalesce(sum(amount) FILTER (WHERE kind = $6), 0)::bigint
FROM rejects WHERE window_id = $1 AND currency = $2 AND origin = $4 AND file_id <= $3`

// without is a batch as a file of it holds it: without the records that were set aside by then.
func (b Batch) without(ctx context.Context, q postgres.Querier, file int64) (Batch, error) {
	aside, err := rows.One[totals.Sum](ctx, q, asideOfFile, b.Window, int16(b.Currency), file, settle.AsideBuilding, settle.Sale, settle.Credit)
	if err != nil {
		return Batch{}, fmt.Errorf("read what is left out of batch %d: %w", b.ID, err)
	}
	b.Sum = b.Minus(aside)
	return b, nil
}

// setAside leaves records out of a file. It takes the center's lock, as a verdict does, for the last statements of a build: a
// cancel sees either all of it or nothing, and credits of sales that were made just before become breaks.
func (n *Night) setAside(ctx context.Context, tx pgx.Tx, s *station, b Batch, f files.File, u *unwritten, now time.Time) error {
	if len(u.records) == 0 {
		return nil
	}
	if err := settle.LockCenter(ctx, tx, s.ID); err != nil {
		return err
	}
	_, err := settle.SetAside(ctx, tx, n.Ledger, settle.Aside{Window: b.Window, Center: s.ID, File: f.ID, At: now, Records: u.records, Reasons: u.reasons})
	if err != nil {
		return err
	}
	return verdict.BreakCredits(ctx, tx, s.ID, b.Window, 0, now)
}

const recordsWithoutContract = `
SELECT record_id FROM records WHERE window_id = $1 AND merchant_id = $2 AND contract_id = $3 ORDER BY record_id`

// setAsideUncontracted sets the records aside whose merchants never had a contract with the center: they have no prices.
func (n *Night) setAsideUncontracted(ctx context.Context, tx pgx.Tx, s *station, window int32, held []totals.Total, now time.Time) ([]totals.Total, error) {
	priced := func(t totals.Total) bool { return t.Interchange >= 0 }
	if !slices.ContainsFunc(held, func(t totals.Total) bool { return !priced(t) }) {
		return held, nil
	}
	if err := settle.LockCenter(ctx, tx, s.ID); err != nil {
		return nil, err
	}
	for _, t := range held {
		if priced(t) {
			continue
		}
		records, err := rows.Collect[oneID](ctx, tx, recordsWithoutContract, window, t.Merchant, t.Contract)
		if err != nil {
			return nil, fmt.Errorf("find records of merchant %d: %w", t.Merchant, err)
		}
		a := settle.Aside{Window: window, Center: s.ID, At: now}
		for _, r := range records {
			a.Records, a.Reasons = append(a.Records, r.ID), append(a.Reasons, fmt.Sprintf("%v: %d", ErrContract, t.Merchant))
		}
		held, err := settle.SetAside(ctx, tx, n.Ledger, a)
		if err != nil {
			return nil, err
		}
		n.page(ctx, s, pageRecordsAside, "window", window, "merchant", t.Merchant, "records", held, "reason", ErrContract)
	}
	return totals.Of(ctx, tx, window, s.ID)
}

type oneID struct{ ID int64 }

// reportAside pages what a build left out, with the reasons that differ.
func (n *Night) reportAside(ctx context.Context, s *station, f files.File, u *unwritten) {
	if len(u.records) == 0 {
		return
	}
	n.metrics.records.WithLabelValues(s.Name, "aside", "aside").Add(float64(len(u.records)))
	const shown = 5
	n.page(ctx, s, pageRecordsAside, "file", f.Name, "records", len(u.records), "reasons", strings.Join(u.reasons[:min(len(u.reasons), shown)], "; "))
}
