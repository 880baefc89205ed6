package schedules_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"settled/schedules"
)

func window(t testing.TB, no int, cutoff, deadline string, offset int, days schedules.Days) schedules.Window {
	t.Helper()
	return schedules.Window{No: no, Cutoff: clock(t, cutoff), Deadline: clock(t, deadline), DayOffset: offset, Days: days}
}

// row is an occurrence as an operator reads it, on the clock of the center.
type row struct{ BusinessDate, OpensAt, CutoffAt, DeadlineAt string }

func rows(occurrences []schedules.Occurrence) []row {
	const layout = "Mon 01-02 15:04 -07"
	var all []row
	for _, o := range occurrences {
		all = append(all, row{o.BusinessDate.String(), o.OpensAt.Format(layout), o.CutoffAt.Format(layout), o.DeadlineAt.Format(layout)})
	}
	return all
}

func TestOccurrencesOverARest(t *testing.T) {
	plan := schedules.Plan{
		Zone: location(t, "Europe/Minsk"), Calendar: minskSpring(t),
		Windows: []schedules.Window{
			window(t, 1, "12:00", "12:30", 0, schedules.BusinessDays),
			window(t, 2, "23:30", "00:15", 0, schedules.BusinessDays),
		},
	}
	got, err := plan.Occurrences(date(t, "2026-04-17"), date(t, "2026-04-22"))
	if err != nil {
		t.Fatal(err)
	}
	want := []row{
		{"2026-04-17", "Thu 04-16 23:30 +03", "Fri 04-17 12:00 +03", "Fri 04-17 12:30 +03"},
		{"2026-04-17", "Fri 04-17 12:00 +03", "Fri 04-17 23:30 +03", "Sat 04-18 00:15 +03"},
		{"2026-04-22", "Fri 04-17 23:30 +03", "Wed 04-22 12:00 +03", "Wed 04-22 12:30 +03"},
		{"2026-04-22", "Wed 04-22 12:00 +03", "Wed 04-22 23:30 +03", "Thu 04-23 00:15 +03"},
	}
	if diff := cmp.Diff(want, rows(got)); diff != "" {
		t.Error(diff)
	}
}

