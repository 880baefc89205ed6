package retention

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// Run is what one run erased of one sweep.
type Run struct {
	Name
	At     time.Time  `json:"run_at"`
	Days   int        `json:"days"`
	Before time.Time  `json:"before"` // what was last of use before was due
	Erased int64      `json:"erased"`
	Bytes  int64      `json:"bytes"`
	Ended  bool       `json:"ended"` // else it was cut off, and the next one went on
	Held   []Standing `json:"held"`  // what was due at its end, and still needed
}

const (
	insertErased = `INSERT INTO erasures (run_at, class, subject, days, before, erased, bytes) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	insertEnd    = `INSERT INTO erasures (run_at, class, subject, days, before, erased, bytes, held, left_from) VALUES ($1, $2, $3, $4, $5, 0, 0, $6, $7)`
	selectLeft   = `SELECT left_from FROM erasures WHERE class = $1 AND subject = $2 AND held IS NOT NULL ORDER BY erasure_id DESC LIMIT 1`
	selectRuns   = `
SELECT class, subject, run_at, days, before, sum(erased)::bigint, sum(bytes)::bigint, bool_or(held IS NOT NULL),
	coalesce((array_agg(held) FILTER (WHERE held IS NOT NULL))[1], '[]')
FROM erasures WHERE run_at >= $1 GROUP BY 1, 2, 3, 4, 5 ORDER BY run_at, min(erasure_id)`
)

// note notes a batch in its own transaction.
func (r *run) note(ctx context.Context, tx pgx.Tx, b Batch) error {
	if _, err := tx.Exec(ctx, insertErased, r.At, string(r.Class), r.Subject, r.Days, r.Before, b.Erased, b.Bytes); err != nil {
		return fmt.Errorf("note what was erased: %w", err)
	}
	return nil
}

func (r *run) noteEnd(ctx context.Context, tx pgx.Tx, left time.Time) error {
	held, err := json.Marshal(r.Held)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, insertEnd, r.At, string(r.Class), r.Subject, r.Days, r.Before, string(held), left); err != nil {
		return fmt.Errorf("note end of run: %w", err)
	}
	return nil
}

// leftFrom is how far back anything of a sweep may be left.
func leftFrom(ctx context.Context, q postgres.Querier, n Name) (from time.Time, err error) {
	err = q.QueryRow(ctx, selectLeft, string(n.Class), n.Subject).Scan(&from)
	if isNone(err) {
		return time.Time{}, nil
	}
	if err != nil {
		return from, fmt.Errorf("read how far %s %s were erased: %w", n.Class, n.Subject, err)
	}
	return from, nil
}

// Runs returns what was erased since an instant, run by run, the oldest first.
func (k *Keeper) Runs(ctx context.Context, since time.Time) ([]Run, error) {
	rows, err := k.Pool.Query(ctx, selectRuns, since)
	if err != nil {
		return nil, fmt.Errorf("read what was erased: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r Run, err error) {
		err = row.Scan(&r.Class, &r.Subject, &r.At, &r.Days, &r.Before, &r.Erased, &r.Bytes, &r.Ended, &r.Held)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("read what was erased: %w", err)
	}
	return all, nil
}
