package app

import (
	"fmt"
	"slices"
	"time"

	"settled/clearing"
	"settled/internal/config"
	"settled/schedules"
)

// ErrCalendar is wrapped when a calendar ends before the windows that are to be planned.
var ErrCalendar = fmt.Errorf("%w: a calendar ends", config.ErrInvalid)

// CalendarState is how long a calendar that a center clears by still serves.
type CalendarState struct {
	Name string
	Days int    // until its last date, in the zone of the center; below 0: it has ended
	Says string // what is wrong and what to do; empty: nothing
	Bad  bool   // it ends before the windows that are to be planned
}

// Calendars tells of each calendar that a center clears by how long it still serves, in order of the centers.
func Calendars(cfg *config.Config, now time.Time) (all []CalendarState) {
	for _, c := range cfg.Centers {
		if c.Clearing == nil || slices.ContainsFunc(all, func(s CalendarState) bool { return s.Name == c.Clearing.Plan.Calendar.Name() }) {
			continue
		}
		all = append(all, calendarState(c.Clearing.Plan.Calendar, schedules.DateOf(now.In(c.Clearing.Plan.Zone))))
	}
	return all
}

func calendarState(c *schedules.Calendar, today schedules.Date) CalendarState {
	s := CalendarState{Name: c.Name(), Days: c.Horizon().DaysSince(today)}
	last := c.LastListed()
	switch {
	case s.Days < 0:
		s.Bad, s.Says = true, fmt.Sprintf("it ended %s: no window is planned after it", c.Horizon())
	case s.Days < clearing.PlanAhead:
		s.Bad, s.Says = true, fmt.Sprintf("it ends %s, in %d days, before the %d days for which windows are planned", c.Horizon(), s.Days, clearing.PlanAhead)
	case s.Days < clearing.CalendarWarning:
		s.Says = fmt.Sprintf("it ends %s, in %d days", c.Horizon(), s.Days)
	case !last.IsZero() && last.Before(today):
		s.Says = fmt.Sprintf("the last date that it lists is %s, and it says that it covers the time until %s", last, c.Horizon())
	}
	if s.Says != "" {
		s.Says += ": add the holidays and working days of the coming year, and set its horizon"
	}
	return s
}

// CheckCalendars fails with ErrCalendar when a calendar ends within the days for which windows are planned, and returns what is to be
// told of the others.
func CheckCalendars(cfg *config.Config, now time.Time) (warnings []config.Problem, err error) {
	var bad config.Problems
	for _, s := range Calendars(cfg, now) {
		told := cfg.Problem("calendars."+s.Name+".horizon", s.Says)
		switch {
		case s.Bad:
			bad = append(bad, told)
		case s.Says != "":
			warnings = append(warnings, told)
		}
	}
	if len(bad) > 0 {
		return warnings, fmt.Errorf("%w: %w", ErrCalendar, bad)
	}
	return warnings, nil
}
