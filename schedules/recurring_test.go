package schedules_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"settled/schedules"
)

func instant(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// run is a slot as the table of runs holds it.
type run struct{ Key, At string }

func runs(slots []schedules.Slot) []run {
	var all []run
	for _, s := range slots {
		all = append(all, run{s.Key, s.At.UTC().Format(time.RFC3339)})
	}
	return all
}

func TestRecurringSlots(t *testing.T) {
	for _, tt := range []struct {
		name, spec, zone, after, now string
		want                         []run
	}{
		{
			"skipped time runs after the gap", "30 2 * * *", "Europe/Berlin", "2027-03-27T12:00:00Z", "2027-03-29T12:00:00Z",
			[]run{{"2027-03-28T02:30", "2027-03-28T01:00:00Z"}, {"2027-03-29T02:30", "2027-03-29T00:30:00Z"}},
		},
		{
			"repeated time runs once", "30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z",
			[]run{{"2026-10-25T02:30", "2026-10-25T00:30:00Z"}, {"2026-10-26T02:30", "2026-10-26T01:30:00Z"}},
		},
		{
			"a restart between the two occurrences changes nothing", "30 2 * * *", "Europe/Berlin",
			"2026-10-25T01:00:00Z", "2026-10-25T12:00:00Z", nil,
		},
		{
			"slots that meet after the gap are one", "0,15,45 2 * * *", "Europe/Berlin", "2027-03-28T00:00:00Z", "2027-03-28T12:00:00Z",
			[]run{{"2027-03-28T02:45", "2027-03-28T01:00:00Z"}},
		},
		{
			"the slot after the gap takes the skipped one in", "0 2,3,4 * * *", "Europe/Berlin", "2027-03-28T00:00:00Z", "2027-03-28T12:00:00Z",
			[]run{{"2027-03-28T03:00", "2027-03-28T01:00:00Z"}, {"2027-03-28T04:00", "2027-03-28T02:00:00Z"}},
		},
		{
			"midnight does not exist", "@daily", "Asia/Beirut", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z",
			[]run{{"2026-03-29T00:00", "2026-03-28T22:00:00Z"}},
		},
		{
			"every hour elapses in a gap", "0 * * * *", "Europe/Berlin", "2027-03-28T00:00:00Z", "2027-03-28T02:00:00Z",
			[]run{{"2027-03-28T03:00+02:00", "2027-03-28T01:00:00Z"}, {"2027-03-28T04:00+02:00", "2027-03-28T02:00:00Z"}},
		},
		{
			"every hour elapses in a repeat", "@hourly", "Europe/Berlin", "2026-10-24T23:30:00Z", "2026-10-25T01:59:00Z",
			[]run{{"2026-10-25T02:00+02:00", "2026-10-25T00:00:00Z"}, {"2026-10-25T02:00+01:00", "2026-10-25T01:00:00Z"}},
		},
		{
			"half past of a half-hour change", "30 0-23 * * *", "Australia/Lord_Howe", "2026-10-03T14:30:00Z", "2026-10-03T17:00:00Z",
			[]run{
				{"2026-10-04T01:30+10:30", "2026-10-03T15:00:00Z"},
				{"2026-10-04T02:30+11:00", "2026-10-03T15:30:00Z"},
				{"2026-10-04T03:30+11:00", "2026-10-03T16:30:00Z"},
			},
		},
		{
			"month ends, business days are not cron's", "0 9 31 * *", "Europe/Minsk", "2026-08-31T06:00:00Z", "2027-01-01T00:00:00Z",
			[]run{{"2026-10-31T09:00", "2026-10-31T06:00:00Z"}, {"2026-12-31T09:00", "2026-12-31T06:00:00Z"}},
		},
		{
			"every 6 h is anchored, whenever it is asked", "@every 6h", "Europe/Berlin", "2026-10-25T00:00:00.5Z", "2026-10-25T12:00:00Z",
			[]run{{"2026-10-25T06:00:00Z", "2026-10-25T06:00:00Z"}, {"2026-10-25T12:00:00Z", "2026-10-25T12:00:00Z"}},
		},
		{
			"every 90 s before 1970", "@every 90s", "UTC", "1969-12-31T23:58:00Z", "1970-01-01T00:00:00Z",
			[]run{{"1969-12-31T23:58:30Z", "1969-12-31T23:58:30Z"}, {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"}},
		},
	} {
		r := recurring(t, tt.spec, location(t, tt.zone))
		got := r.Due(instant(t, tt.after), instant(t, tt.now), 10)
		if diff := cmp.Diff(tt.want, runs(got)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func TestRefusedSpecs(t *testing.T) {
	for _, spec := range []string{
		"", " ", "* * * *", "* * * * * *", "60 * * * *", "0 24 * * *", "0 0 0 * *", "0 0 * * 7", "5-1 * * * *", "a b c d e",
		"TZ=UTC", "CRON_TZ=UTC", "CRON_TZ=Europe/Minsk 0 2 * * *", "TZ=UTC @daily", "CRON_TZ=Europe/Minsk @every 1h",
		"*/90 * * * *", "0 0/24 * * *", "0 0 */31 * *", "0 0 1 1-12/12 *", "0 0 * * */7", "*/0 * * * *",
		"0 0 30 2 *", "0 0 31 4,6,9,11 *", ", * * * *", "0 0 L * *", "0 0 * * 1#2", "0 0 15W * *",
		"@reboot", "@fortnightly", "@", "@every", "@every ", "@every x", "@every 10ms", "@every -1h", "@every 0s", "@every 1.5s",
	} {
		if r, err := schedules.ParseRecurring(spec, time.UTC); !errors.Is(err, schedules.ErrSyntax) {
			t.Errorf("%q is %v, %v", spec, r, err)
		}
	}
	if _, err := schedules.ParseRecurring("0 2 * * *", nil); !errors.Is(err, schedules.ErrSyntax) {
		t.Errorf("without a zone: %v", err)
	}
}

func TestAcceptedSpecs(t *testing.T) {
	after := instant(t, "2026-11-21T12:00:00Z")
	for spec, want := range map[string]string{
		" 0 2 * * * ":     "2026-11-22T02:00",
		"0 0 29 2 *":      "2028-02-29T00:00",
		"@yearly":         "2027-01-01T00:00",
		"@monthly":        "2026-12-01T00:00",
		"@weekly":         "2026-11-22T00:00",
		"@midnight":       "2026-11-22T00:00",
		"15 6 ? * MON":    "2026-11-23T06:15",
		"0 8-18/2 * * *":  "2026-11-21T14:00",
		"0 3 13 * fri":    "2026-11-27T03:00",
		"*/20 13 * * 1-6": "2026-11-21T13:00",
	} {
		r := recurring(t, spec, time.UTC)
		if slot, ok := r.Next(after); !ok || slot.Key != want {
			t.Errorf("%q: %v, want %s", spec, slot, want)
		}
	}
	if got := recurring(t, " @daily ", time.UTC).String(); got != "@daily" {
		t.Errorf("written %q", got)
	}
}

func TestDueIsBounded(t *testing.T) {
	r := recurring(t, "*/5 * * * *", time.UTC)
	after, now := instant(t, "2026-01-01T00:00:00Z"), instant(t, "2026-02-01T00:00:00Z")
	first := r.Due(after, now, 3)
	second := r.Due(first[2].At, now, 3)
	if diff := cmp.Diff(r.Due(after, now, 6), append(first, second...)); diff != "" {
		t.Error(diff)
	}
	if got := r.Due(after, now, 0); got != nil {
		t.Errorf("limit 0: %v", got)
	}
	if got := r.Due(now, after, 3); got != nil {
		t.Errorf("an empty interval: %v", got)
	}
}

func TestNoSlotWithinFiveYears(t *testing.T) {
	leapDay := recurring(t, "0 2 29 2 *", time.UTC)
	everyHour := recurring(t, "0 * 29 2 *", time.UTC)
	after, now := instant(t, "2096-03-01T00:00:00Z"), instant(t, "2101-01-01T00:00:00Z")
	for _, r := range []*schedules.Recurring{leapDay, everyHour} {
		if slot, ok := r.Next(after); ok {
			t.Errorf("%s: %v", r, slot)
		}
		if slot, ok := r.Latest(after, now); ok {
			t.Errorf("%s: latest is %v", r, slot)
		}
	}
	if slot, ok := leapDay.Latest(instant(t, "2000-01-01T00:00:00Z"), now); !ok || slot.Key != "2096-02-29T02:00" {
		t.Errorf("latest is %v", slot)
	}
}

var specs = []string{
	"* * * * *", "*/10 * * * *", "7 * * * *", "30 2 * * *", "0 0 * * *", "0,30 1-3 * * *", "*/15 2 * * *", "0 23 * * 1-5",
	"0 */2 * * *", "0 4 1 * *", "@every 7m", "@every 36h",
}

// The latest slot is the last of all, all slots come out whatever the steps in which they are asked, keys are unique.
func TestCatchUp(t *testing.T) {
	zones := allZones(t)
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		r, err := schedules.ParseRecurring(rapid.SampledFrom(specs).Draw(t, "spec"), zone.Location)
		if err != nil {
			t.Fatal(err)
		}
		center := firstDate.AddDays(rapid.IntRange(0, dateCount).Draw(t, "day")).UTC()
		if len(zone.transitions) > 0 && rapid.Bool().Draw(t, "near a change") {
			center = rapid.SampledFrom(zone.transitions).Draw(t, "change")
		}
		after := center.Add(-time.Duration(rapid.IntRange(0, 1500).Draw(t, "minutes before")) * time.Minute)
		now := center.Add(time.Duration(rapid.IntRange(0, 1500*60).Draw(t, "seconds after")) * time.Second)
		all := r.Due(after, now, 10_000)
		latest, ok := r.Latest(after, now)
		if ok != (len(all) > 0) || ok && latest != all[len(all)-1] {
			t.Fatalf("latest is %v, %t, of %v", latest, ok, runs(all))
		}
		steps := append(r.Due(after, center, 10_000), r.Due(center, now, 10_000)...)
		if diff := cmp.Diff(runs(all), runs(steps)); diff != "" {
			t.Fatal(diff)
		}
		checkSlots(t, all)
	})
}

func checkSlots(t *rapid.T, slots []schedules.Slot) {
	keys := map[string]bool{}
	for i, s := range slots {
		if keys[s.Key] || i > 0 && !s.At.After(slots[i-1].At) {
			t.Fatalf("%v after %v", s, slots[max(0, i-1)])
		}
		keys[s.Key] = true
	}
}

func FuzzParseRecurring(f *testing.F) {
	for _, spec := range append(specs, "TZ=UTC", "CRON_TZ=UTC 0 0 * * *", "@every 1h", "*/90 * * * *", "0 0 30 2 *", ",,,, * * * *") {
		f.Add(spec)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		r, err := schedules.ParseRecurring(spec, time.UTC)
		if err != nil {
			if !errors.Is(err, schedules.ErrSyntax) {
				t.Errorf("%q: %v", spec, err)
			}
			return
		}
		after := time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC)
		if slot, ok := r.Next(after); !ok || !slot.At.After(after) {
			t.Errorf("%q: next is %v, %t", spec, slot, ok)
		}
	})
}
