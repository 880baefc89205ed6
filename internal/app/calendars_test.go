package app

import (
	"errors"
	"strings"
	"testing"
	"time"

	"settled/clearing"
	"settled/internal/config"
	"settled/schedules"
)

// TestCalendarsThatEnd looks at calendars from before their warning until after their end.
func TestCalendarsThatEnd(t *testing.T) {
	today := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name    string
		horizon int // days from today
		listed  int // the last holiday, days from today; 0: none
		bad     bool
		want    string
	}{
		{"far", 200, 0, false, ""},
		{"thirty days", 30, 0, false, ""},
		{"twenty-nine days", 29, 0, false, "it ends 2026-12-30, in 29 days: add"},
		{"fourteen days", 14, 0, false, "it ends 2026-12-15, in 14 days"},
		{"thirteen days", 13, 0, true, "it ends 2026-12-14, in 13 days, before the 14 days"},
		{"today", 0, 0, true, "in 0 days"},
		{"yesterday", -1, 0, true, "it ended 2026-11-30"},
		{"list that ended", 400, -5, false, "the last date that it lists is 2026-11-26"},
		{"list that goes on", 400, 25, false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data := schedules.CalendarData{Name: "BY", Horizon: schedules.DateOf(today).AddDays(tt.horizon)}
			if tt.listed != 0 {
				data.Holidays = []schedules.Date{schedules.DateOf(today).AddDays(tt.listed)}
			}
			calendar, err := schedules.NewCalendar(data)
			if err != nil {
				t.Fatal(err)
			}
			agreed := &clearing.Profile{Plan: schedules.Plan{Zone: time.UTC, Calendar: calendar}}
			cfg := &config.Config{Centers: []config.Center{{}, {Clearing: agreed}, {Clearing: agreed}}}
			warnings, err := CheckCalendars(cfg, today)
			if errors.Is(err, ErrCalendar) != tt.bad || errors.Is(err, config.ErrInvalid) != tt.bad {
				t.Errorf("error %v", err)
			}
			said := ""
			for _, w := range warnings {
				said += w.Why
			}
			if err != nil {
				said = err.Error()
			}
			if tt.want == "" && said != "" || !strings.Contains(said, tt.want) || len(warnings) > 1 {
				t.Errorf("said %q, want %q", said, tt.want)
			}
		})
	}
}
