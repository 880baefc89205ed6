package postgres_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"settled/internal/postgres"
	"settled/migrations"
)

const commitOfInTx = "; COMMIT"

// TestNothingLostNothingTwice commits each id until InTx says that it did, over lines that are cut at COMMIT.
func TestNothingLostNothingTwice(t *testing.T) {
	direct := ledger(t)
	p, url := through(t, direct, commitOfInTx, anyCut)
	pool := openThrough(t, url)
	const ids, workers = 160, 4
	var work sync.WaitGroup
	for w := range workers {
		work.Go(func() {
			for id := w; id < ids; id += workers {
				payOnce(t, pool, id)
			}
		})
	}
	work.Wait()
	var rows, distinct int
	err := direct.QueryRow(t.Context(), "SELECT count(*), count(DISTINCT id) FROM paid").Scan(&rows, &distinct)
	if err != nil || rows != ids || distinct != ids {
		t.Errorf("%d rows of %d ids, %v; want %d of %d", rows, distinct, err, ids, ids)
	}
	for fate := beforeSent; fate < cuts; fate++ {
		if n := p.done[fate].Load(); n < 20 {
			t.Errorf("cut %d happened %d times only", fate, n)
		}
	}
}

// payOnce repeats what was surely rolled back, and only that.
func payOnce(t *testing.T, pool *pgxpool.Pool, id int) {
	for range 100 {
		switch err := pay(pool, id); postgres.Kind(err) {
		case postgres.Done:
			return
		case postgres.Rejected:
		case postgres.Unknown:
			t.Errorf("id %d: %v", id, err)
			return
		}
	}
	t.Errorf("id %d: cut a hundred times", id)
}

// pay writes a row for id.
func pay(pool *pgxpool.Pool, id int) error {
	return postgres.InTx(context.Background(), pool, postgres.Key{Name: strconv.Itoa(id)}, func(tx pgx.Tx) error {
		_, err := tx.Exec(context.Background(), "INSERT INTO paid (id) VALUES ($1)", id)
		return err
	})
}

// TestNarrowPoolLearnsTheTruth: with as many connections as there are transactions, a lost answer is asked for on the place of
// the lost connection.
func TestNarrowPoolLearnsTheTruth(t *testing.T) {
	direct := ledger(t)
	_, url := through(t, direct, commitOfInTx, func() cut { return afterAnswer })
	pool, err := postgres.Open(t.Context(), postgres.Config{URL: url, Owner: true, ThrowAway: true, MaxConns: 2, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	var work sync.WaitGroup
	for id := range 2 {
		work.Go(func() {
			if err := pay(pool, id); err != nil {
				t.Error(err)
			}
		})
	}
	work.Wait()
}

// TestDriverCallsCommittedSafeToRetry documents why the driver's opinion is never asked. When it fails, pgx has changed
// its mind; the rule stays.
func TestDriverCallsCommittedSafeToRetry(t *testing.T) {
	direct := ledger(t)
	_, url := through(t, direct, "commit", func() cut { return afterAnswer })
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "INSERT INTO paid (id) VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	err = tx.Commit(t.Context())
	var rows int
	if err := direct.QueryRow(t.Context(), "SELECT count(*) FROM paid").Scan(&rows); err != nil {
		t.Fatal(err)
	}
	if rows != 1 || err == nil || !pgconn.SafeToRetry(err) {
		t.Errorf("%d rows, commit says %v, safe to retry %v; want 1 row, an error, true", rows, err, pgconn.SafeToRetry(err))
	}
}

// TestUnknownStaysUnknown cuts COMMIT and lets nobody ask: the answer must not be a guess, and it must come.
func TestUnknownStaysUnknown(t *testing.T) {
	defer postgres.SetTimeouts(time.Second, 300*time.Millisecond)()
	direct := ledger(t)
	var p *proxy
	p, url := through(t, direct, commitOfInTx, func() cut {
		_ = p.listener.Close() // nobody gets through any more
		return afterAnswer
	})
	pool := openThrough(t, url)
	var unknown *postgres.UnknownError
	if err := pay(pool, 1); !errors.As(err, &unknown) || postgres.Kind(err) != postgres.Unknown {
		t.Fatalf("got %v, want unknown", err)
	}
	var there bool
	err := direct.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM commits WHERE token = $1)", unknown.Token).Scan(&there)
	if err != nil || !there || rows(t, direct) != 1 {
		t.Errorf("token there %v, %d rows, %v: the error must name what was committed", there, rows(t, direct), err)
	}
}

// TestDeadlineBoundsCommit: a COMMIT that is never answered is unknown soon after the deadline of its caller.
func TestDeadlineBoundsCommit(t *testing.T) {
	defer postgres.SetGraces(100*time.Millisecond, 200*time.Millisecond)()
	direct := ledger(t)
	p, url := through(t, direct, commitOfInTx, func() cut { return held })
	pool := openThrough(t, url)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		ended <- postgres.InTx(ctx, pool, key, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "INSERT INTO paid (id) VALUES (1)")
			return err
		})
	}()
	release := <-p.holding
	err := <-ended // the session idles in its transaction: it is ended, which proves that nothing was done
	close(release)
	if postgres.Kind(err) == postgres.Done || rows(t, direct) != 0 {
		t.Errorf("got %v and %d rows, want no commit", err, rows(t, direct))
	}
}

// TestCommitWithoutStandbyIsUnknown: COMMIT waits for a standby that does not come. Giving up makes the transaction visible
// on this server, which a fail-over would forget, so what is seen there is no proof.
func TestCommitWithoutStandbyIsUnknown(t *testing.T) {
	defer postgres.SetTimeouts(500*time.Millisecond, 2*time.Second)()
	server := durableServer(t, nil)
	if err := migrations.Up(t.Context(), server.URL("postgres")); err != nil {
		t.Fatal(err)
	}
	pool, err := postgres.Open(t.Context(), postgres.Config{URL: server.URL("postgres"), Owner: true, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for _, sql := range []string{"CREATE TABLE paid (id int)", "ALTER SYSTEM SET synchronous_standby_names = 'nobody'", "SELECT pg_reload_conf()"} {
		if _, err = pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	for err := error(nil); err == nil; { // the server takes the setting over a moment later
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		_, err = pool.Exec(ctx, "SELECT pg_logical_emit_message(true, 'test', 'is a standby waited for?')")
		cancel()
	}
	err = postgres.InTx(t.Context(), pool, postgres.Key{Name: "alone"}, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), "INSERT INTO paid VALUES (1)")
		return err
	})
	if postgres.Kind(err) != postgres.Unknown {
		t.Errorf("got %v, want unknown", err)
	}
	var visible int
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM paid").Scan(&visible); err != nil || visible != 1 {
		t.Errorf("%d rows, %v; the case was not made", visible, err)
	}
}
