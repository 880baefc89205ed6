package work

import (
	"context"
	"fmt"
	"time"

	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

const livingWorkers = `SELECT count(*) FROM leases WHERE name LIKE $1 || '%' AND until > clock_timestamp()`

// Living counts the workers whose lease stands.
func Living(ctx context.Context, q postgres.Querier) (living int, err error) {
	if err = q.QueryRow(ctx, livingWorkers, workerLease).Scan(&living); err != nil {
		return 0, fmt.Errorf("count workers: %w", err)
	}
	return living, nil
}

// Standing is how a recurring job stands in the rows.
type Standing struct {
	Name   string
	NextAt time.Time
	LastOK *time.Time `db:"last_ok_at"` // when it last ended without an error
	Fault  string     // of its last run that ended; empty: none
}

const schedulesNow = `
SELECT name, next_at, last_ok_at, coalesce((SELECT error FROM schedule_runs r WHERE r.name = s.name AND finished_at IS NOT NULL
	ORDER BY due_at DESC LIMIT 1), '') AS fault FROM schedules s`

// Schedules tells how the recurring jobs stand that were ever begun, by name.
func Schedules(ctx context.Context, q postgres.Querier) (map[string]Standing, error) {
	rows, err := q.Query(ctx, schedulesNow)
	if err != nil {
		return nil, fmt.Errorf("read schedules: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[Standing])
	if err != nil {
		return nil, fmt.Errorf("read schedules: %w", err)
	}
	jobs := map[string]Standing{}
	for _, s := range all {
		jobs[s.Name] = s
	}
	return jobs, nil
}
