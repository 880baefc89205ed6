package work

import (
	"context"
	"testing"
	"time"

	"settled/internal/postgres/pgtest"

	"github.com/jackc/pgx/v5"
)

// TestClockAheadMovesNothing has one of two workers believe for a moment that it is an hour later.
func TestClockAheadMovesNothing(t *testing.T) {
	db, right, wrong := pgtest.DB(t), &clock{}, &clock{}
	right.set(start)
	wrong.set(start.Add(time.Hour))
	specs := map[string]string{"expire": "* * * * *"}
	good, bad := newRunner(t, db, right, idle(), specs), newRunner(t, db, wrong, idle(), specs)
	bad.Instant = func(context.Context, pgx.Tx) (time.Time, bool, error) { return right.now(), true, nil }
	if err := good.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := bad.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		right.set(right.now().Add(time.Minute))
		if err := good.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, db, `SELECT count(*) FROM schedule_runs`); n != 5 {
		t.Errorf("%d runs in five minutes", n)
	}
}

// TestScheduleInTheFutureIsMended finds the rows as a clock that was an hour ahead left them.
func TestScheduleInTheFutureIsMended(t *testing.T) {
	db, c := pgtest.DB(t), &clock{}
	c.set(start)
	r := newRunner(t, db, c, idle(), map[string]string{"expire": "* * * * *", "audit": "*/15 * * * *"})
	if err := r.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.set(start.Add(time.Hour))
	if err := r.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.set(start.Add(2 * time.Minute))
	if err := r.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"expire": "2026-03-02T09:03+00:00", "audit": "2026-03-02T09:15+00:00"} {
		var next string
		if err := db.QueryRow(t.Context(), `SELECT next_slot FROM schedules WHERE name = $1`, name).Scan(&next); err != nil || next != want {
			t.Errorf("%s is next at %s, want %s: %v", name, next, want, err)
		}
	}
	if have := samples(t, r)["settled_clock_mended_total{schedule}"]; have != 2 {
		t.Errorf("%v schedules were counted as mended, want 2", have)
	}
	for range 60 {
		c.set(c.now().Add(time.Minute))
		if err := r.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, db, `SELECT count(*) FROM schedule_runs WHERE name = 'expire'`); n < 60 {
		t.Errorf("%d runs of expire in an hour: the slots that had not come were kept", n)
	}
}

// TestUncertainTimeMendsNothing has a worker whose clocks disagree: it leaves the rows as they are.
func TestUncertainTimeMendsNothing(t *testing.T) {
	db, c := pgtest.DB(t), &clock{}
	c.set(start.Add(time.Hour))
	r := newRunner(t, db, c, idle(), map[string]string{"expire": "* * * * *"})
	if err := r.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.set(start)
	r.Instant = func(context.Context, pgx.Tx) (time.Time, bool, error) { return c.now(), false, nil }
	if err := r.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := count(t, db, `SELECT count(*) FROM schedules WHERE next_at > '2026-03-02T10:00Z'`); n != 1 {
		t.Error("a worker that is not sure of the time moved a schedule back")
	}
}
