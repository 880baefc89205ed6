package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"settled/internal/postgres"
	"settled/internal/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var key = postgres.Key{Name: "test"}

// run is InTx with statements.
func run(t *testing.T, pool *pgxpool.Pool, statements ...string) error {
	t.Helper()
	return postgres.InTx(t.Context(), pool, key, func(tx pgx.Tx) error {
		for _, sql := range statements {
			if _, err := tx.Exec(t.Context(), sql); err != nil {
				return err
			}
		}
		return nil
	})
}

func rows(t *testing.T, pool *pgxpool.Pool) (n int) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM paid").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestInTxOutcomes(t *testing.T) {
	pool := ledger(t)
	insert := "INSERT INTO paid (seq, id) VALUES (1, 1)"
	if err := run(t, pool, insert); postgres.Kind(err) != postgres.Done {
		t.Errorf("got %v, want done", err)
	}
	if err := run(t, pool, insert); postgres.Kind(err) != postgres.Rejected {
		t.Errorf("key violation: got %v, want rejected", err)
	}
	own := errors.New("no money")
	err := postgres.InTx(t.Context(), pool, key, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), "INSERT INTO paid (id) VALUES (2)")
		return errors.Join(own, err)
	})
	if !errors.Is(err, own) || postgres.Kind(err) != postgres.Rejected {
		t.Errorf("own error: got %v, want it, rejected", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	err = postgres.InTx(cancelled, pool, key, func(pgx.Tx) error { return nil })
	if !errors.Is(err, context.Canceled) || postgres.Kind(err) != postgres.Rejected {
		t.Errorf("cancelled before it began: got %v, want rejected", err)
	}
	if n := rows(t, pool); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
	if postgres.Kind(errors.New("stranger")) != postgres.Unknown {
		t.Error("an error of somebody else must be unknown")
	}
}

func TestCancelledContextStillCommits(t *testing.T) {
	pool := ledger(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := postgres.InTx(ctx, pool, key, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO paid (id) VALUES (1)")
		cancel()
		return err
	})
	if err != nil || rows(t, pool) != 1 {
		t.Errorf("got %v and %d rows, want a commit", err, rows(t, pool))
	}
}

func TestIgnoredErrorDoesNotCommit(t *testing.T) {
	pool := ledger(t)
	err := postgres.InTx(t.Context(), pool, key, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "INSERT INTO paid (id) VALUES (1)"); err != nil {
			return err
		}
		_, _ = tx.Exec(t.Context(), "SELECT 1/0")
		return nil
	})
	if postgres.Kind(err) != postgres.Rejected || rows(t, pool) != 0 {
		t.Errorf("got %v and %d rows, want rejected and none", err, rows(t, pool))
	}
}

func TestPanicRollsBack(t *testing.T) {
	pool := ledger(t)
	func() {
		defer func() { _ = recover() }()
		_ = postgres.InTx(t.Context(), pool, key, func(tx pgx.Tx) error {
			_, _ = tx.Exec(t.Context(), "INSERT INTO paid (id) VALUES (1)")
			panic("bug")
		})
	}()
	if n := rows(t, pool); n != 0 {
		t.Errorf("%d rows, want none", n)
	}
}

func TestFunctionCannotEndTheTransaction(t *testing.T) {
	pool := ledger(t)
	err := postgres.InTx(t.Context(), pool, key, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), "INSERT INTO paid (id) VALUES (1)")
		if got := tx.Commit(t.Context()); !errors.Is(got, postgres.ErrCommitBelongsToInTx) {
			t.Errorf("Commit: got %v", got)
		}
		if got := tx.Rollback(t.Context()); !errors.Is(got, postgres.ErrCommitBelongsToInTx) {
			t.Errorf("Rollback: got %v", got)
		}
		inner, err2 := tx.Begin(t.Context())
		if err2 == nil {
			_, _ = inner.Exec(t.Context(), "INSERT INTO paid (id) VALUES (2)")
			err2 = inner.Rollback(t.Context())
		}
		return errors.Join(err, err2)
	})
	if err != nil || rows(t, pool) != 1 {
		t.Errorf("got %v and %d rows, want the savepoint undone only", err, rows(t, pool))
	}
}

func TestViolationFoundAtCommitIsRejected(t *testing.T) {
	pool := ledger(t)
	if _, err := pool.Exec(t.Context(), "ALTER TABLE paid ADD UNIQUE (id) DEFERRABLE INITIALLY DEFERRED"); err != nil {
		t.Fatal(err)
	}
	err := run(t, pool, "INSERT INTO paid (id) VALUES (1)", "INSERT INTO paid (id) VALUES (1)")
	if postgres.Kind(err) != postgres.Rejected || rows(t, pool) != 0 {
		t.Errorf("got %v, want rejected", err)
	}
}

// TestCommitHasNoStatementTimeout: the commit of a deferred trigger that sleeps longer than a statement may.
func TestCommitHasNoStatementTimeout(t *testing.T) {
	owner := ledger(t)
	_, err := owner.Exec(t.Context(), `
		CREATE FUNCTION doze() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END $$;
		CREATE CONSTRAINT TRIGGER doze AFTER INSERT ON paid DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION doze()`)
	if err != nil {
		t.Fatal(err)
	}
	hasty, err := postgres.Open(t.Context(), postgres.Config{
		URL: owner.Config().ConnString(), Owner: true, ThrowAway: true, StatementTimeout: 100 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer hasty.Close()
	if err := run(t, hasty, "INSERT INTO paid (id) VALUES (1)"); err != nil {
		t.Errorf("commit was cut off: %v", err)
	}
	if err := run(t, hasty, "SELECT pg_sleep(0.3)"); postgres.Kind(err) != postgres.Rejected {
		t.Errorf("slow statement: got %v, want rejected", err)
	}
}

func TestDeadlockIsRepeated(t *testing.T) {
	pool := ledger(t)
	if err := run(t, pool, "INSERT INTO paid (id) VALUES (0), (0)"); err != nil {
		t.Fatal(err)
	}
	var both, work sync.WaitGroup
	both.Add(2)
	for _, order := range [][2]int{{1, 2}, {2, 1}} {
		work.Go(func() {
			arrived := sync.OnceFunc(func() { both.Done(); both.Wait() })
			err := postgres.InTx(t.Context(), pool, key, func(tx pgx.Tx) error {
				for _, seq := range order {
					if _, err := tx.Exec(t.Context(), "UPDATE paid SET id = id + 1 WHERE seq = $1", seq); err != nil {
						return err
					}
					arrived()
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	work.Wait()
	var sum int
	if err := pool.QueryRow(t.Context(), "SELECT sum(id) FROM paid").Scan(&sum); err != nil || sum != 4 {
		t.Errorf("sum %d, %v; want 4", sum, err)
	}
}

func TestRepeatsAreBounded(t *testing.T) {
	pool := pgtest.DB(t)
	for code, want := range map[string]int{"40001": 5, "40P01": 5, "55P03": 1, "23505": 1} {
		attempts := 0
		err := postgres.InTx(t.Context(), pool, key, func(tx pgx.Tx) error {
			attempts++
			_, err := tx.Exec(t.Context(), fmt.Sprintf("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '%s'; END $$", code))
			return err
		})
		if attempts != want || postgres.Kind(err) != postgres.Rejected {
			t.Errorf("%s: %d attempts, %v; want %d, rejected", code, attempts, err, want)
		}
	}
}
