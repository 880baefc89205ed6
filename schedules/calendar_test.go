package schedules_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"settled/schedules"
)

var saturdayAndSunday = []time.Weekday{time.Saturday, time.Sunday}

// minskSpring has a five-day rest around Radunitsa 2026, paid for with a working Saturday.
func minskSpring(t testing.TB) *schedules.Calendar {
	return calendar(t, schedules.CalendarData{
		Name: "BY-bank", Weekend: saturdayAndSunday,
		Holidays: dates(t, "2026-04-20", "2026-04-21", "2026-05-01"),
		Working:  dates(t, "2026-04-25"),
		Horizon:  date(t, "2026-05-31"),
	})
}

func TestBusinessDays(t *testing.T) {
	c := minskSpring(t)
	for text, want := range map[string]bool{
		"2026-04-17": true, "2026-04-18": false, "2026-04-19": false, "2026-04-20": false, "2026-04-21": false,
		"2026-04-22": true, "2026-04-25": true, "2026-04-26": false, "2026-05-01": false, "2026-05-29": true,
	} {
		if got, err := c.IsBusiness(date(t, text)); got != want || err != nil {
			t.Errorf("%s: %t, %v, want %t", text, got, err, want)
		}
	}
	if c.Name() != "BY-bank" || c.Horizon() != date(t, "2026-05-31") {
		t.Errorf("%s until %s", c.Name(), c.Horizon())
	}
}

func TestBusinessSteps(t *testing.T) {
	c := minskSpring(t)
	add := func(n int) func(schedules.Date) (schedules.Date, error) {
		return func(d schedules.Date) (schedules.Date, error) { return c.AddBusiness(d, n) }
	}
	for _, tt := range []struct {
		name       string
		step       func(schedules.Date) (schedules.Date, error)
		from, want string
	}{
		{"next over the long rest", c.Next, "2026-04-17", "2026-04-22"},
		{"next is the working Saturday", c.Next, "2026-04-24", "2026-04-25"},
		{"previous over the long rest", c.Previous, "2026-04-22", "2026-04-17"},
		{"previous from a rest day", c.Previous, "2026-04-19", "2026-04-17"},
		{"previous from the day after the horizon", c.Previous, "2026-06-01", "2026-05-29"},
		{"roll stays on a business day", c.Roll, "2026-04-25", "2026-04-25"},
		{"roll follows", c.Roll, "2026-04-18", "2026-04-22"},
		{"T+2", add(2), "2026-04-17", "2026-04-23"},
		{"T+1 from a rest day", add(1), "2026-04-19", "2026-04-22"},
		{"T-3", add(-3), "2026-04-24", "2026-04-17"},
		{"T+0 from a rest day", add(0), "2026-04-19", "2026-04-19"},
	} {
		if got, err := tt.step(date(t, tt.from)); err != nil || got != date(t, tt.want) {
			t.Errorf("%s: %s, %v, want %s", tt.name, got, err, tt.want)
		}
	}
}

func TestBeyondTheHorizon(t *testing.T) {
	c := minskSpring(t)
	_, isBusiness := c.IsBusiness(date(t, "2026-06-01"))
	_, roll := c.Roll(date(t, "2026-05-30"))
	_, next := c.Next(date(t, "2026-05-29"))
	_, previous := c.Previous(date(t, "2026-06-02"))
	_, add := c.AddBusiness(date(t, "2026-05-28"), 2)
	for name, err := range map[string]error{"IsBusiness": isBusiness, "Roll": roll, "Next": next, "Previous": previous, "AddBusiness": add} {
		if !errors.Is(err, schedules.ErrBeyondHorizon) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestContradictoryCalendars(t *testing.T) {
	everyWeekday := []time.Weekday{0, 1, 2, 3, 4, 5, 6}
	horizon := date(t, "2026-12-31")
	for name, data := range map[string]schedules.CalendarData{
		"no name":                 {Horizon: horizon},
		"no horizon":              {Name: "x"},
		"weekend of seven days":   {Name: "x", Horizon: horizon, Weekend: everyWeekday},
		"no such weekday":         {Name: "x", Horizon: horizon, Weekend: []time.Weekday{7}},
		"holiday twice":           {Name: "x", Horizon: horizon, Holidays: dates(t, "2026-05-01", "2026-05-01")},
		"holiday beyond horizon":  {Name: "x", Horizon: horizon, Holidays: dates(t, "2027-01-01")},
		"working and holiday":     {Name: "x", Horizon: horizon, Weekend: saturdayAndSunday, Holidays: dates(t, "2026-05-02"), Working: dates(t, "2026-05-02")},
		"working beyond horizon":  {Name: "x", Horizon: horizon, Weekend: saturdayAndSunday, Working: dates(t, "2027-01-02")},
		"working anyway (Friday)": {Name: "x", Horizon: horizon, Weekend: saturdayAndSunday, Working: dates(t, "2026-05-01")},
	} {
		if c, err := schedules.NewCalendar(data); !errors.Is(err, schedules.ErrInvalidCalendar) || c != nil {
			t.Errorf("%s: %v, %v", name, c, err)
		}
	}
}

func TestAddBusinessAndBack(t *testing.T) {
	c := minskSpring(t)
	rapid.Check(t, func(t *rapid.T) {
		day := date2026(rapid.IntRange(0, 100).Draw(t, "day"))
		n := rapid.IntRange(1, 20).Draw(t, "n")
		start, err := c.Roll(day)
		if err != nil {
			t.Fatal(err)
		}
		there, err := c.AddBusiness(start, n)
		if err != nil {
			t.Fatal(err)
		}
		back, err := c.AddBusiness(there, -n)
		if err != nil || back != start {
			t.Fatalf("%s + %d = %s, and back %s, %v", start, n, there, back, err)
		}
	})
}

func date2026(n int) schedules.Date {
	return schedules.NewDate(2026, time.January, 1+n)
}
