package schedules

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrInvalidPlan means a plan that breaks one of its rules, on any date.
	ErrInvalidPlan = errors.New("schedules: invalid plan")
	// ErrCollision means windows whose cut-offs meet or go backwards on the date named. Two cut-offs inside one gap of the
	// clock do that, and so do day offsets that cross.
	ErrCollision = errors.New("schedules: windows collide")
)

// Days says on which dates a window exists.
type Days string

// BusinessDays are the business days of the plan's calendar; AllDays are all dates.
const (
	BusinessDays Days = "business"
	AllDays      Days = "all"
)

// Window is one cut-off of every business date. Its times are read on the wall clock of the plan's zone.
type Window struct {
	// No orders the windows of a date, from 1.
	No int
	// Cutoff is when the window stops adding, on the calendar date DayOffset days after the business date.
	Cutoff TimeOfDay
	// Deadline is when its file must be delivered. A deadline earlier on the clock than the cut-off is one of the next
	// calendar date; equal to it, it is refused. When a gap of the clock swallows the time between the two, the deadline
	// keeps its distance from the cut-off instead.
	Deadline TimeOfDay
	// DayOffset places the window of business date D on the calendar date D-1, D or D+1.
	DayOffset int
	// Days says on which dates the window exists.
	Days Days
}

// Plan is the set of clearing windows of one stream of a processing center. A plan is valid when
//
//  1. zone and calendar are set and there is at least one window;
//  2. the numbers of the windows start at 1 or above and increase;
//  3. every window has times of day, a deadline other than its cut-off, an offset of -1, 0 or 1, and known days.
//
// That cut-offs increase over dates and windows, too, depends on the calendar and the zone, and Occurrences checks it.
type Plan struct {
	Zone     *time.Location
	Calendar *Calendar
	Windows  []Window
}

// Occurrence is one window of one business date: the unit that is sealed into a batch. A record belongs to it when its
// instant is in [OpensAt, CutoffAt).
type Occurrence struct {
	BusinessDate Date
	WindowNo     int
	// OpensAt is the cut-off of the occurrence before. It is zero when the plan has none in the 60 days before.
	OpensAt    time.Time
	CutoffAt   time.Time
	DeadlineAt time.Time
}

// longestClosure bounds, in days, the search for the occurrence before a range.
const longestClosure = 60

// Validate checks the rules of a plan; a breach is [ErrInvalidPlan].
func (p Plan) Validate() error {
	if p.Zone == nil || p.Calendar == nil || len(p.Windows) == 0 {
		return fmt.Errorf("%w: it needs a zone, a calendar and a window", ErrInvalidPlan)
	}
	last := 0
	for _, w := range p.Windows {
		if w.No <= last {
			return fmt.Errorf("%w: window number %d after %d", ErrInvalidPlan, w.No, last)
		}
		if err := w.validate(); err != nil {
			return err
		}
		last = w.No
	}
	return nil
}

func (w Window) validate() error {
	switch {
	case w.Cutoff < 0 || w.Cutoff >= day || w.Deadline < 0 || w.Deadline >= day:
		return fmt.Errorf("%w: window %d has a time outside the day", ErrInvalidPlan, w.No)
	case w.Cutoff == w.Deadline:
		return fmt.Errorf("%w: window %d has its deadline at its cut-off %s", ErrInvalidPlan, w.No, w.Cutoff)
	case w.DayOffset < -1 || w.DayOffset > 1:
		return fmt.Errorf("%w: window %d has day offset %d", ErrInvalidPlan, w.No, w.DayOffset)
	case w.Days != BusinessDays && w.Days != AllDays:
		return fmt.Errorf("%w: window %d is for days %q", ErrInvalidPlan, w.No, w.Days)
	}
	return nil
}

