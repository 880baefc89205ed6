package postgres_test

import (
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"settled/internal/postgres"
	"settled/internal/postgres/local"
	"settled/internal/postgres/pgtest"
	"settled/migrations"
)

// crashing is a server that tests kill, behind a proxy that leads to whichever server runs now.
type crashing struct {
	t      *testing.T
	dir    string
	server *local.Server
	direct *pgxpool.Pool // past the proxy; a new one after each crash
	proxy  *proxy
	pool   *pgxpool.Pool // through the proxy
	hold   atomic.Bool   // the next COMMIT is held
}

// lazyLog keeps records in the buffers of the log until somebody commits.
var lazyLog = map[string]string{"fsync": "off", "wal_writer_delay": "10s", "autovacuum": "off", "checkpoint_timeout": "1h"}

// newCrashing starts a migrated server with a table on which nothing stops a duplicate.
func newCrashing(t *testing.T) *crashing {
	t.Helper()
	dir := filepath.Join("/tmp", "settled-crash-"+strconv.Itoa(os.Getpid())) // the server's user must be able to get there
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	c := &crashing{t: t, dir: dir}
	c.start()
	if err := migrations.Up(t.Context(), c.server.URL("postgres")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.direct.Exec(t.Context(), "CREATE TABLE paid (seq bigserial PRIMARY KEY, id int NOT NULL)"); err != nil {
		t.Fatal(err)
	}
	var url string
	c.proxy, url = through(t, c.direct, commitOfInTx, func() cut {
		if c.hold.CompareAndSwap(true, false) {
			return held
		}
		return pass
	})
	c.pool = openThrough(t, url)
	return c
}

// start starts the server on what is stored, and leads the proxy there.
func (c *crashing) start() {
	c.t.Helper()
	c.server = serverOf(c.t, local.Config{Dir: c.dir, Settings: lazyLog})
	c.reopen()
	if c.proxy != nil {
		c.proxy.lead(c.direct)
	}
}

func (c *crashing) reopen() {
	c.t.Helper()
	pool, err := postgres.Open(c.t.Context(), postgres.Config{URL: c.server.URL("postgres"), Owner: true, ThrowAway: true, Log: quiet})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(pool.Close)
	c.direct = pool
}

// killAll kills every process of the server at once and starts it again.
func (c *crashing) killAll() {
	c.t.Helper()
	c.direct.Close()
	if err := pgtest.Crash(c.t.Context(), c.server); err != nil {
		c.t.Fatal(err)
	}
	c.start()
}

// killOne kills a process that serves nobody of ours, as the system does when memory is short. The server then ends all
// sessions and recovers, under the same postmaster.
func (c *crashing) killOne() {
	c.t.Helper()
	conn, err := pgx.Connect(c.t.Context(), c.server.URL("postgres"))
	if err != nil {
		c.t.Fatal(err)
	}
	c.direct.Close()
	if err := pgtest.Kill(int(conn.PgConn().PID())); err != nil {
		c.t.Fatal(err)
	}
	_, _ = conn.Exec(c.t.Context(), "SELECT pg_sleep(60)") // until the line breaks
	if err := c.server.Ready(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	c.reopen()
	c.proxy.lead(c.direct)
}

// payHeld pays id; its COMMIT never leaves the proxy until then has run.
func (c *crashing) payHeld(id int, then func()) error {
	c.t.Helper()
	c.hold.Store(true)
	ended := make(chan error, 1)
	go func() { ended <- pay(c.pool, id) }()
	release := <-c.proxy.holding
	then()
	close(release)
	return <-ended
}

// others commit n transactions, which take the numbers that are free.
func (c *crashing) others(n int) {
	c.t.Helper()
	for range n {
		if _, err := c.direct.Exec(c.t.Context(), "INSERT INTO paid (id) VALUES (0)"); err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *crashing) paid(id int) (n int) {
	c.t.Helper()
	if err := c.direct.QueryRow(c.t.Context(), "SELECT count(*) FROM paid WHERE id = $1", id).Scan(&n); err != nil {
		c.t.Fatal(err)
	}
	return n
}

// TestCrashIsNoCommit loses a transaction with the buffers of the log, has others take its number, and then loses the
// answer to its COMMIT: it is not there, so it is never told as done. Nobody saw it end either: it is unknown.
func TestCrashIsNoCommit(t *testing.T) {
	c := newCrashing(t)
	for i, crash := range []struct {
		name string
		do   func()
	}{{"all processes", c.killAll}, {"one process", c.killOne}} {
		t.Run(crash.name, func(t *testing.T) {
			id := i + 1
			err := c.payHeld(id, func() {
				crash.do()
				c.others(5)
			})
			if n := c.paid(id); n != 0 {
				t.Fatalf("%d rows: the case was not made", n)
			}
			if postgres.Kind(err) != postgres.Unknown {
				t.Errorf("got %v, want unknown", err)
			}
			c.paysAgain(t, id)
		})
	}
}

func (c *crashing) paysAgain(t *testing.T, id int) {
	t.Helper()
	err := pay(c.pool, id)
	if err != nil || c.paid(id) != 1 {
		t.Errorf("after the crash: %v, %d rows; want 1", err, c.paid(id))
	}
}
