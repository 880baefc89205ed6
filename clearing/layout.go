package clearing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"settled/clearing/rows"
	"settled/clearing/states"
	"settled/internal/postgres"
	"settled/schedules"

	"github.com/jackc/pgx/v5"
)

// PlannedWindow is a window beside what the present configuration plans.
type PlannedWindow struct {
	Window
	OpensAt   *time.Time `json:"opens_at,omitempty"`   // the cut-off before its own
	Calendar  string     `json:"calendar,omitempty"`   // what planned it; empty: not known, or cut by hand
	PlannedAt *time.Time `json:"planned_at,omitempty"` // when
	Replan    *int32     `json:"replan,omitempty"`     // the replan that made it
	Records   int64      `json:"records"`
	Differs   string     `json:"differs,omitempty"` // how it differs from the plan
	Stays     string     `json:"stays,omitempty"`   // why no replan changes it
}

// lookBack is how far back windows are read whose numbers a replan must not take again. Windows of a business date lie within
// three days.
const lookBack = 7 * 24 * time.Hour

// Whether a window holds a record is asked for by the first one in order, which is one step of an index however large the table is.
var (
	selectPlanned = `
SELECT w.window_id, w.center_id, w.stream, w.business_date, w.window_no, w.cutoff_at, w.deadline_at, w.state, w.sealed_at,
	(SELECT max(cutoff_at) FROM windows b WHERE b.center_id = w.center_id AND b.stream = w.stream AND b.cutoff_at < w.cutoff_at) AS opens_at,
	w.calendar, w.planned_at, w.replan_id, `
	plannedToCome = selectPlanned + `((SELECT r.record_id FROM records r WHERE r.window_id = w.window_id ORDER BY r.record_id LIMIT 1) IS NOT NULL)::int::bigint
FROM windows w WHERE center_id = $1 AND stream = $2 AND (cutoff_at > $3 OR state IN ` + states.NotSealed + `) ORDER BY cutoff_at`
	plannedOfDays = selectPlanned + `(SELECT count(*) FROM records r WHERE r.window_id = w.window_id)
FROM windows w WHERE center_id = $1 AND stream = $2 AND business_date >= $3 AND business_date < $4 ORDER BY cutoff_at LIMIT $5`
)

func readPlanned(ctx context.Context, q postgres.Querier, sql string, args ...any) ([]PlannedWindow, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p PlannedWindow, err error) {
		err = row.Scan(&p.ID, &p.Center, &p.Stream, &p.BusinessDate, &p.No, &p.CutoffAt, &p.DeadlineAt, &p.State, &p.SealedAt,
			&p.OpensAt, &p.Calendar, &p.PlannedAt, &p.Replan, &p.Records)
		return p, err
	})
}

// layout is the windows of a center to come beside what the configuration plans for them.
type layout struct {
	windows []PlannedWindow        // those of a week ago too, in order of their cut-offs
	fixed   int                    // the first ones, which never change
	made    []schedules.Occurrence // are planned and not there
	removed []PlannedWindow        // are there and not planned
	short   error                  // the calendar ends before the last window
}

// layout reads the windows of a center and compares those from a business date on; the zero time means all.
func (n *Night) layout(ctx context.Context, q postgres.Querier, s *station, now, from time.Time) (layout, error) {
	windows, err := readPlanned(ctx, q, plannedToCome, s.ID, s.Stream, now.Add(-lookBack))
	if err != nil {
		return layout{}, fmt.Errorf("read windows of %s: %w", s.Name, err)
	}
	return s.compare(windows, now, from)
}

// compare finds which windows never change and how the others differ from the plan. Windows are the same when business date,
// cut-off and deadline are: the number only tells those of a date apart.
func (s *station) compare(windows []PlannedWindow, now, from time.Time) (layout, error) {
	l := layout{windows: windows}
	if len(windows) == 0 {
		return l, nil
	}
	l.fix(now, schedules.DateOf(from))
	end := schedules.DateOf(windows[len(windows)-1].BusinessDate)
	planned, err := s.until(now, end)
	if err != nil && !errors.Is(err, schedules.ErrBeyondHorizon) {
		return l, err
	}
	l.short = err
	for i := range l.windows {
		l.judge(i, s, planned, now)
	}
	for _, o := range l.free(planned) {
		if !slices.ContainsFunc(l.windows[l.fixed:], func(w PlannedWindow) bool { return w.is(o) }) {
			l.made = append(l.made, o)
		}
	}
	l.number()
	return l, nil
}

