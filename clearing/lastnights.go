package clearing

import (
	"context"
	"fmt"
	"time"

	"settled/clearing/states"
	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// LastNight is what became of the newest window of a center whose cut-off has come.
type LastNight struct {
	Center       string
	BusinessDate time.Time
	CutoffAt     time.Time
	State        states.WindowState
	SealedAt     *time.Time
	Batches      int
	Delivered    int        // batches with a file that the center has
	Replied      int        // batches with a verdict
	DeliveredAt  *time.Time // the last of them
}

// Between the cut-off of a window and the end of its night, batches lack files and files lack replies.
const lastNights = `
SELECT c.name AS center, w.business_date, w.cutoff_at, w.state, w.sealed_at, count(b.batch_id) AS batches,
	count(f.delivered_at) AS delivered, count(b.replied_at) AS replied, max(f.delivered_at) AS delivered_at
FROM centers c, LATERAL (SELECT * FROM windows x WHERE x.center_id = c.center_id AND cutoff_at <= $1 ORDER BY cutoff_at DESC LIMIT 1) w
	LEFT JOIN batches b USING (window_id)
	LEFT JOIN LATERAL (SELECT delivered_at FROM files f WHERE f.batch_id = b.batch_id ORDER BY build DESC LIMIT 1) f ON true
GROUP BY c.name, w.business_date, w.cutoff_at, w.state, w.sealed_at ORDER BY c.name`

// LastNights tells of each center that clears by file what became of its newest window whose cut-off has come by now.
func LastNights(ctx context.Context, q postgres.Querier, now time.Time) ([]LastNight, error) {
	rows, err := q.Query(ctx, lastNights, now)
	if err != nil {
		return nil, fmt.Errorf("read the last nights: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[LastNight])
	if err != nil {
		return nil, fmt.Errorf("read the last nights: %w", err)
	}
	return all, nil
}