func TestOccurrencesWithDayOffsets(t *testing.T) {
	for _, tt := range []struct {
		name    string
		windows []schedules.Window
		want    []row
	}{
		{"the evening before", []schedules.Window{
			window(t, 1, "20:00", "21:00", -1, schedules.BusinessDays),
			window(t, 2, "14:00", "15:00", 0, schedules.BusinessDays),
		}, []row{
			{"2026-03-06", "Thu 03-05 14:00 -05", "Thu 03-05 20:00 -05", "Thu 03-05 21:00 -05"},
			{"2026-03-06", "Thu 03-05 20:00 -05", "Fri 03-06 14:00 -05", "Fri 03-06 15:00 -05"},
			{"2026-03-09", "Fri 03-06 14:00 -05", "Sun 03-08 20:00 -04", "Sun 03-08 21:00 -04"},
			{"2026-03-09", "Sun 03-08 20:00 -04", "Mon 03-09 14:00 -04", "Mon 03-09 15:00 -04"},
		}},
		{"the night after", []schedules.Window{
			window(t, 1, "02:00", "01:00", 1, schedules.AllDays),
		}, []row{
			{"2026-03-06", "Fri 03-06 02:00 -05", "Sat 03-07 02:00 -05", "Sun 03-08 01:00 -05"},
			{"2026-03-07", "Sat 03-07 02:00 -05", "Sun 03-08 03:00 -04", "Mon 03-09 01:00 -04"},
			{"2026-03-08", "Sun 03-08 03:00 -04", "Mon 03-09 02:00 -04", "Tue 03-10 01:00 -04"},
			{"2026-03-09", "Mon 03-09 02:00 -04", "Tue 03-10 02:00 -04", "Wed 03-11 01:00 -04"},
		}},
	} {
		plan := schedules.Plan{Zone: location(t, "America/New_York"), Calendar: weekdays(t), Windows: tt.windows}
		got, err := plan.Occurrences(date(t, "2026-03-06"), date(t, "2026-03-09"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, rows(got)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func TestGapBetweenCutOffAndDeadline(t *testing.T) {
	for _, tt := range []struct{ cutoff, deadline, want string }{
		{"00:00", "00:45", "Fri 04-24 01:45 +03"},
		{"00:00", "01:00", "Fri 04-24 02:00 +03"},
		{"00:00", "01:10", "Fri 04-24 01:10 +03"},
		{"23:45", "00:15", "Sat 04-25 00:15 +03"},
	} {
		plan := schedules.Plan{
			Zone: location(t, "Africa/Cairo"), Calendar: everyDay(t),
			Windows: []schedules.Window{window(t, 1, tt.cutoff, tt.deadline, 0, schedules.AllDays)},
		}
		got, err := plan.Occurrences(date(t, "2026-04-24"), date(t, "2026-04-24"))
		if err != nil || rows(got)[0].DeadlineAt != tt.want {
			t.Errorf("%s to %s: %v, %v, want %s", tt.cutoff, tt.deadline, rows(got), err, tt.want)
		}
	}
}

func TestCollisions(t *testing.T) {
	berlin := func(windows ...schedules.Window) schedules.Plan {
		return schedules.Plan{Zone: location(t, "Europe/Berlin"), Calendar: weekdays(t), Windows: windows}
	}
	for _, tt := range []struct {
		name     string
		plan     schedules.Plan
		from, to string
	}{
		{"two windows in one gap", berlin(
			window(t, 1, "02:10", "04:00", 0, schedules.AllDays),
			window(t, 2, "02:50", "04:00", 0, schedules.AllDays)), "2027-03-01", "2027-04-01"},
		{"second window earlier on the clock", berlin(
			window(t, 1, "12:00", "13:00", 0, schedules.AllDays),
			window(t, 2, "11:00", "13:00", 0, schedules.AllDays)), "2026-11-21", "2026-11-21"},
		{"offsets that cross at the start of the range", berlin(
			window(t, 1, "01:00", "02:00", -1, schedules.AllDays),
			window(t, 2, "23:00", "23:30", 1, schedules.AllDays)), "2026-11-21", "2026-11-21"},
	} {
		if got, err := tt.plan.Occurrences(date(t, tt.from), date(t, tt.to)); !errors.Is(err, schedules.ErrCollision) {
			t.Errorf("%s: %v, %v", tt.name, rows(got), err)
		}
	}
}

func weekdays(t testing.TB) *schedules.Calendar {
	return calendar(t, schedules.CalendarData{Name: "weekdays", Weekend: saturdayAndSunday, Horizon: date(t, "2030-12-31")})
}

func TestInvalidPlans(t *testing.T) {
	good := window(t, 1, "23:00", "23:45", 0, schedules.BusinessDays)
	change := func(f func(*schedules.Window)) []schedules.Window {
		w := good
		f(&w)
		return []schedules.Window{w}
	}
	for name, windows := range map[string][]schedules.Window{
		"no windows":             nil,
		"number zero":            change(func(w *schedules.Window) { w.No = 0 }),
		"numbers not increasing": {good, good},
		"cut-off after midnight": change(func(w *schedules.Window) { w.Cutoff = 86400 }),
		"negative deadline":      change(func(w *schedules.Window) { w.Deadline = -1 }),
		"deadline at cut-off":    change(func(w *schedules.Window) { w.Deadline = w.Cutoff }),
		"offset of two days":     change(func(w *schedules.Window) { w.DayOffset = 2 }),
		"unknown days":           change(func(w *schedules.Window) { w.Days = "weekdays" }),
	} {
		plan := schedules.Plan{Zone: time.UTC, Calendar: everyDay(t), Windows: windows}
		if _, err := plan.Occurrences(date(t, "2026-11-21"), date(t, "2026-11-21")); !errors.Is(err, schedules.ErrInvalidPlan) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, plan := range map[string]schedules.Plan{
		"no zone":     {Calendar: everyDay(t), Windows: []schedules.Window{good}},
		"no calendar": {Zone: time.UTC, Windows: []schedules.Window{good}},
	} {
		if _, err := plan.At(time.Unix(0, 0)); !errors.Is(err, schedules.ErrInvalidPlan) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPlanBeyondTheHorizon(t *testing.T) {
	plan := schedules.Plan{
		Zone: time.UTC, Calendar: minskSpring(t),
		Windows: []schedules.Window{window(t, 1, "23:00", "23:45", 0, schedules.BusinessDays)},
	}
	for name, ask := range map[string]func() error{
		"range ends after it":   func() error { _, err := plan.Occurrences(date(t, "2026-05-28"), date(t, "2026-06-01")); return err },
		"range starts after it": func() error { _, err := plan.Occurrences(date(t, "2026-07-01"), date(t, "2026-07-01")); return err },
		"instant after the last cut-off": func() error {
			_, err := plan.At(date(t, "2026-05-29").UTC().Add(23 * time.Hour))
			return err
		},
	} {
		if err := ask(); !errors.Is(err, schedules.ErrBeyondHorizon) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFirstOccurrenceOfACalendarOpensAtTheBeginning(t *testing.T) {
	var closed []schedules.Date
	for d := date(t, "2026-01-01"); d.Before(date(t, "2026-03-15")); d = d.AddDays(1) {
		closed = append(closed, d)
	}
	plan := schedules.Plan{
		Zone:     time.UTC,
		Calendar: calendar(t, schedules.CalendarData{Name: "opens late", Holidays: closed, Horizon: date(t, "2026-12-31")}),
		Windows:  []schedules.Window{window(t, 1, "23:00", "23:45", 0, schedules.BusinessDays)},
	}
	got, err := plan.Occurrences(date(t, "2026-03-15"), date(t, "2026-03-16"))
	if err != nil || len(got) != 2 || !got[0].OpensAt.IsZero() || !got[1].OpensAt.Equal(got[0].CutoffAt) {
		t.Errorf("%v, %v", got, err)
	}
}

var planZones = []string{"Europe/Minsk", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Antarctica/Troll"}

// drawPlan draws a plan that is valid on every date: up to three windows at hours that no zone skips together.
func drawPlan(t *rapid.T) schedules.Plan {
	zone, err := time.LoadLocation(rapid.SampledFrom(planZones).Draw(t, "zone"))
	if err != nil {
		t.Fatal(err)
	}
	calendar, err := schedules.NewCalendar(schedules.CalendarData{
		Name: "weekdays", Weekend: saturdayAndSunday, Horizon: schedules.NewDate(2031, time.December, 31),
	})
	if err != nil {
		t.Fatal(err)
	}
	hours := rapid.SliceOfNDistinct(rapid.IntRange(0, 7), 1, 3, rapid.ID[int]).Draw(t, "hours")
	slices.Sort(hours)
	offset := rapid.IntRange(-1, 1).Draw(t, "offset")
	plan := schedules.Plan{Zone: zone, Calendar: calendar}
	for i, hour := range hours {
		plan.Windows = append(plan.Windows, schedules.Window{
			No: i + 1, DayOffset: offset, Days: rapid.SampledFrom([]schedules.Days{schedules.AllDays, schedules.BusinessDays}).Draw(t, "days"),
			Cutoff: schedules.NewTimeOfDay(3*hour, 30), Deadline: schedules.NewTimeOfDay(3*hour, 45),
		})
	}
	return plan
}

func TestWindowsTileTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plan := drawPlan(t)
		from := firstDate.AddDays(rapid.IntRange(0, dateCount).Draw(t, "from"))
		middle := from.AddDays(rapid.IntRange(0, 20).Draw(t, "middle"))
		to := middle.AddDays(rapid.IntRange(1, 20).Draw(t, "to"))
		whole, err1 := plan.Occurrences(from, to)
		left, err2 := plan.Occurrences(from, middle)
		right, err3 := plan.Occurrences(middle.AddDays(1), to)
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(whole, append(left, right...)); diff != "" {
			t.Fatalf("made in two steps: %s", diff)
		}
		for i, o := range whole {
			if i > 0 && !o.OpensAt.Equal(whole[i-1].CutoffAt) || !o.OpensAt.Before(o.CutoffAt) || !o.CutoffAt.Before(o.DeadlineAt) {
				t.Fatalf("%v after %v", o, whole[max(0, i-1)])
			}
			checkAt(t, plan, o)
		}
	})
}

// checkAt asks for the first and last instants of an occurrence.
func checkAt(t *rapid.T, plan schedules.Plan, o schedules.Occurrence) {
	for _, instant := range []time.Time{o.OpensAt, o.CutoffAt.Add(-time.Nanosecond)} {
		got, err := plan.At(instant)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(o, got); diff != "" {
			t.Fatalf("at %s: %s", instant, diff)
		}
	}
}

func TestDueOverAdjacentIntervals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		occurrences, err := drawPlan(t).Occurrences(firstDate, firstDate.AddDays(30))
		if err != nil {
			t.Fatal(err)
		}
		instant := rapid.Custom(func(t *rapid.T) time.Time {
			if len(occurrences) > 0 && rapid.Bool().Draw(t, "on a cut-off") {
				return rapid.SampledFrom(occurrences).Draw(t, "occurrence").CutoffAt
			}
			return firstDate.UTC().Add(time.Duration(rapid.Int64Range(0, int64(31*24*time.Hour)).Draw(t, "at")))
		})
		cuts := rapid.SliceOfN(instant, 2, 6).Draw(t, "cuts")
		slices.SortFunc(cuts, time.Time.Compare)
		var pieces []schedules.Occurrence
		for i := range cuts[1:] {
			pieces = append(pieces, schedules.Due(occurrences, cuts[i], cuts[i+1])...)
		}
		if diff := cmp.Diff(schedules.Due(occurrences, cuts[0], cuts[len(cuts)-1]), pieces); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestDueAtTheEdges(t *testing.T) {
	plan := schedules.Plan{
		Zone: time.UTC, Calendar: everyDay(t),
		Windows: []schedules.Window{window(t, 1, "23:00", "23:45", 0, schedules.AllDays)},
	}
	occurrences, err := plan.Occurrences(date(t, "2026-11-21"), date(t, "2026-11-23"))
	if err != nil {
		t.Fatal(err)
	}
	first, last := occurrences[0].CutoffAt, occurrences[2].CutoffAt
	for _, tt := range []struct {
		after, now time.Time
		want       int
	}{
		{time.Time{}, first.Add(-1), 0},
		{time.Time{}, first, 1},
		{first, last, 2},
		{first, last.Add(-1), 1},
		{last, last.Add(time.Hour), 0},
	} {
		if got := schedules.Due(occurrences, tt.after, tt.now); len(got) != tt.want {
			t.Errorf("(%s, %s]: %d due, want %d", tt.after, tt.now, len(got), tt.want)
		}
	}
}
