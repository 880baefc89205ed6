package schedules

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// ErrSyntax means a text that is not a date, a time of day or a recurring spec of the accepted form.
var ErrSyntax = errors.New("schedules: syntax")

// Date is a day of the Gregorian calendar, in no time zone. Dates are comparable with == and usable as map keys. The zero
// value is no date.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// NewDate returns the date of year, month and day; days and months out of range are carried over as time.Date does.
func NewDate(year int, month time.Month, day int) Date {
	return DateOf(time.Date(year, month, day, 0, 0, 0, 0, time.UTC))
}

// DateOf returns the date that t shows in its own location. Use t.In(zone) first to ask about another zone.
func DateOf(t time.Time) Date {
	year, month, day := t.Date()
	return Date{Year: year, Month: month, Day: day}
}

// ParseDate reads "2026-11-21". Any other form, or a day that does not exist, is [ErrSyntax].
func ParseDate(text string) (Date, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return Date{}, fmt.Errorf("%w: date %q, want YYYY-MM-DD", ErrSyntax, text)
	}
	return DateOf(t), nil
}

// String returns the date as "2026-11-21".
func (d Date) String() string {
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day)
}

// MarshalText writes the form of String.
func (d Date) MarshalText() ([]byte, error) {
	return []byte(d.String()), nil
}

// UnmarshalText reads the form of ParseDate.
func (d *Date) UnmarshalText(text []byte) error {
	parsed, err := ParseDate(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// IsZero reports whether d is no date.
func (d Date) IsZero() bool {
	return d == Date{}
}

// UTC returns the midnight of d in UTC, the form in which databases and formats carry a plain date.
func (d Date) UTC() time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC)
}

// Start returns the first instant of d in zone, which is not 00:00 where a change of clocks skips midnight.
func (d Date) Start(zone *time.Location) time.Time {
	return Resolve(d, 0, zone)
}

// AddDays returns the date n days later, or earlier when n is negative.
func (d Date) AddDays(n int) Date {
	return NewDate(d.Year, d.Month, d.Day+n)
}

// DaysSince returns the number of days from e to d, negative when d is earlier.
func (d Date) DaysSince(e Date) int {
	return int((d.UTC().Unix() - e.UTC().Unix()) / int64(day))
}

// Weekday returns the day of the week.
func (d Date) Weekday() time.Weekday {
	return d.UTC().Weekday()
}

// Compare returns -1, 0 or +1 as d is before, equal to or after e.
func (d Date) Compare(e Date) int {
	return cmp.Or(cmp.Compare(d.Year, e.Year), cmp.Compare(d.Month, e.Month), cmp.Compare(d.Day, e.Day))
}

// Before reports whether d is earlier than e.
func (d Date) Before(e Date) bool { return d.Compare(e) < 0 }

// After reports whether d is later than e.
func (d Date) After(e Date) bool { return d.Compare(e) > 0 }
