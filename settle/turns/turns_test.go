package turns_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"settled/settle/settletest"
	"settled/settle/turns"
)

// Of many callers at once one has the turn; the wait begins with the call that was served and does not grow by others.
func TestTurns(t *testing.T) {
	w := settletest.New(t)
	desk := turns.NewDesk(w.Pool)
	const interval = 10 * time.Minute
	take := func(merchant int32) bool {
		t.Helper()
		ok, err := desk.Take(t.Context(), merchant, "registry", w.Clock.Now(), interval)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	var taken atomic.Int32
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if ok, err := desk.Take(t.Context(), settletest.Merchant, "registry", w.Clock.Now(), interval); err != nil {
				t.Error(err)
			} else if ok {
				taken.Add(1)
			}
		})
	}
	group.Wait()
	if taken.Load() != 1 {
		t.Errorf("%d of eight had the turn", taken.Load())
	}
	if !take(settletest.OtherMerchant) {
		t.Error("another merchant had to wait")
	}
	w.Clock.Advance(interval - time.Second)
	if take(settletest.Merchant) {
		t.Error("too early")
	}
	w.Clock.Advance(time.Second)
	if !take(settletest.Merchant) {
		t.Error("a refused call made the wait longer")
	}
	if err := desk.Return(t.Context(), settletest.Merchant, "registry", w.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	if !take(settletest.Merchant) || take(settletest.Merchant) {
		t.Error("a turn that was given back can be taken once")
	}
}
