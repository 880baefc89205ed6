package schedules

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrBeyondHorizon means a question about a date that the calendar does not cover yet. Load the next year.
	ErrBeyondHorizon = errors.New("schedules: date beyond the horizon of the calendar")
	// ErrInvalidCalendar means calendar data that contradicts itself.
	ErrInvalidCalendar = errors.New("schedules: invalid calendar")
)

// CalendarData is what makes a calendar, as configuration or calendar rows give it.
type CalendarData struct {
	// Name identifies the calendar to operators, such as "BY-bank". It is required.
	Name string
	// Weekend lists the days of the week without business; at most six.
	Weekend []time.Weekday
	// Holidays are the dates without business. A holiday on a weekend day changes nothing.
	Holidays []Date
	// Working are the weekend days with business, such as a Saturday swapped for a Monday. Each must be a weekend day and
	// no holiday.
	Working []Date
	// Horizon is the last date that the data covers. No date of the data may lie beyond it.
	Horizon Date
}

// Calendar tells business days from others. It is immutable and safe for concurrent use.
type Calendar struct {
	name    string
	weekend [7]bool
	special map[Date]bool // date → is it a business day, whatever its weekday
	horizon Date
}

// NewCalendar checks the data and returns its calendar. Contradictions are [ErrInvalidCalendar], naming the date.
func NewCalendar(data CalendarData) (*Calendar, error) {
	c := &Calendar{name: data.Name, special: make(map[Date]bool), horizon: data.Horizon}
	if data.Name == "" || data.Horizon.IsZero() {
		return nil, fmt.Errorf("%w: %q needs a name and a horizon", ErrInvalidCalendar, data.Name)
	}
	for _, day := range data.Weekend {
		if day < time.Sunday || day > time.Saturday {
			return nil, fmt.Errorf("%w: %q has weekend day %d", ErrInvalidCalendar, c.name, day)
		}
		c.weekend[day] = true
	}
	if c.weekend == [7]bool{true, true, true, true, true, true, true} {
		return nil, fmt.Errorf("%w: %q has no business days", ErrInvalidCalendar, c.name)
	}
	if err := errors.Join(c.addHolidays(data.Holidays), c.addWorking(data.Working)); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Calendar) addHolidays(dates []Date) error {
	for _, d := range dates {
		if _, listed := c.special[d]; listed || d.After(c.horizon) {
			return fmt.Errorf("%w: %q has holiday %s twice or beyond its horizon %s", ErrInvalidCalendar, c.name, d, c.horizon)
		}
		c.special[d] = false
	}
	return nil
}

func (c *Calendar) addWorking(dates []Date) error {
	for _, d := range dates {
		if _, listed := c.special[d]; listed || d.After(c.horizon) {
			return fmt.Errorf("%w: %q has working day %s twice, as a holiday, or beyond its horizon %s",
				ErrInvalidCalendar, c.name, d, c.horizon)
		}
		if !c.weekend[d.Weekday()] {
			return fmt.Errorf("%w: %q has extra working day %s on a %s, which is one anyway",
				ErrInvalidCalendar, c.name, d, d.Weekday())
		}
		c.special[d] = true
	}
	return nil
}

// Name returns the name of the calendar.
func (c *Calendar) Name() string { return c.name }

// Horizon returns the last date that the calendar covers.
func (c *Calendar) Horizon() Date { return c.horizon }

// LastListed returns the last date that the calendar lists as a holiday or a working day; zero when it lists none. After it the
// calendar knows weekends only, whatever its horizon says.
func (c *Calendar) LastListed() (last Date) {
	for d := range c.special {
		if d.After(last) {
			last = d
		}
	}
	return last
}

// IsBusiness reports whether d is a business day. A date after the horizon is [ErrBeyondHorizon].
func (c *Calendar) IsBusiness(d Date) (bool, error) {
	if d.After(c.horizon) {
		return false, fmt.Errorf("%w: %s of %q, which ends %s", ErrBeyondHorizon, d, c.name, c.horizon)
	}
	if business, listed := c.special[d]; listed {
		return business, nil
	}
	return !c.weekend[d.Weekday()], nil
}

// Roll returns d when it is a business day, else the next one ("following"). It fails with [ErrBeyondHorizon] only.
func (c *Calendar) Roll(d Date) (Date, error) {
	return c.seek(d, 1)
}

// Next returns the first business day after d. It fails with [ErrBeyondHorizon] only.
func (c *Calendar) Next(d Date) (Date, error) {
	return c.seek(d.AddDays(1), 1)
}

// Previous returns the last business day before d. A d more than a day after the horizon is [ErrBeyondHorizon].
func (c *Calendar) Previous(d Date) (Date, error) {
	return c.seek(d.AddDays(-1), -1)
}

// AddBusiness returns the n-th business day after d, or before d when n is negative; T+2 is AddBusiness(T, 2). d need not
// be a business day, and n = 0 returns d as it is. It fails with [ErrBeyondHorizon] only.
func (c *Calendar) AddBusiness(d Date, n int) (Date, error) {
	step := c.Next
	if n < 0 {
		step, n = c.Previous, -n
	}
	for range n {
		var err error
		if d, err = step(d); err != nil {
			return Date{}, err
		}
	}
	return d, nil
}

func (c *Calendar) seek(d Date, step int) (Date, error) {
	for {
		business, err := c.IsBusiness(d)
		if err != nil {
			return Date{}, err
		}
		if business {
			return d, nil
		}
		d = d.AddDays(step)
	}
}
