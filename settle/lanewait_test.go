package settle_test

import (
	"context"
	"errors"
	"testing"

	"settled/internal/postgres"
	"settled/settle"
	"settled/settle/settletest"

	"github.com/jackc/pgx/v5"
)

// TestLaneThatStandsStill: of two payments whose callers do not wait any longer, the one that the lane has begun to write is
// unknown, and the one behind it is taken back: surely nothing was done, and nothing is done later.
func TestLaneThatStandsStill(t *testing.T) {
	w := settletest.New(t)
	w.Pay(t, settletest.Payment{Number: "first", Amount: byn(100)}) // windows and numbers are known from now on
	held, err := pgx.ConnectConfig(t.Context(), w.Pool.Config().ConnConfig)
	check(t, err)
	defer func() { _ = held.Close(context.Background()) }()
	_, err = held.Exec(t.Context(), "RESET ROLE; BEGIN; LOCK TABLE orders IN SHARE MODE")
	check(t, err)

	begin := func(ctx context.Context, number string) chan error {
		ended := make(chan error, 1)
		go func() {
			_, _, err := w.TryBeginWithin(ctx, t, settletest.Payment{Number: number, Amount: byn(100)})
			ended <- err
		}()
		return ended
	}
	leaving, leave := context.WithCancel(t.Context())
	begun := begin(leaving, "begun")
	awaitBlocked(t, held, 1)
	waiting := begin(leaving, "waiting")
	awaitQueued(t, w, 1)
	leave()
	if err := <-waiting; postgres.Kind(err) != postgres.Rejected || !errors.Is(err, context.Canceled) {
		t.Errorf("waiting: got %v, want rejected", err)
	}
	if err := <-begun; postgres.Kind(err) != postgres.Unknown {
		t.Errorf("begun: got %v, want unknown", err)
	}
	_, err = held.Exec(t.Context(), "ROLLBACK")
	check(t, err)

	w.Pay(t, settletest.Payment{Number: "last", Amount: byn(100)})
	if _, err := w.Books.ByNumber(t.Context(), settletest.Merchant, "begun"); err != nil {
		t.Errorf("begun: %v, want the order", err)
	}
	if _, err := w.Books.ByNumber(t.Context(), settletest.Merchant, "waiting"); !errors.Is(err, settle.ErrNotFound) {
		t.Errorf("waiting: %v, want no order", err)
	}
}
