package settle_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"settled/settle"
	"settled/settle/settletest"

	"github.com/jackc/pgx/v5"
)

// TestTwoWordsAboutOnePayment puts two outcomes of one payment into one commit, in either order. One counts, and its caller
// alone is told so; the fees, the wishes and all else that follow are of that one.
func TestTwoWordsAboutOnePayment(t *testing.T) {
	declined := settle.Result{ActionCode: "116", Response: "AS102"}
	for i, said := range [][2]settle.Result{{approved(), declined}, {declined, approved()}} {
		for _, n := range []intention{agreement, singleMessage} {
			t.Run(fmt.Sprint(n.name, " ", i), func(t *testing.T) {
				w := settletest.New(t)
				p := payPlain(t, w, begun(t, w, n.ask, "twice"))
				got := inOneCommit(t, w, p, said)
				proven(t, w)
				first := said[0]
				if got[0] != nil {
					first = said[1]
				}
				o, err := w.Books.Order(t.Context(), settletest.Merchant, p.Order)
				check(t, err)
				if (o.Amounts.Authorized > 0) != first.Approved || (got[0] == nil) == (got[1] == nil) || !errors.Is(errors.Join(got[:]...), settle.ErrLate) {
					t.Errorf("%v of %+v; the order is %s", got, said, o.State())
				}
			})
		}
	}
}

// inOneCommit finishes a payment twice while the lane stands still.
func inOneCommit(t *testing.T, w *settletest.World, p *settle.Payment, said [2]settle.Result) (got [2]error) {
	t.Helper()
	held, err := pgx.ConnectConfig(t.Context(), w.Pool.Config().ConnConfig)
	check(t, err)
	defer func() { _ = held.Close(context.Background()) }()
	_, err = held.Exec(t.Context(), "RESET ROLE; BEGIN; LOCK TABLE orders IN SHARE MODE")
	check(t, err)
	before := make(chan error, 1)
	go func() {
		_, _, err := w.TryBeginWithin(t.Context(), t, settletest.Payment{Number: "before", Amount: byn(100)})
		before <- err
	}()
	awaitBlocked(t, held, 1)
	var ended [2]chan error
	for i := range said {
		ended[i] = make(chan error, 1)
		again := *p
		go func() { ended[i] <- w.Books.Finish(t.Context(), &again, said[i]) }()
		awaitQueued(t, w, i+1)
	}
	_, err = held.Exec(t.Context(), "ROLLBACK")
	check(t, err)
	check(t, <-before)
	return [2]error{<-ended[0], <-ended[1]}
}

func awaitQueued(t *testing.T, w *settletest.World, n int) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); settle.Queued(w.Books, settletest.Merchant) < n; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d wait for the lane", settle.Queued(w.Books, settletest.Merchant), n)
		}
	}
}
