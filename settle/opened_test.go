package settle_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"settled/internal/money"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/authentication"
	"settled/settle/order"
	"settled/settle/settletest"
)

func open(t *testing.T, w *settletest.World, number string, original money.Amount, tries int) *settle.Order {
	t.Helper()
	m, _ := w.Dir.Merchant(settletest.Merchant)
	o, fresh, err := w.Books.Open(t.Context(), settle.OpenRequest{Merchant: m, OrderNumber: number, Original: original, Means: order.MeansCard,
		Tries: tries, PayBefore: w.Clock.Now().Add(time.Hour), Fingerprint: settle.Fingerprint{Kept: []byte(number + original.String())}})
	if err != nil || !fresh {
		t.Fatalf("open %s: fresh %v, %v", number, fresh, err)
	}
	return o
}

func payOpened(t *testing.T, w *settletest.World, id int64, card string) (*settle.Payment, error) {
	t.Helper()
	pan, err := vault.ParsePAN(card)
	if err != nil {
		t.Fatal(err)
	}
	return w.Books.Pay(t.Context(), settle.PayRequest{Merchant: settletest.Merchant, Order: id, Means: order.MeansCard, PAN: pan, CardExpiry: "2812"})
}

func approved() settle.Result {
	return settle.Result{Approved: true, ActionCode: "000", ApprovalCode: "A1B2C3", Response: "AS000"}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mustState(t *testing.T, w *settletest.World, id int64, want order.State) *settle.Order {
	t.Helper()
	o, err := w.Books.Order(t.Context(), settletest.Merchant, id)
	if err != nil {
		t.Fatal(err)
	}
	if o.State() != want {
		t.Fatalf("order is %s, not %s", o.State(), want)
	}
	proven(t, w)
	return o
}

func TestOpenedOrderIsPaidInItsSecondTry(t *testing.T) {
	w := settletest.New(t)
	o := open(t, w, "P-1", byn(10000), 3)
	mustState(t, w, o.ID, order.StateInProcess)
	p, err := payOpened(t, w, o.ID, "4000000000001166")
	if err != nil {
		t.Fatal(err)
	}
	mustState(t, w, o.ID, order.StateInProcess)
	if _, err := payOpened(t, w, o.ID, settletest.Card); !errors.Is(err, settle.ErrInFlight) {
		t.Fatalf("a second payment beside one in process: %v", err)
	}
	check(t, w.Books.Finish(t.Context(), p, settle.Result{ActionCode: "116", Response: "AS102"}))
	mustState(t, w, o.ID, order.StateInProcess)
	if p, err = payOpened(t, w, o.ID, settletest.Card); err != nil {
		t.Fatal(err)
	}
	check(t, w.Books.Finish(t.Context(), p, approved()))
	o = mustState(t, w, o.ID, order.StateApproved)
	if o.PaymentNumber != 2 || len(o.Operations) != 2 || o.Operations[0].State != settle.OperationFailed {
		t.Fatalf("operations %+v", o.Operations)
	}
	if mask, _ := o.CardOf(&o.Operations[0]); mask != "400000****1166" {
		t.Fatalf("card of the first try is %s", mask)
	}
	if _, err = payOpened(t, w, o.ID, settletest.Card); !errors.Is(err, settle.ErrEnded) {
		t.Fatalf("payment of a paid order: %v", err)
	}
	result, err := w.Books.Cancel(t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: o.ID, Operation: 2, Actor: settle.ByMerchant})
	if err != nil || result.Operation.Number != 3 {
		t.Fatalf("cancel: %+v, %v", result.Operation, err)
	}
	w.AnswerAll(t, settle.VerdictDone, "000")
	mustState(t, w, o.ID, order.StateCanceled)
}

func TestOpenedOrderEndsWithItsLastTry(t *testing.T) {
	w := settletest.New(t)
	o := open(t, w, "P-2", byn(10000), 2)
	for range 2 {
		p, err := payOpened(t, w, o.ID, "4000000000001166")
		check(t, err)
		check(t, w.Books.Finish(t.Context(), p, settle.Result{ActionCode: "116", Response: "AS102"}))
	}
	mustState(t, w, o.ID, order.StateDeclined)
	again := open(t, w, "P-2", byn(10000), 2)
	if again.Attempt != 2 || again.ID == o.ID {
		t.Fatalf("attempt %d, bill %d", again.Attempt, again.ID)
	}
}

