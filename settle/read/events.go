package read

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"settled/internal/listing"
	"settled/settle/events"
)

// EventFilter chooses events; a zero field chooses all.
type EventFilter struct {
	Since  time.Time // day of the chain, UTC
	Kind   events.Kind
	Actor  string
	Object events.Object // both fields, or its Kind alone
}

// conditions are what the filter asks for beside its first day, with its arguments from $4 on. A kind that is none is ErrFilter, and so is an object without its kind.
func (f EventFilter) conditions(args []any) (sql string, _ []any, err error) {
	if f.Kind != "" && !f.Kind.Valid() {
		return "", nil, fmt.Errorf("%w: no event has the kind %q", ErrFilter, f.Kind)
	}
	if f.Object.ID != "" && f.Object.Kind == "" {
		return "", nil, fmt.Errorf("%w: an object without its kind: %q", ErrFilter, f.Object.ID)
	}
	var b strings.Builder
	for _, c := range []struct{ column, value string }{{"kind", string(f.Kind)}, {"actor", f.Actor}, {"object_of", f.Object.Kind}, {"object", f.Object.ID}} {
		if c.value != "" {
			args = append(args, c.value)
			fmt.Fprintf(&b, " AND %s = $%d", c.column, len(args))
		}
	}
	return b.String(), args, nil
}

// The list goes by the primary key, or by the index of what the filter names.
const (
	listEvents       = `SELECT ` + events.Columns + ` FROM events WHERE day >= coalesce($1::date, '-infinity') AND (day, no) < (coalesce($2::date, 'infinity'), $3)`
	latestEventFirst = ` ORDER BY day DESC, no DESC LIMIT `
)

// eventList is the name of the list in its keys.
const eventList = "event"

// Events lists who did what, the newest first. There are no totals. Errors: ErrFilter, listing.ErrLimit, listing.ErrKey.
func (b *Books) Events(ctx context.Context, f EventFilter, r listing.Range) (part listing.Part[events.Stored], err error) {
	limit, err := r.Rows()
	if err != nil {
		return part, err
	}
	var before, since *time.Time
	day, no := time.Time{}, int32(math.MaxInt32)
	there, err := listing.ReadKey(r.After, eventList, &day, &no)
	if err != nil {
		return part, err
	}
	if there {
		before = &day
	}
	if !f.Since.IsZero() {
		since = &f.Since
	}
	sql, args, err := f.conditions([]any{since, before, no})
	if err != nil {
		return part, err
	}
	found, err := lookFor[events.Stored](ctx, b, fmt.Sprint(listEvents, sql, latestEventFirst, limit+1), args...)
	return listing.Cut(found, limit, func(s events.Stored) string { return listing.Key(eventList, s.Day, s.No) }), err
}
