package schedules_test

import (
	_ "embed"
	"fmt"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/robfig/cron/v3"

	"settled/schedules"
)

// zoneNames lists every zone of the IANA database, one a line, as Go ships it.
//
//go:embed testdata/zones.txt
var zoneNames string

var (
	firstDate = schedules.NewDate(2024, time.January, 1)
	lastDate  = schedules.NewDate(2030, time.December, 31)
	dateCount = lastDate.DaysSince(firstDate) + 1
	criticals = []schedules.TimeOfDay{0, schedules.NewTimeOfDay(2, 30), schedules.NewTimeOfDay(23, 0)}
)

// testZone stands for all zones that have the same offsets from 2024 through 2030.
type testZone struct {
	*time.Location
	aliases     []string
	transitions []time.Time
	near        map[schedules.Date]bool // the dates within two days of a transition
}

// allZones loads every IANA zone and groups those that behave alike.
func allZones(t *testing.T) []*testZone {
	t.Helper()
	var zones []*testZone
	alike := map[string]*testZone{}
	for name := range strings.FieldsSeq(zoneNames) {
		location, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		transitions, behavior := transitionsOf(location)
		if zone, ok := alike[behavior]; ok {
			zone.aliases = append(zone.aliases, name)
			continue
		}
		zone := &testZone{Location: location, aliases: []string{name}, transitions: transitions, near: map[schedules.Date]bool{}}
		for _, transition := range transitions {
			for days := -2; days <= 2; days++ {
				zone.near[schedules.DateOf(transition).AddDays(days)] = true
			}
		}
		alike[behavior] = zone
		zones = append(zones, zone)
	}
	return zones
}

func transitionsOf(location *time.Location) (transitions []time.Time, behavior string) {
	var b strings.Builder
	last := lastDate.AddDays(2).UTC()
	for at := firstDate.AddDays(-2).UTC().In(location); ; {
		_, offset := at.Zone()
		fmt.Fprintf(&b, "%d from %d;", offset, at.Unix())
		_, end := at.ZoneBounds()
		if end.IsZero() || end.After(last) {
			return transitions, b.String()
		}
		transitions, at = append(transitions, end), end
	}
}

// wall is what the clock shows at t, as a text that sorts by time.
func wall(t time.Time) string {
	return t.Format("2006-01-02T15:04:05")
}

// firstShowing watches the clock of the zone minute by minute until it shows date and clock or something later. It is
// the definition of Resolve, carried out.
func firstShowing(date schedules.Date, clock schedules.TimeOfDay, zone *time.Location) time.Time {
	guess := date.UTC().Add(time.Duration(clock) * time.Second)
	_, offset := guess.In(zone).Zone()
	want := wall(guess)
	t := guess.Add(-time.Duration(offset)*time.Second - 4*time.Hour).In(zone)
	for wall(t) < want {
		t = t.Add(time.Minute)
	}
	return t
}

func TestEveryCutOffOfEveryZone(t *testing.T) {
	t.Parallel()
	names, changing := 0, 0
	for _, zone := range allZones(t) {
		names += len(zone.aliases)
		if len(zone.transitions) > 0 {
			changing += len(zone.aliases)
		}
		for _, clock := range criticals {
			checkDailyPlan(t, zone, clock)
		}
	}
	if names < 590 || changing < 150 {
		t.Errorf("%d zones, %d of them change their clocks: the list is not complete", names, changing)
	}
	t.Logf("%d zones, %d of them change their clocks", names, changing)
}

func checkDailyPlan(t *testing.T, zone *testZone, clock schedules.TimeOfDay) {
	t.Helper()
	plan := schedules.Plan{
		Zone: zone.Location, Calendar: everyDay(t),
		Windows: []schedules.Window{{No: 1, Cutoff: clock, Deadline: clock + 45*60, Days: schedules.AllDays}},
	}
	occurrences, err := plan.Occurrences(firstDate, lastDate)
	if err != nil || len(occurrences) != dateCount {
		t.Fatalf("%s %s: %d occurrences, %v, want %d", zone, clock, len(occurrences), err, dateCount)
	}
	for i, o := range occurrences {
		if want := firstDate.AddDays(i); o.BusinessDate != want {
			t.Fatalf("%s %s: business date %s, want %s", zone, clock, o.BusinessDate, want)
		}
		checkInstant(t, zone, o.BusinessDate, clock, o.CutoffAt)
		if zone.near[o.BusinessDate] && !firstShowing(o.BusinessDate, clock+45*60, zone.Location).After(o.CutoffAt) {
			if !o.DeadlineAt.Equal(o.CutoffAt.Add(45 * time.Minute)) {
				t.Fatalf("%s: deadline %s of the cut-off %s, both in a gap", zone, o.DeadlineAt, o.CutoffAt)
			}
			continue
		}
		checkInstant(t, zone, o.BusinessDate, clock+45*60, o.DeadlineAt)
	}
}