func TestOpenedOrderTimesOut(t *testing.T) {
	w := settletest.New(t)
	idle, declined, busy := open(t, w, "T-1", byn(100), 3), open(t, w, "T-2", byn(100), 3), open(t, w, "T-3", byn(100), 3)
	p, err := payOpened(t, w, declined.ID, "4000000000001166")
	check(t, err)
	check(t, w.Books.Finish(t.Context(), p, settle.Result{ActionCode: "116", Response: "AS102"}))
	w.Clock.Advance(59 * time.Minute)
	p, err = payOpened(t, w, busy.ID, settletest.Card)
	check(t, err)
	w.Clock.Advance(time.Minute)
	n, err := w.Books.TimeoutDue(t.Context(), 10)
	if err != nil || n != 2 {
		t.Fatalf("%d timed out, %v", n, err)
	}
	mustState(t, w, idle.ID, order.StateTimeout)
	mustState(t, w, declined.ID, order.StateTimeout)
	mustState(t, w, busy.ID, order.StateInProcess)
	if _, err := payOpened(t, w, idle.ID, settletest.Card); !errors.Is(err, settle.ErrEnded) {
		t.Fatalf("payment after the time: %v", err)
	}
	check(t, w.Books.Finish(t.Context(), p, approved()))
	mustState(t, w, busy.ID, order.StateApproved)
}

func TestUnknownPaymentOfAnOpenedOrderIsReversed(t *testing.T) {
	w := settletest.New(t)
	o := open(t, w, "U-1", byn(5000), 3)
	p, err := payOpened(t, w, o.ID, "4000000000001166")
	check(t, err)
	check(t, w.Books.Finish(t.Context(), p, settle.Result{ActionCode: "116", Response: "AS102"}))
	if p, err = payOpened(t, w, o.ID, settletest.Card); err != nil {
		t.Fatal(err)
	}
	check(t, w.Books.GiveUp(t.Context(), p.Merchant.ID, p.Order, p.Transaction))
	mustState(t, w, o.ID, order.StateInProcess)
	if err := w.Books.Finish(t.Context(), p, approved()); !errors.Is(err, settle.ErrLate) {
		t.Fatalf("late outcome: %v", err)
	}
	if n := w.AnswerAll(t, settle.VerdictDone, "000"); n != 1 {
		t.Fatalf("%d messages owed", n)
	}
	mustState(t, w, o.ID, order.StateDeclined)
}

func TestAuthenticationComesBeforeThePayment(t *testing.T) {
	w := settletest.New(t)
	pan, _ := vault.ParsePAN(settletest.Card)
	begin := func(o *settle.Order, server string) {
		t.Helper()
		_, err := w.Books.Authenticate(t.Context(), settle.PayRequest{Merchant: settletest.Merchant, Order: o.ID, Means: order.MeansCard,
			PAN: pan, CardExpiry: "2812"}, authentication.Authentication{ServerID: server, Version: "2.2.0", Required: 1})
		check(t, err)
		mustState(t, w, o.ID, order.StateInProcess)
	}
	passed := open(t, w, "S-1", byn(100), 1)
	begin(passed, "s-1")
	check(t, w.Books.Challenged(t.Context(), settletest.Merchant, passed.ID, authentication.Authentication{ServerID: "s-1", Status: "C"}))
	ok := authentication.Authentication{ServerID: "s-1", State: authentication.Passed, Status: "Y", ECI: "05"}
	p, err := w.Books.Authenticated(t.Context(), settletest.Merchant, passed.ID, ok, "")
	check(t, err)
	mustState(t, w, passed.ID, order.StateInProcess)
	if _, err := w.Books.Authenticated(t.Context(), settletest.Merchant, passed.ID, ok, ""); !errors.Is(err, settle.ErrEnded) {
		t.Fatalf("a result used twice: %v", err)
	}
	check(t, w.Books.Finish(t.Context(), p, approved()))
	o := mustState(t, w, passed.ID, order.StateApproved)
	if len(o.Operations) != 1 || o.Operations[0].State != settle.OperationDone {
		t.Fatalf("operations %+v", o.Operations)
	}
	failed := open(t, w, "S-2", byn(100), 1)
	begin(failed, "s-2")
	p, err = w.Books.Authenticated(t.Context(), settletest.Merchant, failed.ID, authentication.Authentication{ServerID: "s-2", Status: "N"}, "AS100")
	if err != nil || p != nil {
		t.Fatalf("payment %v after a failed authentication, %v", p, err)
	}
	mustState(t, w, failed.ID, order.StateDeclined)
	left := open(t, w, "S-3", byn(100), 2)
	begin(left, "s-3")
	begin(left, "s-3b")
	w.Clock.Advance(time.Hour)
	if n, err := w.Books.TimeoutDue(t.Context(), 10); n != 1 || err != nil {
		t.Fatalf("%d timed out, %v", n, err)
	}
	mustState(t, w, left.ID, order.StateTimeout)
}

