package protocol

import "time"

// instantParts are the parameters of an instant: year, month, day, hour and minute.
type instantParts [5]Parameter

// The parts of the ends of a period.
var (
	FromParts = instantParts{inStartYear, inStartMonth, inStartDay, inStartHour, inStartMin}
	ToParts   = instantParts{inEndYear, inEndMonth, inEndDay, inEndHour, inEndMin}
)

// ExactInstant reads the parts of an instant in UTC, and tells whether they are wrong.
func (c *Call) ExactInstant(from instantParts) (t time.Time, wrong bool) {
	var parts [5]int
	for i, bounds := range [5][3]int{{2000, 2999, -1}, {1, 12, -1}, {1, 31, -1}, {0, 23, 0}, {0, 59, 0}} {
		n, err := c.Number(from[i], bounds[0], bounds[1], bounds[2])
		if err != nil || n < 0 {
			return t, true
		}
		parts[i] = n
	}
	t = time.Date(parts[0], time.Month(parts[1]), parts[2], parts[3], parts[4], 0, 0, time.UTC)
	return t, t.Day() != parts[2] // the 31st of a month without one
}

// Instant reads the parts of an instant in UTC. A part that is missing or wrong is taken from otherwise.
func (c *Call) Instant(from instantParts, otherwise time.Time) time.Time {
	otherwise = otherwise.UTC()
	part := func(i, low, high, otherwise int) int {
		n, err := c.Number(from[i], low, high, otherwise)
		if err != nil {
			return otherwise
		}
		return n
	}
	return time.Date(part(0, 2000, 2999, otherwise.Year()), time.Month(part(1, 1, 12, int(otherwise.Month()))),
		part(2, 1, 31, otherwise.Day()), part(3, 0, 23, otherwise.Hour()), part(4, 0, 59, otherwise.Minute()), 0, 0, time.UTC)
}
