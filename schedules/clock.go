package schedules

import (
	"fmt"
	"time"
)

// TimeOfDay is what the clock on the wall shows, in seconds since 00:00:00, from 0 to 86399. The zero value is midnight
// at the start of the day.
type TimeOfDay int

// day is the length of a day on the wall clock.
const day TimeOfDay = 24 * 60 * 60

// NewTimeOfDay returns the time of day of hour and minute. It does not check them: use ParseTimeOfDay for input.
func NewTimeOfDay(hour, minute int) TimeOfDay {
	return TimeOfDay(hour*3600 + minute*60)
}

// ParseTimeOfDay reads "23:00" or "23:59:59". "24:00" does not exist: it is 00:00 of the next day. Any other text is
// [ErrSyntax].
func ParseTimeOfDay(text string) (TimeOfDay, error) {
	for _, layout := range []string{"15:04", time.TimeOnly} {
		if t, err := time.Parse(layout, text); err == nil && len(text) == len(layout) {
			return NewTimeOfDay(t.Hour(), t.Minute()) + TimeOfDay(t.Second()), nil
		}
	}
	return 0, fmt.Errorf("%w: time of day %q, want HH:MM or HH:MM:SS", ErrSyntax, text)
}

// String returns "23:00", with seconds only when there are any.
func (c TimeOfDay) String() string {
	text := fmt.Sprintf("%02d:%02d", c/3600, c/60%60)
	if seconds := c % 60; seconds != 0 {
		text += fmt.Sprintf(":%02d", int(seconds))
	}
	return text
}

// MarshalText writes the form of String.
func (c TimeOfDay) MarshalText() ([]byte, error) {
	return []byte(c.String()), nil
}

// UnmarshalText reads the form of ParseTimeOfDay.
func (c *TimeOfDay) UnmarshalText(text []byte) error {
	parsed, err := ParseTimeOfDay(string(text))
	if err != nil {
		return err
	}
	*c = parsed
	return nil
}

// Resolve returns the first instant at which the wall clock of zone shows date and clock, or something later: the
// instant itself on nearly every day, the first one after the gap when a change of clocks skips that time, and the first
// of the two when a change repeats it. For a later wall time it never returns an earlier instant. The result is in zone.
func Resolve(date Date, clock TimeOfDay, zone *time.Location) time.Time {
	return resolve(date.UTC().Add(time.Duration(clock)*time.Second), zone)
}

// resolve takes the wall time as the UTC time that looks like it. It walks the stretches of constant offset, earliest
// first, and so relies on no choice that time.Date makes for wall times that are missing or ambiguous. No offset has ever
// reached two days, so the walk starts before any instant that could show the wall time.
func resolve(wall time.Time, zone *time.Location) time.Time {
	for t := wall.Add(-48 * time.Hour).In(zone); ; {
		start, end := t.ZoneBounds()
		_, offset := t.Zone()
		instant := wall.Add(-time.Duration(offset) * time.Second).In(zone)
		switch {
		case !end.IsZero() && !instant.Before(end):
			t = end
		case instant.Before(start):
			return start
		default:
			return instant
		}
	}
}

// wallTime returns the UTC time that looks like the wall clock of zone at t.
func wallTime(t time.Time, zone *time.Location) time.Time {
	_, offset := t.In(zone).Zone()
	return t.Add(time.Duration(offset) * time.Second).UTC()
}