func TestOpenIsRepeatable(t *testing.T) {
	w := settletest.New(t)
	o := open(t, w, "R-1", byn(100), 1)
	m, _ := w.Dir.Merchant(settletest.Merchant)
	r := settle.OpenRequest{Merchant: m, OrderNumber: "R-1", Original: byn(100), Means: order.MeansCard, Tries: 1,
		PayBefore: w.Clock.Now().Add(time.Hour), Fingerprint: settle.Fingerprint{Kept: []byte("R-1" + byn(100).String())}}
	same, fresh, err := w.Books.Open(t.Context(), r)
	if err != nil || fresh || same.ID != o.ID {
		t.Fatalf("fresh %v, %v", fresh, err)
	}
	r.Fingerprint = settle.Fingerprint{Kept: []byte("other")}
	if _, _, err = w.Books.Open(t.Context(), r); !errors.Is(err, settle.ErrOrderExists) {
		t.Fatalf("different request: %v", err)
	}
	if o, err = w.Books.Refuse(t.Context(), settletest.Merchant, o.ID); err != nil || o.State() != order.StateDeclined {
		t.Fatalf("refused: %v", err)
	}
}

// Of many that begin to pay an opened order at once, one does.
func TestOnePaymentAtATime(t *testing.T) {
	w := settletest.New(t)
	o := open(t, w, "RACE", byn(100), 10)
	results := make(chan error, 8)
	for range cap(results) {
		go func() { _, err := payOpened(t, w, o.ID, settletest.Card); results <- err }()
	}
	began := 0
	for range cap(results) {
		switch err := <-results; {
		case err == nil:
			began++
		case !errors.Is(err, settle.ErrInFlight):
			t.Error(err)
		}
	}
	if began != 1 {
		t.Fatal(fmt.Sprint(began, " payments began"))
	}
}

// A buyer pays what the order showed when it was opened, also when the rate has changed since.
func TestOpenedOrderKeepsItsRate(t *testing.T) {
	change := settletest.Start.Add(10 * time.Minute)
	rate := func(text string) money.Rate {
		r, err := money.ParseRate(text)
		check(t, err)
		return r
	}
	w := settletest.New(t, func(d *settle.Directory) {
		*d = *d.WithRates([]settle.RateEntry{{From: money.RUB, To: money.BYN, Rate: rate("0.0350"), Source: "bank", ValidTo: change},
			{From: money.RUB, To: money.BYN, Rate: rate("0.0400"), Source: "bank", ValidFrom: change}})
	})
	o := open(t, w, "FX", money.Amount{Minor: 100000, Currency: money.RUB}, 1)
	if o.Amount != byn(3500) || o.Rate != "0.0350" {
		t.Fatalf("%v at %s", o.Amount, o.Rate)
	}
	w.Clock.Set(change.Add(time.Minute))
	p, err := payOpened(t, w, o.ID, settletest.Card)
	check(t, err)
	check(t, w.Books.Finish(t.Context(), p, approved()))
	if o = mustState(t, w, o.ID, order.StateApproved); o.Amount != byn(3500) || o.Rate != "0.0350" || o.Amounts.Confirmed != 3500 {
		t.Fatalf("paid %v at %s", o.Amount, o.Rate)
	}
	if later := open(t, w, "FX-2", money.Amount{Minor: 100000, Currency: money.RUB}, 1); later.Amount != byn(4000) {
		t.Fatalf("a later order comes to %v", later.Amount)
	}
}
