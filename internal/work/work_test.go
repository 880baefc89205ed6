package work

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"settled/internal/config"
	"settled/internal/postgres/pgtest"
	"settled/schedules"
	"settled/settle/notification"

	"github.com/jackc/pgx/v5/pgxpool"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// clock is a clock that tests set.
type clock struct{ unix atomic.Int64 }

func (c *clock) now() time.Time  { return time.Unix(c.unix.Load(), 0).UTC() }
func (c *clock) set(t time.Time) { c.unix.Store(t.Unix()) }

var start = time.Date(2026, 3, 2, 9, 0, 30, 0, time.UTC)

func nothing(context.Context) error { return nil }

func idle() Jobs {
	step := func(context.Context, int64) error { return nil }
	return Jobs{PlanWindows: nothing, Expire: nothing, Send: nothing, FetchReplies: nothing, Audit: nothing, RollUp: nothing, Timeout: nothing,
		MendTimes:        func(context.Context) (map[string]int, error) { return nil, nil },
		Notify:           func(context.Context, notification.Key) error { return nil },
		DueNotifications: func(context.Context) ([]notification.Due, error) { return nil, nil },
		Seal:             step, Build: step, Deliver: step, Apply: step, Next: func(context.Context) (Next, error) { return Next{}, nil }}
}

