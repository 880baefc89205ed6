package work

import (
	"context"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"settled/internal/postgres"
	"settled/internal/postgres/pgtest"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ice is a network between a worker and the database that can be frozen: nothing gets through, no connection ends.
type ice struct {
	sync.RWMutex // locked while frozen
	listener     net.Listener
	network      string
	server       string
}

// behindIce opens a pool on the database of db through a network that can be frozen.
func behindIce(t *testing.T, db *pgxpool.Pool) (*ice, *pgxpool.Pool) {
	t.Helper()
	cfg := db.Config().ConnConfig
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	i := &ice{listener: l}
	i.network, i.server = pgconn.NetworkAddress(cfg.Host, cfg.Port)
	t.Cleanup(func() { _ = l.Close() })
	go i.accept()
	pool, err := postgres.Open(t.Context(), postgres.Config{ThrowAway: true, URL: "host=127.0.0.1 port=" + strconv.Itoa(l.Addr().(*net.TCPAddr).Port) +
		" sslmode=disable user=" + cfg.User + " password='" + cfg.Password + "' dbname=" + cfg.Database})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return i, pool
}

func (i *ice) accept() {
	for {
		client, err := i.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial(i.network, i.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		go i.carry(client, server)
		go i.carry(server, client)
	}
}

func (i *ice) carry(to io.WriteCloser, from io.ReadCloser) {
	defer to.Close()
	buffer := make([]byte, 16<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		i.RLock()
		_, err = to.Write(buffer[:n])
		i.RUnlock()
		if err != nil {
			return
		}
	}
}

// TestFrozenWorkerIsReplaced freezes the connections of a worker in the middle of a recurring job and of a step of the night. Its
// leases run out, the other worker takes both over, and the one that comes back does nothing more.
func TestFrozenWorkerIsReplaced(t *testing.T) {
	db, c := pgtest.DB(t), &clock{}
	c.set(start)
	network, frozenPool := behindIce(t, db)
	begun, ended := make(chan string, 10), make(chan error, 10)
	jobs := idle()
	var back atomic.Bool // the worker came back: what it begins now ends at once
	jobs.Audit = func(ctx context.Context) error {
		if back.Load() {
			return nil
		}
		begun <- "audit"
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return ctx.Err()
	}
	jobs.Seal = func(ctx context.Context, _ int64) error {
		if back.Load() {
			return nil
		}
		begun <- "seal"
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return ctx.Err()
	}
	jobs.Next = func(context.Context) (Next, error) { return Next{Seal: []int64{7}}, nil }
	specs := map[string]string{"audit": "* * * * *"}
	frozen := newRunner(t, frozenPool, c, jobs, specs)
	if err := frozen.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.set(c.now().Add(60e9))
	<-begun
	<-begun

	network.Lock()
	if _, err := db.Exec(t.Context(), `UPDATE leases SET until = clock_timestamp()`); err != nil { // as its time runs out
		t.Fatal(err)
	}
	jobs.Audit = func(context.Context) error { return nil }
	jobs.Seal = func(context.Context, int64) error { return nil }
	jobs.Next = func(context.Context) (Next, error) { return Next{}, nil }
	other := newRunner(t, db, c, jobs, specs)
	if err := other.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.set(c.now().Add(60e9))
	// What the frozen worker holds locked in a transaction ends with the limit of idle ones.
	if _, err := pgtest.Owner(t, db).Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND state LIKE 'idle in transaction%'`); err != nil {
		t.Fatal(err)
	}
	await(t, db, `SELECT count(*) FROM river_job WHERE kind = 'seal' AND state = 'completed'`)
	await(t, db, `SELECT count(*) FROM schedule_runs WHERE slot = '2026-03-02T09:02+00:00' AND finished_at IS NOT NULL`)

	back.Store(true)
	network.Unlock()
	for range 2 {
		if err := <-ended; err == nil {
			t.Error("a job of the frozen worker was not canceled")
		}
	}
	if err := frozen.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := other.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := count(t, db, `SELECT count(*) FROM schedule_runs WHERE slot = '2026-03-02T09:01+00:00' AND finished_at IS NOT NULL`); n != 0 {
		t.Error("the worker that lost its lease noted its run")
	}
}

// TestJobsOfALivingWorkerStay looks for vanished workers while one works for long.
func TestJobsOfALivingWorkerStay(t *testing.T) {
	db, c := pgtest.DB(t), &clock{}
	c.set(start)
	jobs := idle()
	begun, finish := make(chan struct{}, 2), make(chan struct{})
	jobs.Seal = func(context.Context, int64) error { begun <- struct{}{}; <-finish; return nil }
	jobs.Next = func(context.Context) (Next, error) { return Next{Seal: []int64{7}}, nil }
	r := newRunner(t, db, c, jobs, nil)
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-begun
	if _, err := db.Exec(t.Context(), `UPDATE river_job SET attempted_at = now() - interval '3 hours'`); err != nil {
		t.Fatal(err)
	}
	if err := r.rescue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := count(t, db, `SELECT count(*) FROM river_job WHERE state = 'running'`); n != 1 {
		t.Errorf("%d jobs are running, want the one of the living worker", n)
	}
	close(finish)
	if err := r.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}
