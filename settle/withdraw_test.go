package settle_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"settled/internal/money"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/authentication"
	"settled/settle/order"
	"settled/settle/settletest"
)

func withdraw(w *settletest.World, id int64, amount *money.Amount) (settle.OperationResult, error) {
	return w.Books.Cancel(context.Background(), settle.CancelRequest{Merchant: settletest.Merchant, Order: id, Amount: amount, Reason: settle.ReasonShop, Actor: settle.ByMerchant})
}

// A shop cancels an order that its buyer has not paid, also after a decline: it is closed, and its number stays used.
func TestOpenedOrderIsCanceled(t *testing.T) {
	w := settletest.New(t)
	o := open(t, w, "W-1", byn(100), 3)
	p, err := payOpened(t, w, o.ID, "4000000000001166")
	check(t, err)
	if _, err := withdraw(w, o.ID, nil); !errors.Is(err, settle.ErrInFlight) {
		t.Fatalf("canceled while it is paid: %v", err)
	}
	check(t, w.Books.Finish(t.Context(), p, settle.Result{ActionCode: "116", Response: "AS102"}))
	part := byn(99)
	if _, err := withdraw(w, o.ID, &part); !errors.Is(err, settle.ErrOperation) {
		t.Fatalf("a part of nothing: %v", err)
	}
	whole := byn(100)
	first, err := withdraw(w, o.ID, &whole)
	if err != nil || first.Operation.Kind != settle.OperationCancellation || first.Operation.Number != 2 || first.Operation.State != settle.OperationDone || first.Operation.Amount != 0 {
		t.Fatalf("%+v, %v", first.Operation, err)
	}
	mustState(t, w, o.ID, order.StateCanceled)
	again, err := withdraw(w, o.ID, nil)
	if err != nil || again.Repeat == "" || again.Operation.Number != 2 {
		t.Fatalf("again: %+v, %v", again.Operation, err)
	}
	if _, err := payOpened(t, w, o.ID, settletest.Card); !errors.Is(err, settle.ErrEnded) {
		t.Fatalf("payment of a canceled order: %v", err)
	}
	if _, err := w.Books.Confirm(t.Context(), settle.ConfirmRequest{Merchant: settletest.Merchant, Order: o.ID, Actor: settle.ByMerchant}); !errors.Is(err, settle.ErrOperation) {
		t.Fatalf("confirmation of a canceled order: %v", err)
	}
	m, _ := w.Dir.Merchant(settletest.Merchant)
	found, fresh, err := w.Books.Open(t.Context(), settle.OpenRequest{Merchant: m, OrderNumber: "W-1", Original: byn(100), Means: order.MeansCard,
		Tries: 3, PayBefore: w.Clock.Now().Add(time.Hour), Fingerprint: settle.Fingerprint{Kept: []byte("W-1" + byn(100).String())}})
	if err != nil || fresh || found.ID != o.ID {
		t.Fatalf("the same order again: fresh %v, %v", fresh, err)
	}
	w.Clock.Advance(2 * time.Hour)
	if n, err := w.Books.TimeoutDue(t.Context(), 10); n != 0 || err != nil {
		t.Fatalf("%d timed out, %v", n, err)
	}
	mustState(t, w, o.ID, order.StateCanceled)
}

// What waits for the cardholder has sent nothing: it is given up. A payment that comes late to a canceled order always goes back,
// also where the center would have it adopted.
func TestCanceledOrderTakesNoMoney(t *testing.T) {
	w := settletest.New(t, settletest.WithBank)
	o := open(t, w, "W-2", byn(100), 3)
	pan, _ := vault.ParsePAN(settletest.Card)
	_, err := w.Books.Authenticate(t.Context(), settle.PayRequest{Merchant: settletest.Merchant, Order: o.ID, Means: order.MeansCard, PAN: pan,
		CardExpiry: "2812"}, authentication.Authentication{ServerID: "server-W-2", Required: 1})
	check(t, err)
	_, err = withdraw(w, o.ID, nil)
	check(t, err)
	mustState(t, w, o.ID, order.StateCanceled)

	o, p := openInstant(t, w, "W-3", 500)
	if _, err := withdraw(w, o.ID, nil); !errors.Is(err, settle.ErrInFlight) {
		t.Fatalf("canceled under a code: %v", err)
	}
	check(t, w.Books.InstantEnded(t.Context(), settletest.Merchant, o.ID, p.Operation, settle.EndExpired, "expired"))
	_, err = withdraw(w, o.ID, nil)
	check(t, err)
	_, err = w.Books.InstantMade(t.Context(), settletest.Merchant, o.ID, p.Operation, made(w, p, "OP-W-3"))
	check(t, err)
	o = mustState(t, w, o.ID, order.StateCanceled)
	if o.Amounts.Refunded != 500 {
		t.Fatalf("amounts %+v", o.Amounts)
	}
}
