package clearing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"settled/clearing/rows"
	"settled/internal/postgres"
	"settled/schedules"
	"settled/settle"

	"github.com/jackc/pgx/v5"
)

// PlanAhead is how many days ahead windows are made; planEvery is how often a step looks.
const (
	PlanAhead = 14
	planEvery = time.Hour
)

// CalendarWarning is how many days before its end a calendar is told of. RunOut is how near the last cut-off that is planned may
// come before a person is called: card payments at the center are refused from it on.
const (
	CalendarWarning = 30
	RunOut          = 3 * 24 * time.Hour
)

// PlanWindows makes the window rows of the next 14 days of every center, after the last one that exists. It never changes a
// row, makes none whose cut-off has passed, and none between others: what differs from the plan is told, and changed by Replan
// only. When a calendar ends within the 14 days, the days that it covers are planned and the error is
// schedules.ErrBeyondHorizon, naming the calendar. It returns the number of rows made.
func (n *Night) PlanWindows(ctx context.Context, now time.Time) (int, error) {
	return n.each(ctx, now, n.planCenter)
}

// plan is planCenter once an hour. A calendar that ends was paged and does not stop the steps after it.
func (n *Night) plan(ctx context.Context, s *station, now time.Time) (int, error) {
	s.mu.Lock()
	recent := !s.planned.IsZero() && now.Sub(s.planned).Abs() < planEvery
	s.mu.Unlock()
	if recent {
		return 0, nil
	}
	made, err := n.planCenter(ctx, s, now)
	if errors.Is(err, schedules.ErrBeyondHorizon) {
		err = nil
	}
	return made, err
}

func (n *Night) planCenter(ctx context.Context, s *station, now time.Time) (int, error) {
	occurrences, short := s.ahead(now)
	if short != nil && !errors.Is(short, schedules.ErrBeyondHorizon) {
		return 0, short
	}
	made, err := n.appendWindows(ctx, s, occurrences, now)
	if err == nil {
		s.mu.Lock()
		s.planned = now
		s.mu.Unlock()
		err = n.watchPlan(ctx, s, now)
	}
	return made, errors.Join(err, short)
}

// ahead are the occurrences of the next days whose cut-off is to come, as far as the calendar reaches; the error says that
// it does not reach far enough.
func (s *station) ahead(now time.Time) ([]schedules.Occurrence, error) {
	return s.until(now, schedules.DateOf(now.In(s.Plan.Zone)).AddDays(PlanAhead))
}

const lastWindow = selectWindow + `WHERE center_id = $1 AND stream = $2 ORDER BY cutoff_at DESC LIMIT 1`

// appendWindows makes the windows that follow the last one, under the center's lock: a replan that is under way has its own.
func (n *Night) appendWindows(ctx context.Context, s *station, occurrences []schedules.Occurrence, now time.Time) (made int, err error) {
	if after, err := following(ctx, n.Pool, s, occurrences); err != nil || len(after) == 0 {
		return 0, err
	}
	err = postgres.InTx(ctx, n.Pool, rows.Key("plan windows of %s", s.Name), func(tx pgx.Tx) error {
		if err := rows.ByIndex(ctx, tx); err != nil {
			return err
		}
		if err := settle.LockCenter(ctx, tx, s.ID); err != nil {
			return err
		}
		made, err = n.appendLocked(ctx, tx, s, occurrences, nil, now)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("plan windows: %w", err)
	}
	n.Log.InfoContext(ctx, "windows planned", slog.String("center", s.Name), slog.Int("windows", made))
	return made, nil
}

func (n *Night) appendLocked(ctx context.Context, tx pgx.Tx, s *station, occurrences []schedules.Occurrence, replan *int32, now time.Time) (int, error) {
	after, err := following(ctx, tx, s, occurrences)
	if err != nil {
		return 0, err
	}
	return insertPlanned(ctx, tx, s, after, replan, now)
}

// following are the occurrences that come after the last window, by cut-off and by business date.
func following(ctx context.Context, q postgres.Querier, s *station, occurrences []schedules.Occurrence) ([]schedules.Occurrence, error) {
	last, err := rows.One[Window](ctx, q, lastWindow, s.ID, s.Stream)
	if rows.Missing(err) {
		return occurrences, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the last window: %w", err)
	}
	return slices.DeleteFunc(slices.Clone(occurrences), func(o schedules.Occurrence) bool {
		days := o.BusinessDate.Compare(schedules.DateOf(last.BusinessDate))
		return !o.CutoffAt.After(last.CutoffAt) || days < 0 || days == 0 && o.WindowNo <= int(last.No)
	}), nil
}

const insertWindows = `
INSERT INTO windows (center_id, stream, business_date, window_no, cutoff_at, deadline_at, calendar, planned_at, replan_id)
SELECT $1, $2, u.*, $7, $8, $9 FROM unnest($3::date[], $4::smallint[], $5::timestamptz[], $6::timestamptz[]) u`

func insertPlanned(ctx context.Context, tx pgx.Tx, s *station, occurrences []schedules.Occurrence, replan *int32, now time.Time) (int, error) {
	var dates, cutoffs, deadlines []time.Time
	var numbers []int16
	for _, o := range occurrences {
		dates = append(dates, o.BusinessDate.UTC())
		numbers = append(numbers, int16(o.WindowNo))
		cutoffs = append(cutoffs, o.CutoffAt)
		deadlines = append(deadlines, o.DeadlineAt)
	}
	tag, err := tx.Exec(ctx, insertWindows, s.ID, s.Stream, dates, numbers, cutoffs, deadlines, s.Plan.Calendar.Name(), now, replan)
	return int(tag.RowsAffected()), err
}

// watchPlan tells what is wrong with the windows to come: that they differ from the plan, that the calendar ends, and that they
// run out.
func (n *Night) watchPlan(ctx context.Context, s *station, now time.Time) error {
	l, err := n.layout(ctx, n.Pool, s, now, time.Time{})
	if err != nil {
		return err
	}
	if first := l.difference(); first != "" {
		n.Log.WarnContext(ctx, "planned windows differ from the calendar", slog.String("center", s.Name), slog.Int("windows", l.differing()), slog.String("first", first), slog.String("mend", replanCommand(s)))
	}
	switch days := s.calendarEnds(now); {
	case days < PlanAhead:
		n.page(ctx, s, pageCalendarEnds, "calendar", s.Plan.Calendar.Name(), "ends", s.Plan.Calendar.Horizon().String())
	case days < CalendarWarning:
		n.Log.WarnContext(ctx, "a calendar ends soon", slog.String("center", s.Name), slog.String("calendar", s.Plan.Calendar.Name()), slog.String("ends", s.Plan.Calendar.Horizon().String()), slog.Int("days", days))
	}
	if last := l.end(); last.Sub(now) < RunOut {
		n.page(ctx, s, pageWindowsRunOut, "refused_from", last)
	}
	return nil
}
