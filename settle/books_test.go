package settle_test

import (
	"testing"

	"settled/internal/money"
	"settled/internal/postgres/pgtest"
	"settled/settle"
	"settled/settle/settletest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func byn(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: money.BYN} }

func ref(a money.Amount) *money.Amount { return &a }

func TestTwoStageLife(t *testing.T) {
	w := settletest.New(t)
	id := w.Pay(t, settletest.Payment{Number: "A-1", Amount: byn(23740), TwoStage: true})
	o, err := w.Books.Order(t.Context(), settletest.Merchant, id)
	if err != nil {
		t.Fatal(err)
	}
	if o.State() != "Delayed" {
		t.Fatalf("state %s", o.State())
	}
	r, err := w.Books.Confirm(t.Context(), settle.ConfirmRequest{Merchant: settletest.Merchant, Order: id, Amount: ref(byn(15000)), AutoDeposit: true, Actor: settle.ByMerchant})
	if err != nil {
		t.Fatal(err)
	}
	if r.Order.State() != "PartialDelayed" {
		t.Fatalf("state %s", r.Order.State())
	}
	again, err := w.Books.Confirm(t.Context(), settle.ConfirmRequest{Merchant: settletest.Merchant, Order: id, Amount: ref(byn(15000)), AutoDeposit: true, Actor: settle.ByMerchant})
	if err != nil || !again.Repeat || again.Operation.Number != r.Operation.Number {
		t.Fatalf("repeat: %+v %v", again, err)
	}
	if n := w.AnswerAll(t, settle.VerdictDone, "400"); n != 1 {
		t.Fatalf("owed %d", n)
	}
	c, err := w.Books.Cancel(t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: id, Actor: settle.ByMerchant})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(c.Operation.Note, c.Order.State())
	if c.Order.State() != "Canceled" {
		t.Fatalf("state %s", c.Order.State())
	}
}

func TestExpiryAndUnknown(t *testing.T) {
	w := settletest.New(t)
	id := w.Pay(t, settletest.Payment{Number: "A-1", Amount: byn(8000), TwoStage: true})
	p := w.Begin(t, settletest.Payment{Number: "A-2", Amount: byn(9999)})
	if err := w.Books.GiveUp(t.Context(), settletest.Merchant, p.Order); err != nil {
		t.Fatal(err)
	}
	if err := w.Books.Finish(t.Context(), p, settle.Result{Approved: true}); err == nil {
		t.Fatal("late finish succeeded")
	}
	if n := w.AnswerAll(t, settle.VerdictDone, "400"); n != 1 {
		t.Fatalf("owed %d", n)
	}
	o, err := w.Books.Order(t.Context(), settletest.Merchant, p.Order)
	if err != nil || o.State() != "Declined" {
		t.Fatalf("%v %v", o.State(), err)
	}
	w.Clock.Advance(settle.DefaultConfirmWithin)
	if n, err := w.Books.ExpireDue(t.Context(), 100); n != 1 || err != nil {
		t.Fatalf("expired %d %v", n, err)
	}
	o, err = w.Books.Order(t.Context(), settletest.Merchant, id)
	if err != nil || o.State() != "Canceled" {
		t.Fatalf("%v %v", o.State(), err)
	}
	if n := w.AnswerAll(t, settle.VerdictDone, "400"); n != 1 {
		t.Fatalf("owed %d", n)
	}
}

func TestSingleMessage(t *testing.T) {
	w := settletest.New(t)
	id := w.Pay(t, settletest.Payment{Number: "U-1", Amount: money.Amount{Minor: 4000, Currency: money.USD}})
	c, err := w.Books.Cancel(t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: id, Actor: settle.ByMerchant})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(c.Operation.Note, c.Order.State())
	w.AnswerAll(t, settle.VerdictTooLate, "940")
	w.AnswerAll(t, settle.VerdictRefused, "100")
	o, err := w.Books.Order(t.Context(), settletest.Merchant, id)
	if err != nil || o.State() != "Approved" {
		t.Fatalf("%v %v", o.State(), err)
	}
}
