package config

import (
	"maps"
	"slices"
	"strings"
	"time"

	"settled/clearing"
	"settled/schedules"
)

// weekdays are the names that calendars use.
var weekdays = map[string]time.Weekday{
	"sun": time.Sunday, "mon": time.Monday, "tue": time.Tuesday, "wed": time.Wednesday,
	"thu": time.Thursday, "fri": time.Friday, "sat": time.Saturday,
}

func (c *checker) calendar(name string, f CalendarFile) *schedules.Calendar {
	at, before := place{"calendars", name}, len(c.problems)
	data := schedules.CalendarData{Name: name}
	for i, day := range f.Weekend {
		weekday, ok := weekdays[strings.ToLower(day)]
		if !ok {
			c.fail(at.at("weekend", i), "%q is not one of sun, mon, tue, wed, thu, fri, sat", day)
		}
		data.Weekend = append(data.Weekend, weekday)
	}
	data.Holidays = c.dates(at.at("holidays"), f.Holidays)
	data.Working = c.dates(at.at("working"), f.Working)
	data.Horizon = c.date(at.at("horizon"), f.Horizon)
	if len(c.problems) > before {
		return nil
	}
	calendar, err := schedules.NewCalendar(data)
	if err != nil {
		c.fail(at, "%v", err)
	}
	return calendar
}

func (c *checker) dates(at place, texts []string) []schedules.Date {
	var dates []schedules.Date
	for i, text := range texts {
		dates = append(dates, c.date(at.at(i), text))
	}
	return dates
}

func (c *checker) date(at place, text string) schedules.Date {
	date, err := schedules.ParseDate(text)
	if err != nil {
		c.fail(at, "%q is no date of the form 2026-12-31", text)
	}
	return date
}

func (c *checker) clock(at place, text string) schedules.TimeOfDay {
	clock, err := schedules.ParseTimeOfDay(text)
	if err != nil {
		c.fail(at, "%q is no time of the form 23:00", text)
	}
	return clock
}

// plan builds the windows of a stream and tries them on every date that the calendar covers from its first year on:
// what collides shows now, not at night.
func (c *checker) plan(at place, f clearing.Settings, zone *time.Location) schedules.Plan {
	before := len(c.problems)
	plan := schedules.Plan{Zone: zone, Calendar: c.calendars[f.Calendar]}
	if _, ok := c.calendars[f.Calendar]; !ok {
		c.fail(at.at("calendar"), "there is no calendar %q", f.Calendar)
	}
	for i, w := range f.Windows {
		plan.Windows = append(plan.Windows, c.window(at.at("windows", i), w))
	}
	if len(f.Windows) == 0 {
		c.fail(at.at("windows"), "at least one window is needed")
	}
	if plan.Calendar == nil || len(c.problems) > before {
		return plan
	}
	horizon := plan.Calendar.Horizon().AddDays(-14)
	if _, err := plan.Occurrences(schedules.NewDate(horizon.Year, time.January, 1), horizon); err != nil {
		c.fail(at.at("windows"), "%v", err)
	}
	return plan
}

func (c *checker) window(at place, f clearing.WindowSettings) schedules.Window {
	if f.No < 1 {
		c.fail(at.at("no"), "windows are numbered from 1")
	}
	return schedules.Window{
		No: f.No, DayOffset: f.DayOffset,
		Cutoff: c.clock(at.at("cutoff"), f.Cutoff), Deadline: c.clock(at.at("deadline"), f.Deadline),
		Days: oneOf(c, at.at("days"), f.Days, schedules.BusinessDays, schedules.AllDays),
	}
}

// DefaultSchedules are the recurring jobs and their specs where the file does not say otherwise.
var DefaultSchedules = map[string]string{
	"plan-windows":  "@hourly",
	"expire":        "@every 60s",
	"timeout":       "@every 30s",
	"send":          "@every 10s",
	"fetch-replies": "@every 60s",
	"audit":         "*/15 * * * *",
	"rollup":        "10 1 * * *",
	"prune":         "@hourly",
	"retention":     "40 3 * * *",

	"reconcile-authorizations": "7 * * * *",
}

func (c *checker) schedules(file map[string]string, zone *time.Location) []Schedule {
	specs := maps.Clone(DefaultSchedules)
	for _, name := range slices.Sorted(maps.Keys(file)) {
		if _, ok := specs[name]; !ok {
			known := slices.Sorted(maps.Keys(DefaultSchedules))
			c.fail(place{"schedules", name}, "there is no recurring job %q; there are %s", name, list(known))
			continue
		}
		specs[name] = file[name]
	}
	var out []Schedule
	for _, name := range slices.Sorted(maps.Keys(specs)) {
		spec, err := schedules.ParseRecurring(specs[name], zone)
		if err != nil {
			c.fail(place{"schedules", name}, "%v", err)
			continue
		}
		out = append(out, Schedule{Name: name, Spec: spec})
	}
	return out
}
