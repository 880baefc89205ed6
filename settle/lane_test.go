package settle_test

import (
	"testing"
	"time"

	"settled/settle"
	"settled/settle/settletest"

	"github.com/jackc/pgx/v5"
)

// failOnce makes the first COMMIT that owes an exchange wait for advisory lock 7 and then fail as if it could not be
// serialized.
const failOnce = `
CREATE SEQUENCE runs;
CREATE FUNCTION fail_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF nextval('runs') = 1 THEN
		PERFORM pg_advisory_xact_lock(7);
		RAISE EXCEPTION 'once' USING ERRCODE = '40001';
	END IF;
	RETURN NEW;
END $$;
CREATE CONSTRAINT TRIGGER fail_once AFTER INSERT ON owed_exchanges DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail_once()`

// TestOneBeginsThoughACommitIsRepeated lets two processes begin the same order, the first of which is rolled back by the
// database after its row was returned, and loses to the second when it tries again. Only one may go to the center.
func TestOneBeginsThoughACommitIsRepeated(t *testing.T) {
	w := settletest.New(t)
	ctx := t.Context()
	other := *w
	other.Books = settle.New(settle.Options{Pool: w.Pool, Directory: w.Dir, Vault: w.Vault, Now: w.Clock.Now})
	t.Cleanup(other.Books.Close)
	held, err := pgx.ConnectConfig(ctx, w.Pool.Config().ConnConfig)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = held.Close(ctx) }()
	if _, err := held.Exec(ctx, `RESET ROLE;`+failOnce+`; SELECT pg_advisory_lock(7); GRANT USAGE ON SEQUENCE runs TO PUBLIC`); err != nil {
		t.Fatal(err)
	}
	payment := settletest.Payment{Number: "twice", Amount: byn(100)}
	begun := make(chan *settle.Payment, 2)
	begin := func(w *settletest.World) {
		p, _, err := w.TryBegin(t, payment)
		if err != nil {
			t.Error(err)
		}
		begun <- p
	}
	go begin(w)
	awaitBlocked(t, held, 1)
	go begin(&other)
	awaitBlocked(t, held, 2)
	if _, err := held.Exec(ctx, `SELECT pg_advisory_unlock(7)`); err != nil {
		t.Fatal(err)
	}
	first, second := <-begun, <-begun
	if (first == nil) == (second == nil) {
		t.Fatalf("first begun: %t, second begun: %t", first != nil, second != nil)
	}
}

// awaitBlocked returns when n sessions of the database wait for a lock.
func awaitBlocked(t *testing.T, conn *pgx.Conn, n int) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		var blocked int
		err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&blocked)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("%d sessions wait: %v", blocked, err)
		}
		if blocked == n {
			return
		}
	}
}
