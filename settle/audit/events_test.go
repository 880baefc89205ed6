package audit_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"settled/internal/postgres/pgtest"
	"settled/settle/audit"
	"settled/settle/events"
)

// broken are damages to good events, which the invariant of events must find.
var broken = []struct{ name, sql string }{
	{"changed", `UPDATE events SET reason = 'another' WHERE no = 2`},
	{"removed", `DELETE FROM events WHERE no = 2`},
	{"put between", `UPDATE events SET no = 9 WHERE no = 3; INSERT INTO events SELECT at, 99, day, 3, kind, outcome, 'bob', how, role, factor, login, source, object_of, object, reason,
		approval, before, after, sha256('x'), hash FROM events WHERE no = 1; UPDATE events SET no = 4 WHERE no = 9`},
}

func TestEachDamageToEventsIsFound(t *testing.T) {
	b := live(t)
	for range 3 {
		b.must(events.Write(t.Context(), b.Pool, events.Event{At: b.Clock.Now(), Actor: events.Actor{Name: "alice", How: events.ByOS}, Kind: events.BatchRebuild,
			Object: events.Object{Kind: "batch", ID: "1"}, After: json.RawMessage(`{"build": 2}`), Outcome: events.Done}))
	}
	owner := pgtest.Owner(t, b.Pool)
	if found := corrupted(t, owner, b.Clock.Now(), `SELECT`); len(found) > 0 {
		t.Errorf("in good events: %+v", found)
	}
	for _, c := range broken {
		t.Run(c.name, func(t *testing.T) {
			found := corrupted(t, owner, b.Clock.Now(), `ALTER TABLE events DISABLE TRIGGER ALL;`+c.sql)
			if !slices.ContainsFunc(found, func(f audit.Finding) bool {
				return f.Invariant == audit.EventInvariant && strings.HasPrefix(f.Examples[0], "event 2026-")
			}) {
				t.Errorf("not found: %+v", found)
			}
		})
	}
}