// fix finds the windows that never change: those whose cut-off has passed, that are sealed or hold records, whose
// business date is before the one from which on is planned, and all before them.
func (l *layout) fix(now time.Time, from schedules.Date) {
	for i := len(l.windows) - 1; i >= 0; i-- {
		w := &l.windows[i]
		switch {
		case w.State != states.WindowOpen:
			w.Stays = "it is " + string(w.State)
		case !w.CutoffAt.After(now):
			w.Stays = "its cut-off has passed"
		case w.Records > 0:
			w.Stays = "it holds records"
		case schedules.DateOf(w.BusinessDate).Before(from):
			w.Stays = "its business date is before " + from.String()
		case l.fixed > 0:
			w.Stays = "a later window does not change"
		}
		if w.Stays != "" {
			l.fixed = max(l.fixed, i+1)
		}
	}
}

// judge says how a window to come differs from the plan. Beyond the end of the calendar nothing is planned, and nothing differs.
func (l *layout) judge(i int, s *station, planned []schedules.Occurrence, now time.Time) {
	w := &l.windows[i]
	date := schedules.DateOf(w.BusinessDate)
	if !w.CutoffAt.After(now) || date.After(s.Plan.Calendar.Horizon()) || slices.ContainsFunc(planned, w.is) {
		return
	}
	w.Differs = "is not planned"
	for _, o := range planned {
		if o.BusinessDate == date && (o.WindowNo == int(w.No) || w.Differs == "is not planned") {
			w.Differs = "planned with cut-off " + o.CutoffAt.Format(time.RFC3339) + ", deadline " + o.DeadlineAt.Format(time.RFC3339)
		}
	}
	if i >= l.fixed {
		l.removed = append(l.removed, *w)
	}
}

func (w PlannedWindow) is(o schedules.Occurrence) bool {
	return schedules.DateOf(w.BusinessDate) == o.BusinessDate && w.CutoffAt.Equal(o.CutoffAt) && w.DeadlineAt.Equal(o.DeadlineAt)
}

// free are the occurrences that a replan may make: after the last window that does not change, by cut-off and by business date.
func (l *layout) free(planned []schedules.Occurrence) []schedules.Occurrence {
	if l.fixed == 0 {
		return planned
	}
	last := l.windows[l.fixed-1]
	return slices.DeleteFunc(slices.Clone(planned), func(o schedules.Occurrence) bool {
		return !o.CutoffAt.After(last.CutoffAt) || o.BusinessDate.Before(schedules.DateOf(last.BusinessDate))
	})
}

// number gives a window that is to be made a number that no window of its date has which stays.
func (l *layout) number() {
	taken := map[schedules.Date][]int{}
	for _, w := range l.windows {
		if !slices.ContainsFunc(l.removed, func(r PlannedWindow) bool { return r.ID == w.ID }) {
			date := schedules.DateOf(w.BusinessDate)
			taken[date] = append(taken[date], int(w.No))
		}
	}
	for i := range l.made {
		o := &l.made[i]
		if used := taken[o.BusinessDate]; slices.Contains(used, o.WindowNo) {
			o.WindowNo = slices.Max(used) + 1
		}
		taken[o.BusinessDate] = append(taken[o.BusinessDate], o.WindowNo)
	}
}

// differing is how many windows a replan would remove and make.
func (l *layout) differing() int { return len(l.removed) + len(l.made) }

// difference tells the first one in words; empty when there is none.
func (l *layout) difference() string {
	switch {
	case len(l.removed) > 0:
		w := l.removed[0]
		return fmt.Sprintf("window %d of %s, cut-off %s: %s", w.No, w.BusinessDate.Format(time.DateOnly), w.CutoffAt.UTC().Format(time.RFC3339), w.Differs)
	case len(l.made) > 0:
		o := l.made[0]
		return fmt.Sprintf("window %d of %s, cut-off %s: is planned and not there", o.WindowNo, o.BusinessDate, o.CutoffAt.UTC().Format(time.RFC3339))
	}
	return ""
}

// end is the last cut-off of an open window, from which on payments are refused; zero when there is none.
func (l *layout) end() time.Time {
	for i := len(l.windows) - 1; i >= 0; i-- {
		if l.windows[i].State == states.WindowOpen {
			return l.windows[i].CutoffAt
		}
	}
	return time.Time{}
}

