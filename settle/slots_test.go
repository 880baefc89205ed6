package settle_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"settled/internal/postgres/pgtest"
	"settled/settle"
	"settled/settle/settletest"
	"settled/settle/subscription"
)

// daily is a subscription of one payment a day whose first payment was made now.
func daily(t *testing.T, w *settletest.World) int64 {
	t.Helper()
	parent := subscribed(t, w)
	_, err := pgtest.Owner(t, w.Pool).Exec(t.Context(), `UPDATE subscriptions SET period_days = 1,
		agreed = what_was_agreed(merchant_id, order_id, min_amount, max_amount, currency, 1::smallint, last_date)`)
	check(t, err)
	return parent
}

// n periods, n payments: whoever asks as often as he is let, at whatever times, gets one payment in a period counted from the
// first, and never one more than periods have begun.
func TestPeriodsAreCountedFromTheFirstPayment(t *testing.T) {
	for _, asks := range []struct {
		name  string
		pause func(r *rand.Rand) time.Duration
	}{
		{"every twelve hours", func(*rand.Rand) time.Duration { return 12 * time.Hour }},
		{"at any time", func(r *rand.Rand) time.Duration { return time.Duration(r.Int64N(int64(20 * time.Hour))) }},
	} {
		t.Run(asks.name, func(t *testing.T) {
			w := settletest.New(t)
			parent := daily(t, w)
			random, days := rand.New(rand.NewPCG(7, 2026)), 12
			paid := map[int]bool{}
			for n, end := 0, settletest.Start.AddDate(0, 0, days); ; n++ {
				w.Clock.Advance(asks.pause(random))
				now := w.Clock.Now()
				if now.After(end) {
					break
				}
				o, c, err := later(t, w, parent, fmt.Sprint("ask ", n), byn(600))
				slot := int(now.Sub(settletest.Start)+12*time.Hour) / int(24*time.Hour)
				switch {
				case err == nil && (slot == 0 || paid[slot]):
					t.Fatalf("a second payment of day %d, at %s", slot, now)
				case err == nil && random.IntN(5) == 0: // declined: the slot may be tried again
					finishLater(t, w, o, c, settle.Result{ActionCode: "116", Response: "AS102"})
				case err == nil:
					finishLater(t, w, o, c, approved())
					paid[slot] = true
				case !errors.Is(err, subscription.ErrTooEarly) || slot > 0 && !paid[slot]:
					t.Fatalf("day %d at %s: %v", slot, now, err)
				}
			}
			s, err := w.Subscriptions().Find(t.Context(), settletest.Merchant, parent)
			if err != nil || s.Payments != len(paid) || s.Payments > days || s.Payments < days/2 {
				t.Errorf("%d payments in %d days, %d of them expected, %v", s.Payments, days, len(paid), err)
			}
			proven(t, w)
		})
	}
}

// A payment that comes late does not move the next one, and a period that nobody asked for has lapsed.
func TestALatePaymentDoesNotMoveTheNext(t *testing.T) {
	w := settletest.New(t)
	parent := daily(t, w)
	take := func(number string, at time.Duration, want error) {
		t.Helper()
		w.Clock.Set(settletest.Start.Add(at))
		o, c, err := later(t, w, parent, number, byn(600))
		if !errors.Is(err, want) {
			t.Fatalf("%s: %v, not %v", number, err, want)
		}
		if err == nil {
			finishLater(t, w, o, c, approved())
		}
	}
	take("day 1, late", 35*time.Hour, nil)
	take("day 1 again", 35*time.Hour+59*time.Minute, subscription.ErrTooEarly)
	take("day 2", 48*time.Hour, nil)
	take("day 5, after two that lapsed", 120*time.Hour, nil)
	take("no second for the lapsed ones", 121*time.Hour, subscription.ErrTooEarly)
	proven(t, w)
}
