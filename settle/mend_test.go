package settle_test

import (
	"testing"
	"time"

	"settled/settle/settletest"
)

// TestTimesOfAClockThatWasAheadAreMended makes a hold and an unknown payment by a clock that is days ahead.
func TestTimesOfAClockThatWasAheadAreMended(t *testing.T) {
	w := settletest.New(t)
	w.Clock.Advance(72 * time.Hour)
	w.Pay(t, settletest.Payment{Number: "held", Amount: byn(100), TwoStage: true})
	w.Begin(t, settletest.Payment{Number: "unanswered", Amount: byn(100)})
	w.Clock.Set(settletest.Start)
	for i, want := range []map[string]int{{"owed": 1, "hold": 1, "instant": 0}, {"owed": 0, "hold": 0, "instant": 0}} {
		mended, err := w.Books.MendTimes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for of, n := range want {
			if mended[of] != n {
				t.Errorf("look %d: %d of %s were mended, want %d", i, mended[of], of, n)
			}
		}
	}
	var agree bool
	err := w.Pool.QueryRow(t.Context(), `SELECT o.hold_expires_at = h.expires_at AND h.expires_at = $1 FROM orders o JOIN open_holds h USING (merchant_id, order_id)`,
		settletest.Start.Add(48*time.Hour)).Scan(&agree)
	if err != nil || !agree {
		t.Errorf("the end of the hold was not mended: %v", err)
	}
}
