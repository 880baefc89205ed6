package schedules_test

import (
	"testing"
	"time"

	"settled/schedules"
)

func location(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func date(t testing.TB, text string) schedules.Date {
	t.Helper()
	d, err := schedules.ParseDate(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func dates(t testing.TB, texts ...string) []schedules.Date {
	t.Helper()
	var all []schedules.Date
	for _, text := range texts {
		all = append(all, date(t, text))
	}
	return all
}

func clock(t testing.TB, text string) schedules.TimeOfDay {
	t.Helper()
	c, err := schedules.ParseTimeOfDay(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func calendar(t testing.TB, data schedules.CalendarData) *schedules.Calendar {
	t.Helper()
	c, err := schedules.NewCalendar(data)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func everyDay(t testing.TB) *schedules.Calendar {
	t.Helper()
	return calendar(t, schedules.CalendarData{Name: "every-day", Horizon: schedules.NewDate(2031, time.December, 31)})
}

func recurring(t testing.TB, spec string, zone *time.Location) *schedules.Recurring {
	t.Helper()
	r, err := schedules.ParseRecurring(spec, zone)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