// Occurrences returns the windows of the business dates from through to, both included, in the order of their cut-offs.
// Cut-offs increase strictly over dates and windows, across the start of the range too, else it fails with
// [ErrCollision]; every deadline is after its cut-off. Other errors: [ErrInvalidPlan], [ErrBeyondHorizon]. The instants
// are in the plan's zone. Ask for all dates of the calendar once when a plan is configured: what collides shows then,
// not at night.
func (p Plan) Occurrences(from, to Date) ([]Occurrence, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	last, err := p.lastBefore(from)
	if err != nil {
		return nil, err
	}
	var all []Occurrence
	for date := from; !date.After(to); date = date.AddDays(1) {
		windows, err := p.on(date)
		if err != nil {
			return nil, err
		}
		for _, o := range windows {
			o.OpensAt = last.CutoffAt
			if !o.CutoffAt.After(last.CutoffAt) {
				return nil, collision(last, o)
			}
			all, last = append(all, o), o
		}
	}
	return all, nil
}

// At returns the occurrence to which a record of instant t belongs, the first one with its cut-off after t. Its business
// date is the one expected at t. Errors are those of Occurrences.
func (p Plan) At(t time.Time) (Occurrence, error) {
	if err := p.Validate(); err != nil {
		return Occurrence{}, err
	}
	// With offsets of at most a day, no window of an earlier date can be open at t.
	for date := DateOf(t.In(p.Zone)).AddDays(-2); ; date = date.AddDays(1) {
		windows, err := p.on(date)
		if err != nil {
			return Occurrence{}, err
		}
		for i := range windows {
			if windows[i].CutoffAt.After(t) {
				found, err := p.Occurrences(date, date)
				if err != nil {
					return Occurrence{}, err
				}
				return found[i], nil
			}
		}
	}
}

// Due returns the occurrences with their cut-off in (after, now], in the given order. Calls with adjacent intervals
// together return what one call with the union returns.
func Due(occurrences []Occurrence, after, now time.Time) []Occurrence {
	var due []Occurrence
	for _, o := range occurrences {
		if o.CutoffAt.After(after) && !o.CutoffAt.After(now) {
			due = append(due, o)
		}
	}
	return due
}

// on returns the occurrences of one business date, OpensAt left zero.
func (p Plan) on(date Date) ([]Occurrence, error) {
	var windows []Occurrence
	for _, w := range p.Windows {
		if w.Days == BusinessDays {
			business, err := p.Calendar.IsBusiness(date)
			if err != nil {
				return nil, err
			}
			if !business {
				continue
			}
		}
		windows = append(windows, w.on(date, p.Zone))
	}
	return windows, nil
}

func (w Window) on(date Date, zone *time.Location) Occurrence {
	cutoffDate := date.AddDays(w.DayOffset)
	cutoff := Resolve(cutoffDate, w.Cutoff, zone)
	deadlineDate, distance := cutoffDate, w.Deadline-w.Cutoff
	if distance < 0 {
		deadlineDate, distance = cutoffDate.AddDays(1), distance+day
	}
	deadline := Resolve(deadlineDate, w.Deadline, zone)
	if !deadline.After(cutoff) {
		deadline = cutoff.Add(time.Duration(distance) * time.Second)
	}
	return Occurrence{BusinessDate: date, WindowNo: w.No, CutoffAt: cutoff, DeadlineAt: deadline}
}

func (p Plan) lastBefore(date Date) (Occurrence, error) {
	for range longestClosure {
		date = date.AddDays(-1)
		windows, err := p.on(date)
		if err != nil {
			return Occurrence{}, err
		}
		if len(windows) > 0 {
			return windows[len(windows)-1], nil
		}
	}
	return Occurrence{}, nil
}

func collision(before, o Occurrence) error {
	return fmt.Errorf("%w: window %d of %s is cut off at %s, window %d of %s before it at %s", ErrCollision,
		o.WindowNo, o.BusinessDate, o.CutoffAt, before.WindowNo, before.BusinessDate, before.CutoffAt)
}
