package schedules_test

import (
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"testing"
	"time"

	"pgregory.net/rapid"

	"settled/schedules"
)

func TestParseDate(t *testing.T) {
	want := schedules.Date{Year: 2028, Month: time.February, Day: 29}
	if got := date(t, "2028-02-29"); got != want || got.String() != "2028-02-29" || got.Weekday() != time.Tuesday {
		t.Errorf("got %s, a %s", got, got.Weekday())
	}
	for _, text := range []string{"", "2027-02-29", "2026-13-01", "2026-1-1", "26-01-01", "20260101", "2026-01-01T00:00", " 2026-01-01"} {
		if got, err := schedules.ParseDate(text); !errors.Is(err, schedules.ErrSyntax) {
			t.Errorf("ParseDate(%q) = %s, %v", text, got, err)
		}
	}
}

func TestParseTimeOfDay(t *testing.T) {
	for text, want := range map[string]schedules.TimeOfDay{
		"00:00": 0, "23:00": 23 * 3600, "02:30": 9000, "23:59:59": 86399, "07:05:09": 25509,
	} {
		if got := clock(t, text); got != want || got.String() != text {
			t.Errorf("%q is %d, written %s", text, got, got)
		}
	}
	for _, text := range []string{"", "24:00", "23:60", "7:05", "07:5", "0705", "07:05:60", "07:05:09.5", "-1:00", "11:00 PM"} {
		if got, err := schedules.ParseTimeOfDay(text); !errors.Is(err, schedules.ErrSyntax) {
			t.Errorf("ParseTimeOfDay(%q) = %s, %v", text, got, err)
		}
	}
}

func TestTextForms(t *testing.T) {
	type window struct {
		On schedules.Date
		At schedules.TimeOfDay
	}
	want := window{schedules.NewDate(2026, time.November, 21), schedules.NewTimeOfDay(23, 45)}
	text, err := json.Marshal(want)
	if err != nil || string(text) != `{"On":"2026-11-21","At":"23:45"}` {
		t.Errorf("%s, %v", text, err)
	}
	var got window
	if err := json.Unmarshal(text, &got); err != nil || got != want {
		t.Errorf("read back %v, %v", got, err)
	}
	for _, bad := range []string{`{"On":"yesterday"}`, `{"At":"24:00"}`} {
		if err := json.Unmarshal([]byte(bad), &got); !errors.Is(err, schedules.ErrSyntax) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestDateArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		day := schedules.NewDate(2026, time.January, 1).AddDays(rapid.IntRange(-40_000, 40_000).Draw(t, "day"))
		n := rapid.IntRange(-40_000, 40_000).Draw(t, "n")
		other := day.AddDays(n)
		if got := other.DaysSince(day); got != n {
			t.Fatalf("%s is %d days after %s, want %d", other, got, day, n)
		}
		if other.Before(day) != (n < 0) || other.After(day) != (n > 0) || (other == day) != (n == 0) {
			t.Fatalf("order of %s and %s", other, day)
		}
		if again, err := schedules.ParseDate(day.String()); err != nil || again != day {
			t.Fatalf("%s reads back as %s, %v", day, again, err)
		}
	})
	if got := schedules.NewDate(2026, time.January, 32); got != date(t, "2026-02-01") || got.IsZero() {
		t.Errorf("32 January is %s", got)
	}
	if !(schedules.Date{}).IsZero() {
		t.Error("the zero value is a date")
	}
}

func TestStartOfADayWithoutMidnight(t *testing.T) {
	got := date(t, "2026-03-29").Start(location(t, "Asia/Beirut"))
	if want := "2026-03-29T01:00:00+03:00"; got.Format(time.RFC3339) != want {
		t.Errorf("starts at %s, want %s", got.Format(time.RFC3339), want)
	}
	if schedules.DateOf(got) != date(t, "2026-03-29") {
		t.Errorf("the date of %s is %s", got, schedules.DateOf(got))
	}
}

// checkResolve holds the instant of a local time against the one expected, in UTC.
func checkResolve(t *testing.T, zone, day, at, want string) {
	t.Helper()
	got := schedules.Resolve(date(t, day), clock(t, at), location(t, zone))
	if got := got.UTC().Format(time.RFC3339); got != want {
		t.Errorf("%s %s %s is %s, want %s", zone, day, at, got, want)
	}
}

// The table that operators read is true.
func TestDocumentedInstants(t *testing.T) {
	page, err := os.ReadFile("../docs/calendars.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`(?m)^\| (\w+/\w+) \| (\S+) \| (\d\d:\d\d) \| (\S+Z) \|`)
	rows := row.FindAllStringSubmatch(string(page), -1)
	if len(rows) < 11 {
		t.Errorf("found %d rows in the table", len(rows))
	}
	for _, r := range rows {
		checkResolve(t, r[1], r[2], r[3], r[4])
	}
}

func TestResolveOddities(t *testing.T) {
	for _, tt := range []struct{ zone, date, clock, want string }{
		{"Australia/Lord_Howe", "2027-04-04", "01:45", "2027-04-03T14:45:00Z"},
		{"Pacific/Apia", "2011-12-30", "12:00", "2011-12-30T10:00:00Z"},
		{"Asia/Manila", "1844-12-31", "12:00", "1844-12-31T15:56:08Z"},
		{"UTC", "2026-11-21", "12:00", "2026-11-21T12:00:00Z"},
	} {
		checkResolve(t, tt.zone, tt.date, tt.clock, tt.want)
	}
}

func TestResolveNeverGoesBack(t *testing.T) {
	zones := allZones(t)
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		seconds := rapid.IntRange(0, dateCount*86400)
		first, second := seconds.Draw(t, "first"), seconds.Draw(t, "second")
		at := func(n int) time.Time {
			return schedules.Resolve(firstDate.AddDays(n/86400), schedules.TimeOfDay(n%86400), zone.Location)
		}
		if first > second {
			first, second = second, first
		}
		if at(second).Before(at(first)) {
			t.Fatalf("%s: %s comes after %s", zone, at(first), at(second))
		}
	})
}
