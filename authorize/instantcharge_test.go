package authorize_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"settled/internal/money"
	"settled/internal/pcsim"
	"settled/internal/postgres/pgtest"
	"settled/settle"
	"settled/settle/order"
	"settled/settle/settletest"
	"settled/settle/subscription"
)

// consented is a world whose payer agreed at his bank to later instant payments of 1.00 to 5000.00, and the bill number of
// the first.
func consented(t *testing.T) (*world, string) {
	t.Helper()
	w := newWorld(t, pcsim.Behavior{}, settletest.WithBank)
	w.keeps()
	m, _ := w.Dir.Merchant(settletest.Merchant)
	o, _, err := w.Books.Open(t.Context(), settle.OpenRequest{Merchant: m, OrderNumber: "QR-1", Original: money.Amount{Minor: 50_000, Currency: money.RUB},
		Means: order.MeansInstant, Tries: 3, PayBefore: w.Clock.Now().Add(time.Hour), Fingerprint: settle.Fingerprint{Kept: []byte("QR-1")},
		Terms: &subscription.Terms{Min: 100, Max: 500_000, PeriodDays: 30, LastDate: w.Clock.Now().AddDate(1, 0, 0).Truncate(24 * time.Hour)}})
	check(t, err)
	check(t, w.gateway.BeginInstant(t.Context(), o))
	o = w.orderOf(o.ID)
	_, err = w.bank.Scan(w.waiting(o).Payload, true, true)
	check(t, err)
	w.poll(10 * time.Second)
	w.wantState(o.ID, order.StateApproved)
	w.Clock.Advance(30 * 24 * time.Hour)
	return w, fmt.Sprint(o.ID)
}

func nextInstant(bill, number string, minor int64) params {
	return next(bill, number).with(params{"Amount": fmt.Sprintf("%d.%02d", minor/100, minor%100), "Currency": "RUB"})
}

// A later instant payment is charged at the payer's bank: made, refused, or in process until the bank has decided.
func TestLaterInstantPayments(t *testing.T) {
	w, bill := consented(t)
	r := w.call(rp, nextInstant(bill, "QR-2", pcsim.AmountBuyerRefused))
	if r.Order["responsecode"] != "AS100" || r.Order["orderstate"] != "Declined" {
		t.Fatalf("refused: %+v", r)
	}
	r = w.call(rp, nextInstant(bill, "QR-3", pcsim.AmountPaidLate))
	if r.Order["responsecode"] != "AS300" || r.Order["orderstate"] != "In Process" {
		t.Fatalf("not decided: %+v", r)
	}
	w.wantCodes("beside it", w.call(rp, nextInstant(bill, "QR-4", 20_000)), 12, 320)
	w.poll(5 * time.Minute)
	if again := w.call(rp, nextInstant(bill, "QR-3", pcsim.AmountPaidLate)); again.Order["responsecode"] != "AS000" || again.Order["orderstate"] != "Approved" {
		t.Errorf("decided: %+v", again)
	}
	w.Clock.Advance(30 * 24 * time.Hour)
	p := nextInstant(bill, "QR-4", 20_000)
	first := w.call(rp, p)
	if first.Order["responsecode"] != "AS000" || w.call(rp, p).Order["billnumber"] != first.Order["billnumber"] {
		t.Errorf("made: %+v", first)
	}
	if s := w.subscription(bill); s.Payments != 2 {
		t.Errorf("%+v", s)
	}
	o := w.order(settletest.Merchant, strings.TrimSuffix(first.Order["billnumber"], ".1"))
	w.wantState(o.ID, order.StateApproved)
	consents := w.bank.Subscriptions()
	seek := func(where string, content []byte) {
		for _, token := range consents {
			if bytes.Contains(content, []byte(token)) {
				t.Errorf("a consent is in %s", where)
			}
		}
	}
	seek("the log", []byte(w.logs.String()))
	w.sweepDatabase(seek)
	if len(consents) != 1 {
		t.Errorf("consents: %v", consents)
	}
}

// The bank is not reached when the charge is sent: it is asked again under the same id, and charges once.
func TestLaterInstantPaymentUnknown(t *testing.T) {
	w, bill := consented(t)
	check(t, w.bank.SetDown(true))
	r := w.call(rp, nextInstant(bill, "QR-2", 20_000))
	if r.Order["responsecode"] != "AS300" {
		t.Fatalf("%+v", r)
	}
	check(t, w.bank.SetDown(false))
	id, _, _ := strings.Cut(r.Order["billnumber"], ".")
	w.poll(20 * time.Minute)
	w.poll(24 * time.Hour)
	_, err := w.Books.TimeoutDue(t.Context(), 10)
	check(t, err)
	w.wantState(w.order(settletest.Merchant, id).ID, order.StateTimeout)
	for _, p := range w.bank.Payments() {
		if p.ID == id+".1" {
			t.Errorf("the bank charged %+v", p)
		}
	}
	if again := w.call(rp, nextInstant(bill, "QR-3", 20_000)); again.Order["responsecode"] != "AS000" {
		t.Errorf("after it: %+v", again)
	}
}

// A bank that names no consent with the payment is asked for it again, until it does.
func TestLostConsentIsRecovered(t *testing.T) {
	w, bill := consented(t)
	_, err := w.Pool.Exec(t.Context(), `UPDATE subscriptions SET state = 1, credential_id = NULL, last_paid_at = NULL, started_at = NULL`)
	check(t, err)
	_, err = pgtest.Owner(t, w.Pool).Exec(t.Context(), `DELETE FROM credentials`)
	check(t, err)
	_, err = w.Pool.Exec(t.Context(), `INSERT INTO wishes (merchant_id, order_id, kind, operation, wished_at, due_at)
		SELECT merchant_id, order_id, 2, 0, created_at, created_at FROM subscriptions`)
	check(t, err)
	if n, err := w.gateway.FollowDue(t.Context()); n != 1 || err != nil {
		t.Fatalf("%d wishes tried, %v", n, err)
	}
	r := w.call(rp, nextInstant(bill, "QR-2", 20_000))
	if r.Order["responsecode"] != "AS000" || r.Order["orderstate"] != "Approved" {
		t.Fatalf("%+v", r)
	}
}
