package postgres_test

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"settled/internal/postgres"
)

const commitOfInTx = "; COMMIT"

// TestNothingLostNothingTwice commits each id until InTx says that it did, over lines that are cut at COMMIT. With a key
// the key decides, without one the transaction's status.
func TestNothingLostNothingTwice(t *testing.T) {
	for _, byKey := range []bool{true, false} {
		t.Run("by key "+strconv.FormatBool(byKey), func(t *testing.T) {
			t.Parallel()
			direct := ledger(t)
			p, url := through(t, direct, commitOfInTx, anyCut)
			pool := openThrough(t, url)
			const ids, workers = 300, 4
			var work sync.WaitGroup
			for w := range workers {
				work.Go(func() {
					for id := w; id < ids; id += workers {
						payOnce(t, pool, id, byKey)
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
				if n := p.done[fate].Load(); n < 50 {
					t.Errorf("cut %d happened %d times only", fate, n)
				}
			}
		})
	}
}

// payOnce repeats what was surely rolled back, and only that.
func payOnce(t *testing.T, pool *pgxpool.Pool, id int, byKey bool) {
	key := postgres.Key{Name: strconv.Itoa(id)}
	if byKey {
		key.Resolve = func(ctx context.Context, conn *pgx.Conn) (committed, known bool, err error) {
			err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM paid WHERE id = $1)", id).Scan(&committed)
			return committed, true, err
		}
	}
	for range 100 {
		err := postgres.InTx(context.Background(), pool, key, func(tx pgx.Tx) error {
			_, err := tx.Exec(context.Background(), "INSERT INTO paid (id) VALUES ($1)", id)
			return err
		})
		switch postgres.Kind(err) {
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

// TestUnknownStaysUnknown cuts COMMIT and lets nobody ask: the answer must not be a guess.
func TestUnknownStaysUnknown(t *testing.T) {
	direct := ledger(t)
	_, url := through(t, direct, commitOfInTx, func() cut { return afterAnswer })
	pool := openThrough(t, url)
	asked := 0
	err := postgres.InTx(t.Context(), pool, postgres.Key{
		Name: "nobody knows",
		Resolve: func(context.Context, *pgx.Conn) (committed, known bool, err error) {
			if asked++; asked == 1 {
				return false, false, context.DeadlineExceeded // asked again
			}
			return false, true, nil // contradicts the status: committed
		},
	}, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), "INSERT INTO paid (id) VALUES (1)")
		return err
	})
	if postgres.Kind(err) != postgres.Unknown || asked != 2 {
		t.Errorf("got %v after %d questions, want unknown after 2", err, asked)
	}
}

// TestCommitWithoutStandbyIsUnknown: COMMIT waits for a standby that does not come. Giving up makes the transaction visible
// on this server, which a fail-over would forget, so what is seen there is no proof.
func TestCommitWithoutStandbyIsUnknown(t *testing.T) {
	defer postgres.SetTimeouts(500*time.Millisecond, 2*time.Second)()
	server := durableServer(t, map[string]string{"synchronous_standby_names": "nobody"})
	pool, err := postgres.Open(t.Context(), postgres.Config{URL: server.URL("postgres")})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	_, err = pool.Exec(t.Context(), "BEGIN; SET LOCAL synchronous_commit = local; CREATE TABLE paid (id int); COMMIT")
	if err != nil {
		t.Fatal(err)
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
