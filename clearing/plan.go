package clearing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"settled/internal/postgres"
	"settled/schedules"

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
		return 0, fmt.Errorf("plan windows: %w", err)
	}
	made, err := n.insertWindows(ctx, s, schedules.Due(occurrences, now, to.AddDays(3).UTC()))
	if err == nil {
		s.mu.Lock()
		s.planned = now
		s.mu.Unlock()
	}
	return made, errors.Join(err, short)
}

const insertWindows = `
INSERT INTO windows (center_id, stream, business_date, window_no, cutoff_at, deadline_at)
SELECT $1, $2, * FROM unnest($3::date[], $4::smallint[], $5::timestamptz[], $6::timestamptz[])
ON CONFLICT DO NOTHING`

func (n *Night) insertWindows(ctx context.Context, s *station, occurrences []schedules.Occurrence) (int, error) {
	var dates, cutoffs, deadlines []time.Time
	var numbers []int16
	for _, o := range occurrences {
		dates = append(dates, o.BusinessDate.UTC())
		numbers = append(numbers, int16(o.WindowNo))
		cutoffs = append(cutoffs, o.CutoffAt)
		deadlines = append(deadlines, o.DeadlineAt)
	}
	var made int64
	err := postgres.InTx(ctx, n.Pool, key("plan windows of %s", s.Name), func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, insertWindows, s.ID, s.Stream, dates, numbers, cutoffs, deadlines)
		made = tag.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("plan windows: %w", err)
	}
	if made > 0 {
		n.Log.InfoContext(ctx, "windows planned", "center", s.Name, "windows", made)
	}
	return int(made), nil
}
