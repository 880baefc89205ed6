package settle_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"settled/internal/money"
	"settled/internal/postgres/pgtest"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/order"
	"settled/settle/settletest"
	"settled/settle/subscription"

	"github.com/jackc/pgx/v5/pgxpool"
)

// A process that learns late that its payment has no outcome does not give up the payment that was begun since.
func TestGivingUpAPaymentLeavesTheNextOne(t *testing.T) {
	w := settletest.New(t)
	o := open(t, w, "STALE", byn(100), 3)
	first, err := payOpened(t, w, o.ID, "4000000000001166")
	check(t, err)
	check(t, w.Books.Finish(t.Context(), first, settle.Result{ActionCode: "116", Response: "AS102"}))
	second, err := payOpened(t, w, o.ID, settletest.Card)
	check(t, err)
	check(t, w.Books.GiveUp(t.Context(), settletest.Merchant, o.ID, first.Transaction))
	check(t, w.Books.GiveUpUntrusted(t.Context(), settletest.Merchant, o.ID, first.Transaction))
	check(t, w.Books.Finish(t.Context(), second, approved()))
	mustState(t, w, o.ID, order.StateApproved)
}

// Orders that wait for a bank's word stand at the head of the queue and keep no other from being closed.
func TestTimeoutGoesPastOrdersThatStay(t *testing.T) {
	w := settletest.New(t, settletest.WithBank)
	for i := range 3 {
		openInstant(t, w, fmt.Sprint("waits ", i), 100)
	}
	w.Clock.Advance(time.Minute)
	idle := open(t, w, "idle", byn(100), 1)
	w.Clock.Advance(2 * time.Hour)
	if n, err := w.Books.TimeoutDue(t.Context(), 2); n != 1 || err != nil {
		t.Fatalf("%d orders closed, %v", n, err)
	}
	mustState(t, w, idle.ID, order.StateTimeout)
}

