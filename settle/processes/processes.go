package processes

import (
	"context"
	"fmt"
	"time"

	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Process is what a process says of itself.
type Process struct {
	Name    string // of host and number: alike in no two
	Content string // of the configuration that it has
	Since   time.Time
	Refused bool // its configuration file says what it does not take up
}

const (
	note = `
INSERT INTO processes (process, content, taken_at, refused, seen_at) VALUES ($1, $2, $3, $4, clock_timestamp())
ON CONFLICT (process) DO UPDATE SET content = excluded.content, taken_at = excluded.taken_at, refused = excluded.refused, seen_at = excluded.seen_at`
	forget = `DELETE FROM processes WHERE process = $1 OR seen_at < clock_timestamp() - interval '1 day'`
	list   = `
SELECT process, content, taken_at, refused FROM processes WHERE seen_at > clock_timestamp() - interval '1 minute' ORDER BY process`
)

// Note writes that a process works.
func Note(ctx context.Context, pool *pgxpool.Pool, p Process) error {
	if _, err := pool.Exec(ctx, note, p.Name, p.Content, p.Since, p.Refused); err != nil {
		return fmt.Errorf("note process %s: %w", p.Name, err)
	}
	return nil
}

// Forget writes that a process ends, and forgets those that ended without a word a day ago.
func Forget(ctx context.Context, pool *pgxpool.Pool, name string) error {
	if _, err := pool.Exec(ctx, forget, name); err != nil {
		return fmt.Errorf("forget process %s: %w", name, err)
	}
	return nil
}

// Working are the processes that said within a minute that they work, by their names.
func Working(ctx context.Context, q postgres.Querier) ([]Process, error) {
	rows, err := q.Query(ctx, list)
	if err != nil {
		return nil, fmt.Errorf("read processes: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p Process, err error) {
		return p, row.Scan(&p.Name, &p.Content, &p.Since, &p.Refused)
	})
	if err != nil {
		return nil, fmt.Errorf("read processes: %w", err)
	}
	return all, nil
}
