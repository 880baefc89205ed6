package settle_test

import (
	"errors"
	"testing"
	"time"

	"settled/internal/money"
	"settled/settle"
	"settled/settle/ledger"
	"settled/settle/order"
	"settled/settle/settletest"
)

func openInstant(t *testing.T, w *settletest.World, number string, minor int64) (*settle.Order, *settle.InstantPayment) {
	t.Helper()
	o := open(t, w, number, money.Amount{Minor: minor, Currency: money.RUB}, 3)
	p, err := w.Books.BeginInstant(t.Context(), settletest.Merchant, o.ID, w.Clock.Now().Add(10*time.Minute))
	check(t, err)
	check(t, w.Books.InstantRegistered(t.Context(), p, "QR-"+number, "https://qr.example/"+number, w.Clock.Now().Add(10*time.Minute)))
	mustState(t, w, o.ID, order.StateInProcess)
	return o, p
}

func made(w *settletest.World, p *settle.InstantPayment, operation string) settle.Paid {
	return settle.Paid{Center: p.Center, Operation: operation, Amount: p.Amount, At: w.Clock.Now()}
}

func TestInstantPaymentIsPostedOnce(t *testing.T) {
	w := settletest.New(t, settletest.WithBank)
	o, p := openInstant(t, w, "I-1", 10000)
	if again, err := w.Books.BeginInstant(t.Context(), settletest.Merchant, o.ID, w.Clock.Now().Add(time.Hour)); err != nil || again.ID() != p.ID() {
		t.Fatalf("asked again: %v, %v", again, err)
	}
	if _, err := payOpened(t, w, o.ID, settletest.Card); !errors.Is(err, settle.ErrInFlight) {
		t.Fatalf("a card beside an active QR: %v", err)
	}
	for range 2 {
		_, err := w.Books.InstantMade(t.Context(), p.Merchant, p.Order, p.Operation, made(w, p, "A1"))
		check(t, err)
	}
	mustState(t, w, o.ID, order.StateApproved)
	wantBalance(t, w, ledger.Accepted, 10000-250-0-5-120-10+250) // the price stays with us, the costs are netted
	result, err := w.Books.Cancel(t.Context(), settle.CancelRequest{Merchant: p.Merchant, Order: o.ID, Amount: &money.Amount{Minor: 4000, Currency: money.RUB}, Actor: settle.ByMerchant})
	if err != nil || result.Operation.State != settle.OperationInProcess {
		t.Fatalf("cancel %+v: %v", result.Operation, err)
	}
	w.AnswerAll(t, settle.VerdictDone, "000")
	mustState(t, w, o.ID, order.StatePartialCanceled)
}

func TestInstantPaymentThatDoesNotFit(t *testing.T) {
	w := settletest.New(t, settletest.WithBank)
	o, p := openInstant(t, w, "I-2", 10000)
	wrong := made(w, p, "A2")
	wrong.Amount.Minor++
	_, err := w.Books.InstantMade(t.Context(), p.Merchant, p.Order, p.Operation, wrong)
	check(t, err)
	mustState(t, w, o.ID, order.StateInProcess)
	wantBreak(t, w, "B-04", 1)
	_, err = w.Books.InstantMade(t.Context(), p.Merchant, p.Order, p.Operation, made(w, p, "A3"))
	check(t, err)
	_, err = w.Books.InstantMade(t.Context(), p.Merchant, p.Order, p.Operation, made(w, p, "A4"))
	check(t, err)
	mustState(t, w, o.ID, order.StateApproved)
	wantBreak(t, w, "B-05", 1)
}