// Opened orders are paid at once by more callers than there are connections, before any window of the center is known.
func TestFewConnectionsForOpenedOrders(t *testing.T) {
	w := settletest.New(t)
	const orders = 12
	var ids [orders]int64
	for i := range ids {
		ids[i] = open(t, w, fmt.Sprint("few ", i), byn(100), 1).ID
	}
	cfg := w.Pool.Config()
	cfg.MaxConns = 2
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	check(t, err)
	defer pool.Close()
	few := settle.New(settle.Options{Pool: pool, Directory: w.Dir, Vault: w.Vault, Now: w.Clock.Now})
	defer few.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	pan, _ := vault.ParsePAN(settletest.Card)
	var group sync.WaitGroup
	for _, id := range ids {
		group.Go(func() {
			_, err := few.Pay(ctx, settle.PayRequest{Merchant: settletest.Merchant, Order: id, Means: order.MeansCard, PAN: pan, CardExpiry: "2812"})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

// The bank is asked about an expired payment for a day more, and then no more.
func TestExpiredInstantPaymentIsAskedAbout(t *testing.T) {
	w := settletest.New(t, settletest.WithBank)
	_, p := openInstant(t, w, "expired", 100)
	w.Clock.Advance(10 * time.Minute)
	check(t, w.Books.InstantEnded(t.Context(), p.Merchant, p.Order, p.Operation, settle.EndExpired, "not paid in time"))
	asked, last := 0, time.Duration(0)
	for after := time.Duration(0); after < 30*time.Hour; after += 5 * time.Minute {
		due, err := w.Books.InstantDue(t.Context(), 10)
		check(t, err)
		if len(due) > 0 {
			asked, last = asked+len(due), after
		}
		w.Clock.Advance(5 * time.Minute)
	}
	if asked < 24 || asked > 48 || last < 23*time.Hour || last > 26*time.Hour {
		t.Errorf("asked %d times, the last time after %s", asked, last)
	}
}

// A payment that comes late is given back when its order number is another attempt's by then: the buyer would pay twice.
func TestLateInstantPaymentBesideTheNextAttempt(t *testing.T) {
	w := settletest.New(t, settletest.WithBank)
	o, p := openInstant(t, w, "TWICE", 10000)
	w.Clock.Advance(2 * time.Hour)
	check(t, w.Books.InstantEnded(t.Context(), p.Merchant, p.Order, p.Operation, settle.EndExpired, "expired"))
	_, err := w.Books.TimeoutDue(t.Context(), 10)
	check(t, err)
	again := open(t, w, "TWICE", money.Amount{Minor: 10000, Currency: money.RUB}, 1)
	if again.Attempt != 2 {
		t.Fatalf("attempt %d", again.Attempt)
	}
	_, err = w.Books.InstantMade(t.Context(), p.Merchant, p.Order, p.Operation, made(w, p, "LATE"))
	check(t, err)
	mustState(t, w, o.ID, order.StateCanceled)
}

// Of a late payment and the next attempt of its order number, by the page or by a payment request, one goes on.
func TestLateInstantPaymentAgainstTheNextAttempt(t *testing.T) {
	w := settletest.New(t, settletest.WithBank)
	m, _ := w.Dir.Merchant(settletest.Merchant)
	var late [12]*settle.InstantPayment
	for i := range late {
		_, late[i] = openInstant(t, w, fmt.Sprint("late ", i), 10000)
		check(t, w.Books.InstantEnded(t.Context(), settletest.Merchant, late[i].Order, 1, settle.EndExpired, "expired"))
	}
	w.Clock.Advance(2 * time.Hour)
	_, err := w.Books.TimeoutDue(t.Context(), 100)
	check(t, err)
	for i, p := range late {
		number := fmt.Sprint("late ", i)
		var group sync.WaitGroup
		var next error
		group.Go(func() {
			if _, err := w.Books.InstantMade(t.Context(), p.Merchant, p.Order, p.Operation, made(w, p, number)); err != nil {
				t.Error(err)
			}
		})
		group.Go(func() {
			if i%2 == 0 {
				_, _, next = w.TryBegin(t, settletest.Payment{Number: number, Amount: byn(100)})
				return
			}
			_, _, next = w.Books.Open(t.Context(), settle.OpenRequest{Merchant: m, OrderNumber: number, Original: byn(100), Means: order.MeansCard,
				Tries: 1, PayBefore: w.Clock.Now().Add(time.Hour), Fingerprint: settle.Fingerprint{Kept: []byte("another")}})
		})
		group.Wait()
		want := order.StateCanceled
		if errors.Is(next, settle.ErrOrderExists) {
			want = order.StateApproved
		} else {
			check(t, next)
		}
		if o, err := w.Books.Order(t.Context(), settletest.Merchant, p.Order); err != nil || o.State() != want {
			t.Errorf("%s: the late payment is %s beside the next attempt: %v", number, o.State(), next)
		}
	}
	proven(t, w)
}

// What cannot be the payment of the code, by whose word it is or by what was told before, moves nothing.
func TestInstantPaymentOfAnotherBank(t *testing.T) {
	w := settletest.New(t, settletest.WithBank)
	_, first := openInstant(t, w, "first", 10000)
	o, second := openInstant(t, w, "second", 10000)
	forged := made(w, second, "F")
	forged.Center = settletest.SingleCenter
	if _, err := w.Books.InstantMade(t.Context(), second.Merchant, second.Order, second.Operation, forged); !errors.Is(err, settle.ErrOperation) {
		t.Fatalf("the word of another bank: %v", err)
	}
	for _, p := range []*settle.InstantPayment{first, second} {
		_, err := w.Books.InstantMade(t.Context(), p.Merchant, p.Order, p.Operation, made(w, p, "SAME"))
		check(t, err)
	}
	mustState(t, w, o.ID, order.StateInProcess)
	wantBreak(t, w, "B-05", 1)
}

// One day between payments is not none.
func TestDailySubscriptionIsNotChargedAtOnce(t *testing.T) {
	w := settletest.New(t)
	parent := subscribed(t, w)
	_, err := pgtest.Owner(t, w.Pool).Exec(t.Context(), `UPDATE subscriptions SET period_days = 1,
		agreed = what_was_agreed(merchant_id, order_id, min_amount, max_amount, currency, 1::smallint, last_date)`)
	check(t, err)
	w.Clock.Advance(11 * time.Hour)
	if _, _, err := later(t, w, parent, "early", byn(600)); !errors.Is(err, subscription.ErrTooEarly) {
		t.Fatalf("eleven hours after the first: %v", err)
	}
	w.Clock.Advance(2 * time.Hour)
	_, _, err = later(t, w, parent, "in time", byn(600))
	check(t, err)
}

// A payment that was in process when its subscription was canceled does not bring the subscription back.
func TestCanceledSubscriptionStaysCanceled(t *testing.T) {
	w := settletest.New(t)
	parent := subscribed(t, w)
	w.Clock.Advance(30 * 24 * time.Hour)
	planMore(t, w)
	o, c, err := later(t, w, parent, "in flight", byn(600))
	check(t, err)
	_, err = w.Subscriptions().Cancel(t.Context(), settletest.Merchant, parent)
	check(t, err)
	finishLater(t, w, o, c, approved())
	s, err := w.Subscriptions().Find(t.Context(), settletest.Merchant, parent)
	if err != nil || s.State != subscription.Canceled || s.Payments != 1 {
		t.Fatalf("%+v, %v", s, err)
	}
	proven(t, w)
}

// A later payment that comes after its order was closed is given back: the merchant may ask for the period again.
func TestLaterPaymentThatIsLate(t *testing.T) {
	w := settletest.New(t, settletest.WithBank)
	rub := money.Amount{Minor: 1000, Currency: money.RUB}
	m, _ := w.Dir.Merchant(settletest.Merchant)
	o, _, err := w.Books.Open(t.Context(), settle.OpenRequest{Merchant: m, OrderNumber: "SUB", Original: rub, Means: order.MeansInstant, Tries: 1,
		PayBefore: w.Clock.Now().Add(time.Hour), Fingerprint: settle.Fingerprint{Kept: []byte("SUB")},
		Terms: &subscription.Terms{Min: 500, Max: 2000, PeriodDays: 30, LastDate: w.Clock.Now().AddDate(0, 0, 100).Truncate(24 * time.Hour)}})
	check(t, err)
	begin := func(id int64) *settle.InstantPayment {
		p, err := w.Books.BeginInstant(t.Context(), settletest.Merchant, id, w.Clock.Now().Add(5*time.Minute))
		check(t, err)
		return p
	}
	first := begin(o.ID)
	paid := made(w, first, "FIRST")
	paid.Consent = "consent"
	_, err = w.Books.InstantMade(t.Context(), first.Merchant, first.Order, first.Operation, paid)
	check(t, err)
	for i := range 2 {
		w.Clock.Advance(30 * 24 * time.Hour)
		next, _, err := later(t, w, o.ID, fmt.Sprint("next ", i), rub)
		check(t, err)
		p := begin(next.ID)
		w.Clock.Advance(15 * time.Minute)
		check(t, w.Books.InstantEnded(t.Context(), p.Merchant, p.Order, p.Operation, settle.EndExpired, "not decided in time"))
		_, err = w.Books.InstantMade(t.Context(), p.Merchant, p.Order, p.Operation, made(w, p, fmt.Sprint("LATE ", i)))
		check(t, err)
		mustState(t, w, next.ID, order.StateCanceled)
	}
	s, err := w.Subscriptions().Find(t.Context(), settletest.Merchant, o.ID)
	if err != nil || s.Payments != 0 || s.Declines != 2 || !s.LastPaidAt.Equal(settletest.Start) {
		t.Fatalf("%+v, %v", s, err)
	}
	_, _, err = later(t, w, o.ID, "again", rub)
	check(t, err)
}
