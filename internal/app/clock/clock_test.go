package clock

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"
)

// hands are the three clocks of a test: of the database, of the host, and the monotonic one.
type hands struct {
	database, wall time.Time
	elapsed        time.Duration
	trip           time.Duration // of a question
}

func (h *hands) pass(d time.Duration) {
	h.database, h.wall, h.elapsed = h.database.Add(d), h.wall.Add(d), h.elapsed+d
}

func start(t *testing.T) (*hands, *Clock) {
	t.Helper()
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	h := &hands{database: at, wall: at}
	c, err := New(t.Context(), Source{
		Ask: func(context.Context) (time.Time, error) {
			h.pass(h.trip / 2)
			defer h.pass(h.trip / 2)
			return h.database, nil
		},
		Wall: func() time.Time { return h.wall }, Elapsed: func() time.Duration { return h.elapsed },
		Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return h, c
}

// run lets seconds pass with a sample after each five.
func run(t *testing.T, h *hands, c *Clock, d time.Duration) {
	t.Helper()
	for range int(d / SampleEvery) {
		before := c.Now()
		h.pass(SampleEvery)
		if err := c.Sample(t.Context()); err != nil {
			t.Fatal(err)
		}
		if c.Now().Before(before) {
			t.Fatalf("the time ran back from %s to %s", before, c.Now())
		}
	}
}

func TestWallClockMovesNothing(t *testing.T) {
	h, c := start(t)
	for _, by := range []time.Duration{time.Hour, -time.Hour} {
		h.wall = h.database.Add(by)
		run(t, h, c, 10*time.Second)
		if got := c.Now(); !got.Equal(h.database) {
			t.Errorf("wall clock off by %s: told %s, the database has %s", by, got, h.database)
		}
		if err := c.Check(); !errors.Is(err, ErrDisagree) {
			t.Errorf("wall clock off by %s: %v", by, err)
		}
		h.wall = h.database
		run(t, h, c, 5*time.Second)
		if err := c.Check(); err != nil {
			t.Errorf("clocks agree again: %v", err)
		}
	}
}

// TestStepOfTheDatabase is a host of both whose clock is ahead for eight seconds, then one that was set for good.
func TestStepOfTheDatabase(t *testing.T) {
	h, c := start(t)
	truth := h.database
	h.database, h.wall = h.database.Add(time.Hour), h.wall.Add(time.Hour)
	run(t, h, c, 10*time.Second)
	truth = truth.Add(10 * time.Second)
	if got := c.Now(); !got.Equal(truth) {
		t.Errorf("ahead for seconds: told %s, it is %s", got, truth)
	}
	if err := c.Check(); !errors.Is(err, ErrDisagree) {
		t.Errorf("a step that is not believed: %v", err)
	}
	h.database, h.wall = truth, truth
	run(t, h, c, 5*time.Second)
	if err := c.Check(); err != nil {
		t.Errorf("after the step was taken back: %v", err)
	}
	h.database, h.wall = h.database.Add(time.Hour), h.wall.Add(time.Hour)
	run(t, h, c, 70*time.Second)
	if got := c.Now(); !got.Equal(h.database) || c.Check() != nil {
		t.Errorf("set for good: told %s, the database has %s, %v", got, h.database, c.Check())
	}
}

func TestTimeNeverRunsBack(t *testing.T) {
	h, c := start(t)
	c.Now()
	h.database = h.database.Add(-20 * time.Second)
	run(t, h, c, 30*time.Second)
	if ahead := c.Now().Sub(h.database); ahead != 5*time.Second { // 20 s ahead, then half a second per second
		t.Errorf("ahead by %s, want 5s", ahead)
	}
	run(t, h, c, 30*time.Second)
	if got := c.Now(); !got.Equal(h.database) {
		t.Errorf("told %s, the database has %s", got, h.database)
	}
}

func TestSlowAnswerSaysNothing(t *testing.T) {
	h, c := start(t)
	h.trip = 2 * time.Second
	h.database = h.database.Add(30 * time.Second)
	if err := c.Sample(t.Context()); err == nil {
		t.Error("an answer that took two seconds was taken")
	}
	h.trip = 400 * time.Millisecond
	if err := c.Sample(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := c.Now(); !got.Equal(h.database) {
		t.Errorf("told %s, the database has %s: the answer is of the middle of its round trip", got, h.database)
	}
	h.pass(2 * time.Minute)
	if err := c.Check(); !errors.Is(err, ErrDisagree) {
		t.Errorf("without a sample for two minutes: %v", err)
	}
}
