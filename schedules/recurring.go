package schedules

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Recurring is a recurring schedule: a cron spec read on the wall clock of a zone. It is immutable and safe for
// concurrent use.
type Recurring struct {
	spec string
	zone *time.Location
	next func(after time.Time) (Slot, bool)
}

// Slot is one run of a recurring schedule.
type Slot struct {
	// Key names the slot uniquely within its schedule, whenever and wherever it is computed: the wall time for a
	// wall-clock spec ("2026-10-25T02:30"), the wall time with its offset for an interval spec ("2026-10-25T02:30+02:00"),
	// the instant in UTC for @every ("2026-10-25T00:30:00Z").
	Key string
	// At is the instant from which the slot is due, in the zone of the schedule.
	At time.Time
}

// ParseRecurring reads a spec of five fields (minute, hour, day of month, month, day of week), one of @yearly, @monthly,
// @weekly, @daily, @hourly, or @every with a duration of whole seconds, for the wall clock of zone. Days of the week are 0
// to 6 from Sunday, or names; when both days are restricted, either matches. The slots of @every are the multiples of its
// duration since 1970-01-01T00:00Z, in any zone.
//
// It returns [ErrSyntax] for text that is no spec, and for what is accepted elsewhere but means something else than it
// says: a zone inside the spec, a step longer than its field ("*/90"), and a date that never comes ("0 0 30 2 *").
func ParseRecurring(spec string, zone *time.Location) (*Recurring, error) {
	r := &Recurring{spec: strings.TrimSpace(spec), zone: zone}
	if zone == nil {
		return nil, fmt.Errorf("%w: schedule %q has no time zone", ErrSyntax, spec)
	}
	if err := r.parse(); err != nil {
		return nil, fmt.Errorf("%w: schedule %q: %w", ErrSyntax, spec, err)
	}
	return r, nil
}

func (r *Recurring) parse() error {
	if duration, ok := strings.CutPrefix(r.spec, "@every "); ok {
		return r.parseEvery(duration)
	}
	if strings.Contains(r.spec, "TZ=") {
		return fmt.Errorf("the time zone belongs beside the spec")
	}
	if err := checkSteps(r.spec); err != nil {
		return err
	}
	schedule, err := parseStandard(r.spec)
	if err != nil {
		return err
	}
	fields, ok := schedule.(*cron.SpecSchedule)
	if !ok {
		return fmt.Errorf("neither five fields nor a known @name")
	}
	if fields.Next(time.Unix(0, 0).UTC()).IsZero() {
		return fmt.Errorf("it never runs")
	}
	const everyHour = 1<<24 - 1
	if fields.Hour&everyHour == everyHour {
		r.next = func(after time.Time) (Slot, bool) { return nextInterval(fields, r.zone, after) }
	} else {
		r.next = func(after time.Time) (Slot, bool) { return nextWallClock(fields, r.zone, after) }
	}
	return nil
}

func (r *Recurring) parseEvery(text string) error {
	every, err := time.ParseDuration(strings.TrimSpace(text))
	if err != nil {
		return err
	}
	if every < time.Second || every%time.Second != 0 {
		return fmt.Errorf("the interval must be whole seconds, at least one")
	}
	seconds := int64(every / time.Second)
	r.next = func(after time.Time) (Slot, bool) {
		last := after.Unix() - (after.Unix()%seconds+seconds)%seconds
		at := time.Unix(last+seconds, 0)
		return Slot{Key: at.UTC().Format(time.RFC3339), At: at.In(r.zone)}, true
	}
	return nil
}

// parseStandard turns a panic of the parser, which slices without looking, into an error.
func parseStandard(spec string) (schedule cron.Schedule, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the parser gave up: %v", cause)
		}
	}()
	return cron.ParseStandard(spec)
}

// checkSteps refuses a step that is longer than its field has values: the parser would take "*/90" for "0".
func checkSteps(spec string) error {
	longest := []int{60, 24, 31, 12, 7}
	fields := strings.Fields(spec)
	if len(fields) != len(longest) {
		return nil
	}
	for i, field := range fields {
		for item := range strings.SplitSeq(field, ",") {
			_, text, _ := strings.Cut(item, "/")
			if step, err := strconv.Atoi(text); err == nil && step >= longest[i] {
				return fmt.Errorf("step %d in field %q, which has %d values", step, field, longest[i])
			}
		}
	}
	return nil
}

// String returns the spec.
func (r *Recurring) String() string { return r.spec }

// Next returns the first slot after the given instant. It returns false when there is none within five years, which
// happens for 29 February around the year 2100 only.
func (r *Recurring) Next(after time.Time) (Slot, bool) {
	return r.next(after)
}

// Due returns the slots in (after, now], the earliest first, at most limit of them. To continue, pass At of the last as
// the next after. It is the catch-up of a job that must run once for every slot.
func (r *Recurring) Due(after, now time.Time, limit int) []Slot {
	var due []Slot
	for len(due) < limit {
		slot, ok := r.next(after)
		if !ok || slot.At.After(now) {
			break
		}
		due, after = append(due, slot), slot.At
	}
	return due
}

// Latest returns the last slot in (after, now], and false when there is none. It is the catch-up of a job for which one
// run makes up for all that were missed. It looks back from now, ten years at most, so after may be long ago.
func (r *Recurring) Latest(after, now time.Time) (Slot, bool) {
	const tenYears = 10 * 366 * 24 * time.Hour
	for span := time.Hour; ; span = min(24*span, tenYears) {
		from := now.Add(-span)
		if from.Before(after) {
			from = after
		}
		if slot, ok := r.next(from); ok && !slot.At.After(now) {
			return r.lastFrom(slot, now), true
		}
		if from.Equal(after) || span == tenYears {
			return Slot{}, false
		}
	}
}

func (r *Recurring) lastFrom(slot Slot, now time.Time) Slot {
	for {
		later, ok := r.next(slot.At)
		if !ok || later.At.After(now) {
			return slot
		}
		slot = later
	}
}

// nextWallClock computes on wall times, as UTC times that look like them, and resolves the one that it finds.
func nextWallClock(fields *cron.SpecSchedule, zone *time.Location, after time.Time) (Slot, bool) {
	wall := fields.Next(wallTime(after, zone))
	at := resolve(wall, zone)
	for !wall.IsZero() && !at.After(after) {
		wall = fields.Next(wall)
		at = resolve(wall, zone)
	}
	if wall.IsZero() {
		return Slot{}, false
	}
	for !wallTime(at, zone).Equal(wall) {
		later := fields.Next(wall)
		if later.IsZero() || !resolve(later, zone).Equal(at) {
			break
		}
		wall = later
	}
	return Slot{Key: wall.Format("2006-01-02T15:04"), At: at}, true
}

// nextInterval computes on elapsed time: within a stretch of constant offset the wall clock is just a shifted one.
func nextInterval(fields *cron.SpecSchedule, zone *time.Location, after time.Time) (Slot, bool) {
	for stretch := after.In(zone); ; {
		_, seconds := stretch.Zone()
		offset := time.Duration(seconds) * time.Second
		wall := fields.Next(after.Add(offset).UTC())
		if wall.IsZero() {
			return Slot{}, false
		}
		at := wall.Add(-offset).In(zone)
		_, end := stretch.ZoneBounds()
		if end.IsZero() || at.Before(end) {
			return Slot{Key: at.Format("2006-01-02T15:04-07:00"), At: at}, true
		}
		stretch, after = end, end.Add(-time.Nanosecond)
	}
}