// checkInstant holds an instant against the definition around a change of clocks, and against the clock elsewhere.
func checkInstant(t *testing.T, zone *testZone, date schedules.Date, clock schedules.TimeOfDay, got time.Time) {
	t.Helper()
	if !zone.near[date] {
		if _, offset := got.Zone(); got.Unix()+int64(offset) != date.UTC().Unix()+int64(clock) {
			t.Fatalf("%s: the clock shows %s, want %s %s", zone, wall(got), date, clock)
		}
		return
	}
	if want := firstShowing(date, clock, zone.Location); !got.Equal(want) {
		t.Fatalf("%s: %s %s is %s, want %s", zone, date, clock, got, want)
	}
}

func TestEveryDailyRunOfEveryZone(t *testing.T) {
	t.Parallel()
	for _, zone := range allZones(t) {
		for _, clock := range criticals {
			daily := recurring(t, dailySpec(clock), zone.Location)
			after := firstDate.Start(zone.Location).Add(-time.Nanosecond)
			for date := firstDate; !date.After(lastDate); date = date.AddDays(1) {
				slot, ok := daily.Next(after)
				if want := date.String() + "T" + clock.String(); !ok || slot.Key != want {
					t.Fatalf("%s %s: slot %q after %s, want %q", zone, daily, slot.Key, after, want)
				}
				checkInstant(t, zone, date, clock, slot.At)
				after = slot.At
			}
		}
	}
}

func dailySpec(clock schedules.TimeOfDay) string {
	return fmt.Sprintf("%d %d * * *", int(clock)/60%60, int(clock)/3600)
}

// Interval specs keep their interval through every change of clocks that is a multiple of it.
func TestEveryTenMinutesOfEveryZone(t *testing.T) {
	for _, zone := range allZones(t) {
		tenMinutes := recurring(t, "*/10 * * * *", zone.Location)
		for _, transition := range zone.transitions {
			keys := map[string]bool{}
			first, _ := tenMinutes.Next(transition.Add(-5 * time.Hour))
			after := first.At
			for _, slot := range tenMinutes.Due(after, after.Add(10*time.Hour), 1000) {
				if slot.At.Sub(after) != 10*time.Minute || keys[slot.Key] {
					t.Fatalf("%s: slot %s at %s follows %s", zone, slot.Key, slot.At, after)
				}
				keys[slot.Key], after = true, slot.At
			}
			if len(keys) != 60 {
				t.Fatalf("%s: %d slots in ten hours around %s, want 60", zone, len(keys), transition)
			}
		}
	}
}

// The reason for Recurring: the cron library alone, asked in the zone, loses and doubles daily runs.
func TestCronAloneLosesAndDoublesRuns(t *testing.T) {
	for _, tt := range []struct {
		spec, zone, date string
		runs             int
	}{
		{"30 2 * * *", "Europe/Berlin", "2027-03-28", 0},
		{"30 2 * * *", "Europe/Berlin", "2026-10-25", 2},
		{"0 2 * * *", "Europe/Warsaw", "2026-03-29", 0},
		{"30 2 * * *", "America/New_York", "2026-03-08", 0},
		{"30 1 * * *", "America/New_York", "2026-11-01", 2},
		{"0 0 * * *", "Asia/Beirut", "2026-03-29", 0},
		{"0 0 * * *", "Africa/Cairo", "2026-04-24", 0},
		{"30 2 * * *", "Europe/Minsk", "2027-03-28", 1},
	} {
		zone := location(t, tt.zone)
		date, err := schedules.ParseDate(tt.date)
		if err != nil {
			t.Fatal(err)
		}
		alone, err := cron.ParseStandard(tt.spec)
		if err != nil {
			t.Fatal(err)
		}
		start, end := date.Start(zone), date.AddDays(1).Start(zone)
		runs := 0
		for at := alone.Next(start.Add(-time.Second)); at.Before(end); at = alone.Next(at) {
			runs++
		}
		if runs != tt.runs {
			t.Errorf("cron alone runs %q in %s %d times on %s, expected %d", tt.spec, tt.zone, runs, tt.date, tt.runs)
		}
		ours := recurring(t, tt.spec, zone).Due(start.Add(-time.Second), end.Add(-time.Second), 10)
		if len(ours) != 1 {
			t.Errorf("%q in %s on %s: %v, want one slot", tt.spec, tt.zone, tt.date, ours)
		}
	}
}