func newRunner(t *testing.T, db *pgxpool.Pool, c *clock, jobs Jobs, specs map[string]string) *Runner {
	t.Helper()
	var list []config.Schedule
	for name, spec := range specs {
		parsed, err := schedules.ParseRecurring(spec, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, config.Schedule{Name: name, Spec: parsed})
	}
	r, err := New(Options{Pool: db, Schedules: list, Zone: time.UTC, Jobs: jobs, Now: c.now, Tick: 10 * time.Millisecond, Alive: 50 * time.Millisecond,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func count(t *testing.T, db *pgxpool.Pool, query string) (n int) {
	t.Helper()
	if err := db.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTwoWorkersQueueOneRunPerSlot(t *testing.T) {
	db, c := pgtest.DB(t), &clock{}
	c.set(start)
	specs := map[string]string{"expire": "* * * * *", "audit": "*/15 * * * *"}
	workers := []*Runner{newRunner(t, db, c, idle(), specs), newRunner(t, db, c, idle(), specs)}
	for _, w := range workers {
		if err := w.Register(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for range 30 {
		c.set(c.now().Add(time.Minute))
		var both sync.WaitGroup
		for _, w := range workers {
			both.Go(func() {
				if err := w.Tick(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
	}
	if n := count(t, db, `SELECT count(*) FROM schedule_runs WHERE name = 'expire'`); n != 30 {
		t.Errorf("%d runs of expire in 30 minutes", n)
	}
	if n := count(t, db, `SELECT count(*) FROM schedule_runs WHERE name = 'audit'`); n != 2 {
		t.Errorf("%d runs of audit in 30 minutes", n)
	}
	if n := count(t, db, `SELECT count(*) FROM river_job WHERE kind = 'expire'`); n != 30 {
		t.Errorf("%d jobs of expire are queued for 30 slots", n)
	}
}

func TestMissedSlotsAreMadeUpForOnce(t *testing.T) {
	db, c := pgtest.DB(t), &clock{}
	c.set(start)
	r := newRunner(t, db, c, idle(), map[string]string{"rollup": "10 0 * * *"})
	if err := r.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.set(start.AddDate(0, 0, 3)) // three nights without a worker
	again := newRunner(t, db, c, idle(), map[string]string{"rollup": "10 0 * * *"})
	for _, w := range []*Runner{again, r} {
		if err := w.Register(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := w.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var slot string
	var next time.Time
	if err := db.QueryRow(t.Context(), `SELECT slot, next_at FROM schedule_runs JOIN schedules USING (name)`).Scan(&slot, &next); err != nil {
		t.Fatal(err)
	}
	if want := "2026-03-05T00:10"; slot != want {
		t.Errorf("made up for with slot %s, want %s", slot, want)
	}
	if want := time.Date(2026, 3, 6, 0, 10, 0, 0, time.UTC); !next.Equal(want) {
		t.Errorf("next slot at %s, want %s", next, want)
	}
}

func TestChangedSpecStartsAnew(t *testing.T) {
	db, c := pgtest.DB(t), &clock{}
	c.set(start)
	for _, tt := range []struct{ spec, next string }{{"0 12 * * *", "2026-03-02T12:00"}, {"30 10 * * *", "2026-03-02T10:30"}} {
		r := newRunner(t, db, c, idle(), map[string]string{"audit": tt.spec})
		if err := r.Register(t.Context()); err != nil {
			t.Fatal(err)
		}
		var next string
		if err := db.QueryRow(t.Context(), `SELECT next_slot FROM schedules WHERE name = 'audit'`).Scan(&next); err != nil {
			t.Fatal(err)
		}
		if next != tt.next {
			t.Errorf("spec %s: next slot %s, want %s", tt.spec, next, tt.next)
		}
	}
}

// await waits until the query counts something, or the test's time is up.
func await(t *testing.T, db *pgxpool.Pool, query string) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for count(t, db, query) == 0 {
		select {
		case <-deadline:
			t.Fatalf("nothing: %s", query)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestJobsRunAndAreNoted(t *testing.T) {
	db, c := pgtest.DB(t), &clock{}
	c.set(start)
	jobs := idle()
	sealed := make(chan int64, 1)
	todo := Next{Seal: []int64{7}}
	var mu sync.Mutex
	jobs.Next = func(context.Context) (Next, error) { mu.Lock(); defer mu.Unlock(); return todo, nil }
	jobs.Seal = func(_ context.Context, window int64) error {
		mu.Lock()
		todo = Next{}
		mu.Unlock()
		sealed <- window
		return nil
	}
	jobs.Audit = func(context.Context) error { return errors.New("one violation") }
	r := newRunner(t, db, c, jobs, map[string]string{"audit": "* * * * *", "expire": "* * * * *"})
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.set(start.Add(time.Minute))
	if got := <-sealed; got != 7 {
		t.Errorf("sealed window %d", got)
	}
	await(t, db, `SELECT count(*) FROM schedule_runs WHERE name = 'expire' AND finished_at IS NOT NULL AND error = ''`)
	await(t, db, `SELECT count(*) FROM schedule_runs WHERE name = 'audit' AND error = 'one violation'`)
	await(t, db, `SELECT count(*) FROM schedules WHERE name = 'expire' AND last_ok_at IS NOT NULL`)
	if err := r.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := count(t, db, `SELECT count(*) FROM schedules WHERE name = 'audit' AND last_ok_at IS NOT NULL`); n != 0 {
		t.Error("a failed run counts as a success")
	}
}

func TestStopWaitsForWhatIsRunning(t *testing.T) {
	db, c := pgtest.DB(t), &clock{}
	c.set(start)
	jobs := idle()
	begun, finish := make(chan struct{}), make(chan struct{})
	var ended atomic.Bool
	jobs.Expire = func(context.Context) error {
		close(begun)
		<-finish
		ended.Store(true)
		return nil
	}
	r := newRunner(t, db, c, jobs, map[string]string{"expire": "@yearly"})
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.set(start.AddDate(1, 0, 0))
	<-begun
	stopped := make(chan error)
	go func() { stopped <- r.Stop(t.Context()) }()
	select {
	case err := <-stopped:
		t.Fatalf("stopped while a job was running: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(finish)
	if err := <-stopped; err != nil || !ended.Load() {
		t.Fatalf("stop: %v, job ended: %t", err, ended.Load())
	}
}

func TestWakeSendsAtOnce(t *testing.T) {
	db, c := pgtest.DB(t), &clock{}
	c.set(start)
	jobs := idle()
	sent := make(chan struct{})
	jobs.Send = func(context.Context) error { sent <- struct{}{}; return nil }
	r := newRunner(t, db, c, jobs, nil)
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.Wake()
	<-sent
	if err := r.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestSlowRunIsNotOvertaken(t *testing.T) {
	db, c := pgtest.DB(t), &clock{}
	c.set(start)
	jobs := idle()
	begun, finish := make(chan struct{}, 10), make(chan struct{})
	jobs.Audit = func(context.Context) error { begun <- struct{}{}; <-finish; return nil }
	r := newRunner(t, db, c, jobs, map[string]string{"audit": "* * * * *"})
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.set(start.Add(time.Minute))
	<-begun
	c.set(start.Add(2 * time.Minute))
	await(t, db, `SELECT count(*) FROM schedule_runs WHERE error = 'an earlier run still goes on'`)
	close(finish)
	await(t, db, `SELECT count(*) FROM schedule_runs WHERE slot = '2026-03-02T09:01+00:00' AND error = '' AND finished_at IS NOT NULL`)
	c.set(start.Add(3 * time.Minute))
	<-begun
	if err := r.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestDeadWorkerBlocksNobody leaves a job as a worker that was killed does: running, for nobody.
func TestDeadWorkerBlocksNobody(t *testing.T) {
	db, c := pgtest.DB(t), &clock{}
	c.set(start)
	jobs := idle()
	ran := make(chan struct{}, 10)
	jobs.Send = func(context.Context) error { ran <- struct{}{}; return nil }
	r := newRunner(t, db, c, jobs, map[string]string{"send": "* * * * *"})
	if err := r.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.set(start.Add(time.Minute))
	if err := r.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(t.Context(), `UPDATE river_job SET state = 'running', attempt = 1, attempted_at = now(), attempted_by = '{dead}'`); err != nil {
		t.Fatal(err)
	}
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.set(start.Add(2 * time.Minute))
	<-ran
	if err := r.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}