// farAhead is after every cut-off that is planned.
var farAhead = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// until are the occurrences of business dates until to whose cut-off is to come. Errors: schedules.ErrBeyondHorizon beside those
// that the calendar covers, and what is wrong with the plan.
func (s *station) until(now time.Time, to schedules.Date) ([]schedules.Occurrence, error) {
	from, horizon := schedules.DateOf(now.In(s.Plan.Zone)).AddDays(-2), s.Plan.Calendar.Horizon()
	var short error
	if horizon.Before(to) {
		short = fmt.Errorf("plan windows of %s to %s: calendar %q ends %s: %w", s.Name, to, s.Plan.Calendar.Name(), horizon, schedules.ErrBeyondHorizon)
		to = horizon
	}
	occurrences, err := s.Plan.Occurrences(from, to)
	if err != nil && !(short != nil && errors.Is(err, schedules.ErrBeyondHorizon)) {
		return nil, fmt.Errorf("plan windows of %s: %w", s.Name, err)
	}
	return schedules.Due(occurrences, now, farAhead), short
}

// PlannedWindows lists the windows of the centers that clear by file, by cut-off, each beside what the configuration plans, at
// most a thousand of a center. Of a query Center, From and To count, which are business dates.
func (n *Night) PlannedWindows(ctx context.Context, q Query) (all []PlannedWindow, err error) {
	a, err := q.of("window")
	if err != nil {
		return nil, err
	}
	for _, s := range n.centers {
		if q.Center != 0 && q.Center != s.ID {
			continue
		}
		windows, err := n.counted(ctx, s.ID, s.Stream, q.From, a.to, a.limit)
		if err != nil {
			return nil, fmt.Errorf("read windows of %s: %w", s.Name, err)
		}
		l, err := n.layout(ctx, n.Pool, s, n.now(), time.Time{})
		if err != nil {
			return nil, err
		}
		for i := range windows {
			if k := slices.IndexFunc(l.windows, func(w PlannedWindow) bool { return w.ID == windows[i].ID }); k >= 0 {
				windows[i].Differs, windows[i].Stays = l.windows[k].Differs, l.windows[k].Stays
			}
		}
		all = append(all, windows...)
	}
	return all, nil
}

// counted reads windows with the numbers of their records.
func (n *Night) counted(ctx context.Context, args ...any) ([]PlannedWindow, error) {
	tx, err := n.Pool.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if err := rows.ByIndex(ctx, tx); err != nil {
		return nil, err
	}
	return readPlanned(ctx, tx, plannedOfDays, args...)
}

// PlanState is how the windows of a center stand.
type PlanState struct {
	Center    string
	Stream    string
	Calendar  string
	Ends      schedules.Date // of the calendar
	Days      int            // until then; below 0: it has ended
	Last      time.Time      // the last cut-off that is planned, from which on card payments are refused; zero: none is
	Differing int            // windows that a replan would remove or make
	First     string         // of these, in words
	Mend      string         // the command that plans them anew
}

// PlanStates tells how the windows of each center stand at an instant.
func (n *Night) PlanStates(ctx context.Context, now time.Time) (all []PlanState, err error) {
	for _, s := range n.centers {
		state, err := n.planState(ctx, s, now)
		if err != nil {
			return nil, err
		}
		all = append(all, state)
	}
	return all, nil
}

func (n *Night) planState(ctx context.Context, s *station, now time.Time) (PlanState, error) {
	l, err := n.layout(ctx, n.Pool, s, now, time.Time{})
	return PlanState{Center: s.Name, Stream: s.Stream, Calendar: s.Plan.Calendar.Name(), Ends: s.Plan.Calendar.Horizon(), Days: s.calendarEnds(now),
		Last: l.end(), Differing: l.differing(), First: l.difference(), Mend: replanCommand(s)}, err
}

// calendarEnds is in how many days the calendar of the center ends; below 0 it has ended.
func (s *station) calendarEnds(now time.Time) int {
	return s.Plan.Calendar.Horizon().DaysSince(schedules.DateOf(now.In(s.Plan.Zone)))
}

// replanCommand mends windows that differ from the plan.
func replanCommand(s *station) string {
	return fmt.Sprintf("settled window replan --center %s --reason ...", s.Name)
}
