package clearing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"settled/internal/postgres"
	"settled/schedules"
	"settled/settle"

	"github.com/jackc/pgx/v5"
)

// planAhead is how many days ahead windows are made; planEvery how often a step looks.
const (
	planAhead = 14
	planEvery = time.Hour
)

// PlanWindows makes the window rows of the next 14 days of every center, those that do not exist yet. It never changes a
// row and makes none whose cut-off has passed. When a calendar ends within the 14 days, the days that it covers are
// planned and the error is schedules.ErrBeyondHorizon, naming the calendar. It returns the number of rows made.
func (n *Night) PlanWindows(ctx context.Context, now time.Time) (int, error) {
	return n.each(ctx, now, n.planCenter)
}

// plan is planCenter once an hour.
func (n *Night) plan(ctx context.Context, s *station, now time.Time) (int, error) {
	s.mu.Lock()
	recent := !s.planned.IsZero() && now.Sub(s.planned).Abs() < planEvery
	s.mu.Unlock()
	if recent {
		return 0, nil
	}
	return n.planCenter(ctx, s, now)
}

func (n *Night) planCenter(ctx context.Context, s *station, now time.Time) (int, error) {
	occurrences, short := s.ahead(now)
	made, err := n.insertWindows(ctx, s, occurrences)
	if err == nil {
		s.mu.Lock()
		s.planned = now
		s.mu.Unlock()
	}
	return made, errors.Join(err, short)
}

// farAhead is after every cut-off that is planned.
var farAhead = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// ahead are the occurrences of the next days whose cut-off is to come, as far as the calendar reaches; the error says that
// it does not reach far enough.
func (s *station) ahead(now time.Time) ([]schedules.Occurrence, error) {
	today := schedules.DateOf(now.In(s.Plan.Zone))
	from, to := today.AddDays(-2), today.AddDays(planAhead)
	horizon := s.Plan.Calendar.Horizon()
	var short error
	if horizon.Before(to) {
		short = fmt.Errorf("plan windows to %s: calendar %q ends %s: %w", to, s.Plan.Calendar.Name(), horizon, schedules.ErrBeyondHorizon)
		to = horizon
	}
	occurrences, err := s.Plan.Occurrences(from, to)
	if err != nil {
		return nil, fmt.Errorf("plan windows: %w", err)
	}
	return schedules.Due(occurrences, now, farAhead), short
}

const insertWindows = `
INSERT INTO windows (center_id, stream, business_date, window_no, cutoff_at, deadline_at)
SELECT $1, $2, * FROM unnest($3::date[], $4::smallint[], $5::timestamptz[], $6::timestamptz[])
ON CONFLICT DO NOTHING`

func (n *Night) insertWindows(ctx context.Context, s *station, occurrences []schedules.Occurrence) (made int, err error) {
	err = postgres.InTx(ctx, n.Pool, key("plan windows of %s", s.Name), func(tx pgx.Tx) error {
		made, err = insertPlanned(ctx, tx, s, occurrences)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("plan windows: %w", err)
	}
	if made > 0 {
		n.Log.InfoContext(ctx, "windows planned", "center", s.Name, "windows", made)
	}
	return made, nil
}

func insertPlanned(ctx context.Context, tx pgx.Tx, s *station, occurrences []schedules.Occurrence) (int, error) {
	var dates, cutoffs, deadlines []time.Time
	var numbers []int16
	for _, o := range occurrences {
		dates = append(dates, o.BusinessDate.UTC())
		numbers = append(numbers, int16(o.WindowNo))
		cutoffs = append(cutoffs, o.CutoffAt)
		deadlines = append(deadlines, o.DeadlineAt)
	}
	tag, err := tx.Exec(ctx, insertWindows, s.ID, s.Stream, dates, numbers, cutoffs, deadlines)
	return int(tag.RowsAffected()), err
}

// dropPlanned removes the windows after the one that is open now. None of them can hold a record.
const dropPlanned = `
WITH current AS (
	SELECT min(cutoff_at) AS cutoff_at FROM windows WHERE center_id = $1 AND stream = $2 AND state = 'open' AND cutoff_at > $3
)
DELETE FROM windows w USING current c
WHERE w.center_id = $1 AND w.stream = $2 AND w.state = 'open' AND w.cutoff_at > c.cutoff_at
	AND NOT EXISTS (SELECT FROM records r WHERE r.window_id = w.window_id)`

const lastCutoff = `SELECT max(cutoff_at) FROM windows WHERE center_id = $1 AND stream = $2`

// Replan makes the windows of a center anew after its calendar or its cut-offs were changed. The window that is open now
// stays as it is; those after it are dropped and planned again, under the center's lock. It returns the windows removed and
// made. Errors are those of PlanWindows.
func (n *Night) Replan(ctx context.Context, center int16) (removed, made int, err error) {
	s, err := n.station(center)
	if err != nil {
		return 0, 0, err
	}
	now := n.now()
	occurrences, short := s.ahead(now)
	if occurrences == nil && short != nil {
		return 0, 0, short
	}
	err = postgres.InTx(ctx, n.Pool, key("replan %s", s.Name), func(tx pgx.Tx) error {
		if err := settle.LockCenter(ctx, tx, s.ID); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, dropPlanned, s.ID, s.Stream, now)
		if err != nil {
			return err
		}
		removed = int(tag.RowsAffected())
		kept := now
		var last *time.Time
		if err := tx.QueryRow(ctx, lastCutoff, s.ID, s.Stream).Scan(&last); err != nil {
			return err
		}
		if last != nil && last.After(now) {
			kept = *last
		}
		made, err = insertPlanned(ctx, tx, s, schedules.Due(occurrences, kept, farAhead))
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("replan %s: %w", s.Name, err)
	}
	return removed, made, short
}