func TestLateInstantPayment(t *testing.T) {
	for _, policy := range []struct {
		late settle.LatePaid
		want order.State
		owed int
	}{{settle.LateAdopt, order.StateApproved, 0}, {settle.LateRefund, order.StateCanceled, 1}} {
		w := settletest.New(t, settletest.WithBank, func(d *settle.Directory) {
			c, _ := d.Center(settletest.BankCenter)
			c.LatePaid = policy.late
		})
		o, p := openInstant(t, w, "I-3", 10000)
		w.Clock.Advance(2 * time.Hour)
		if n, err := w.Books.TimeoutDue(t.Context(), 10); n != 0 || err != nil {
			t.Fatalf("%d orders closed before the bank's last word, %v", n, err)
		}
		check(t, w.Books.InstantEnded(t.Context(), p.Merchant, p.Order, p.Operation, settle.EndExpired, "expired"))
		if n, err := w.Books.TimeoutDue(t.Context(), 10); n != 1 || err != nil {
			t.Fatalf("%d orders closed, %v", n, err)
		}
		mustState(t, w, o.ID, order.StateTimeout)
		_, err := w.Books.InstantMade(t.Context(), p.Merchant, p.Order, p.Operation, made(w, p, "LATE"))
		check(t, err)
		mustState(t, w, o.ID, policy.want)
		if n := w.AnswerAll(t, settle.VerdictDone, "000"); n != policy.owed {
			t.Fatalf("%d messages owed", n)
		}
		mustState(t, w, o.ID, policy.want)
	}
}

func TestRefusedInstantPaymentLeavesTheOrderOpen(t *testing.T) {
	w := settletest.New(t, settletest.WithBank)
	o := open(t, w, "I-4", money.Amount{Minor: 100, Currency: money.RUB}, 1)
	p, err := w.Books.BeginInstant(t.Context(), settletest.Merchant, o.ID, w.Clock.Now().Add(time.Minute))
	check(t, err)
	check(t, w.Books.InstantEnded(t.Context(), p.Merchant, p.Order, p.Operation, settle.EndLeft, "the bank is not reachable"))
	mustState(t, w, o.ID, order.StateInProcess)
	if p, err = w.Books.BeginInstant(t.Context(), settletest.Merchant, o.ID, w.Clock.Now().Add(time.Minute)); err != nil || p.Operation != 2 {
		t.Fatalf("tried again: %+v, %v", p, err)
	}
	w.Clock.Advance(10 * time.Second)
	due, err := w.Books.InstantDue(t.Context(), 10)
	if err != nil || len(due) != 1 || due[0].ID() != p.ID() {
		t.Fatalf("due %v, %v", due, err)
	}
	if due, err = w.Books.InstantDue(t.Context(), 10); err != nil || len(due) != 0 {
		t.Fatalf("due twice: %v, %v", due, err)
	}
}

func wantBreak(t *testing.T, w *settletest.World, category string, want int) {
	t.Helper()
	var n int
	check(t, w.Pool.QueryRow(t.Context(), `SELECT count(*) FROM breaks WHERE category = $1`, category).Scan(&n))
	if n != want {
		t.Errorf("%d breaks %s, not %d", n, category, want)
	}
}

func wantBalance(t *testing.T, w *settletest.World, code ledger.Code, want int64) {
	t.Helper()
	var have int64
	check(t, w.Pool.QueryRow(t.Context(), `SELECT sum(CASE WHEN debit = $1 THEN amount WHEN credit = $1 THEN -amount ELSE 0 END)::bigint FROM postings`,
		int16(code)).Scan(&have))
	if have != want {
		t.Errorf("account %d is %d, not %d", code, have, want)
	}
}

// Money of another amount keeps no order waiting beyond the end of its code.
func TestInstantPaymentOfAnotherAmountEnds(t *testing.T) {
	w := settletest.New(t, settletest.WithBank)
	o, p := openInstant(t, w, "I-5", 10000)
	wrong := made(w, p, "A5")
	wrong.Amount.Minor--
	w.Clock.Advance(11 * time.Minute)
	_, err := w.Books.InstantMade(t.Context(), p.Merchant, p.Order, p.Operation, wrong)
	check(t, err)
	o = mustState(t, w, o.ID, order.StateInProcess)
	if o.Payment().State != settle.OperationTimedOut {
		t.Fatalf("the operation is %s", o.Payment().State)
	}
	wantBreak(t, w, "B-04", 1)
	w.Clock.Advance(time.Hour)
	if n, err := w.Books.TimeoutDue(t.Context(), 10); n != 1 || err != nil {
		t.Fatalf("%d orders closed, %v", n, err)
	}
	mustState(t, w, o.ID, order.StateTimeout)
}
