package authorize_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"settled/authorize/online"
	"settled/authorize/payment"
	"settled/internal/pcsim"
	"settled/settle/settletest"
	"settled/settle/subscription"
)

const (
	rp       = "/recurrent/rp.cfm"
	tokenPay = "/pay/tokenpay.cfm"
)

// keeps lets the merchants of the world keep cards.
func (w *world) keeps() {
	w.t.Helper()
	for id, m := range w.options.Merchants {
		m.Page.OneClick, m.Page.Recurring = true, true
		w.options.Merchants[id] = m
	}
	w.shop()
}

// recurring is a first payment of recurring ones: 5.00 to 300.00 every 30 days until the end of August.
func recurring(number string) params {
	return paymentOf(number).with(params{"RecurringIndicator": "1", "RecurringMinAmount": "5.00", "RecurringMaxAmount": "300.00",
		"RecurringPeriod": "30", "RecurringMaxDate": "31.08.2026"})
}

// next is a request of the next recurring payment.
func next(bill, number string) params {
	return credentials().with(params{"BillNumber": bill, "OrderNumber": number, "Amount": "100.00", "Currency": "BYN"})
}

// month lets a period pass and plans the windows of the next days.
func (w *world) month() {
	w.t.Helper()
	w.Clock.Advance(30 * 24 * time.Hour)
	_, err := w.Pool.Exec(w.t.Context(), `INSERT INTO windows (center_id, window_no, stream, business_date, cutoff_at, deadline_at)
		SELECT c, 1, 'ipm', d, d + interval '20 hours', d + interval '21 hours' FROM generate_series($1::date, $1::date + 3, '1 day') d,
			unnest($2::smallint[]) c`, w.Clock.Now(), []int16{settletest.FileCenter, settletest.PlainCenter})
	check(w.t, err)
}

// elapse lets the period of a subscription be over without letting time pass.
func (w *world) elapse(bill string) {
	w.t.Helper()
	_, err := w.Pool.Exec(w.t.Context(), `UPDATE subscriptions SET last_paid_at = last_paid_at - interval '30 days', started_at = started_at - interval '30 days' WHERE order_id = $1`,
		w.order(settletest.Merchant, bill).ID)
	check(w.t, err)
}

func (w *world) wantCodes(what string, r result, first, second int) {
	w.t.Helper()
	if r.First != first || r.Second != second {
		w.t.Errorf("%s: %d/%d, not %d/%d", what, r.First, r.Second, first, second)
	}
}

func (w *world) subscription(bill string) *subscription.Subscription {
	w.t.Helper()
	s, err := w.Subscriptions().Find(w.t.Context(), settletest.Merchant, w.order(settletest.Merchant, bill).ID)
	check(w.t, err)
	return s
}

// A first payment begins recurring ones; the merchant then charges the card within what its buyer agreed to. The simulated
// center approves these only with the network's name of the first payment.
func TestLaterPayments(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.keeps()
	bill := w.paid(recurring("S-1"))
	w.wantCodes("within the period", w.call(rp, next(bill, "S-2")), 17, 211)
	w.month()
	for what, test := range map[string]struct {
		change        params
		first, second int
	}{
		"too low": {params{"Amount": "4.99"}, 5, 108}, "too high": {params{"Amount": "300.01"}, 5, 108}, "another currency": {params{"Currency": "EUR"}, 5, 105},
		"no amount": {params{"Amount": "0"}, 5, 108}, "no number": {params{"OrderNumber": ""}, 3, 107}, "no bill": {params{"BillNumber": ""}, 3, 143},
		"no such bill": {params{"BillNumber": "5100001999999999"}, 10, 201}, "another operation": {params{"BillNumber": bill + ".2"}, 15, 320},
		"a used number": {params{"OrderNumber": "S-1"}, 11, 107}, "another merchant": {otherCredentials(), 10, 201},
	} {
		w.wantCodes(what, w.call(rp, next(bill, "S-2").with(test.change)), test.first, test.second)
	}
	r := w.call(rp, next(bill+".1", "S-2"))
	for name, value := range map[string]string{"responsecode": "AS000", "orderstate": "Approved", "operationtype": "100", "amount": "100.00",
		"ordernumber": "S-2", "meannumber": "411111****1111", "message": "Completed successfully"} {
		if r.Order[name] != value {
			t.Errorf("%s is %q, not %q", name, r.Order[name], value)
		}
	}
	later := w.order(settletest.Merchant, strings.TrimSuffix(r.Order["billnumber"], ".1"))
	if s := w.subscription(bill); later.Parent != s.Order || s.Payments != 1 || later.PaymentTransaction().NetworkID == "" {
		t.Errorf("%+v of %+v", later, s)
	}
	w.wantCodes("within the next period", w.call(rp, next(bill, "S-3")), 17, 211)
	w.month()
	r = w.call(rp, next(bill, "S-3").with(params{"Amount": "", "Currency": ""}))
	if r.Order["amount"] != "237.40" || r.Order["orderstate"] != "Approved" {
		t.Errorf("without an amount: %+v", r)
	}
	w.Clock.Advance(180 * 24 * time.Hour)
	w.wantCodes("after the last date", w.call(rp, next(bill, "S-4")), 16, 320)
	if n, _ := w.Subscriptions().Cancel(t.Context(), settletest.Merchant, w.subscription(bill).Order); n == nil {
		t.Error("nothing was canceled")
	}
	w.wantCodes("canceled", w.call(rp, next(bill, "S-4")), 15, 320)
	w.wantCodes("no first payment", w.call(rp, next(w.order(settletest.Merchant, bill).Number, "S-4")), 4, 143)
}

// An order that began nothing is told from one that is not there, and a first payment that was declined begins nothing.
func TestNoLaterPayments(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.keeps()
	w.wantCodes("an ordinary payment", w.call(rp, next(w.paid(paymentOf("A-1")), "A-2")), 10, 320)
	r := w.call(pay, recurring("A-3").with(params{"Cardnumber": pcsim.CardInsufficientFunds}))
	if r.Order["responsecode"] != "AS102" || r.Order["orderstate"] != "Declined" {
		t.Fatalf("%+v", r)
	}
	w.wantCodes("a declined payment", w.call(rp, next(strings.TrimSuffix(r.Order["billnumber"], ".1"), "A-2")), 15, 320)
	w.wantCodes("with a customer", w.call(pay, recurring("A-4").with(params{"CustomerNumber": "buyer-7"})), 15, 202)
	w.wantCodes("without a last date", w.call(pay, recurring("A-4").with(params{"RecurringMaxDate": ""})), 3, 104)
	w.wantCodes("without the indicator", w.call(pay, recurring("A-4").with(params{"RecurringIndicator": ""})), 3, 320)
	w.wantCodes("of a merchant without", w.call(pay, recurring("A-4").with(params{"RecurringMinAmount": "301.00"})), 5, 108)
}

// An identical request is answered by what the first one came to, in every format, also when that was a refusal of the
// center, and charges nothing again.
func TestLaterPaymentRepeated(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.keeps()
	bill := w.paid(recurring("S-1"))
	w.month()
	for _, post := range []func(string, params) reply{w.form, w.json, w.soap} {
		first, again := post(rp, next(bill, "S-2")), post(rp, next(bill, "S-2"))
		if first.body != again.body || !strings.Contains(first.body, "AS000") {
			t.Errorf("%s, then %s", first.body, again.body)
		}
	}
	w.wantCodes("another amount", w.call(rp, next(bill, "S-2").with(params{"Amount": "101.00"})), 11, 107)
	if s := w.subscription(bill); s.Payments != 1 {
		t.Errorf("%d payments", s.Payments)
	}
}

// What the center refuses can be tried again in the same period; three refusals in a row suspend, a success revives.
func TestLaterPaymentDeclined(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.keeps()
	bill := w.paid(recurring("S-1"))
	_, err := w.Pool.Exec(t.Context(), `UPDATE credentials SET network_id = 'NOTOFTHISCARD00'`)
	check(t, err)
	w.month()
	for i := range 3 {
		p := next(bill, fmt.Sprintf("S-2-%d", i))
		r := w.call(rp, p)
		if r.Order["responsecode"] != "AS100" || r.Order["orderstate"] != "Declined" {
			t.Errorf("%+v", r)
		}
	}
	if s := w.subscription(bill); s.State != subscription.Suspended || s.Declines != 3 {
		t.Errorf("%+v", s)
	}
}

// A payment whose outcome nobody knows keeps its period until the center has told: nothing is charged beside it.
func TestLaterPaymentUnknown(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	deaf := &forgetful{Host: w.options.Centers[settletest.FileCenter].Host}
	w.options.Centers[settletest.FileCenter] = payment.Center{Host: deaf, Acquirer: acquirer}
	w.keeps()
	bill := w.paid(recurring("S-1"))
	w.month()
	deaf.on.Store(true)
	r := w.call(rp, next(bill, "S-2"))
	deaf.on.Store(false)
	if r.Order["responsecode"] != "AS300" || r.Order["orderstate"] != "In Process" {
		t.Fatalf("%+v", r)
	}
	if again := w.call(rp, next(bill, "S-2")); again.Order["responsecode"] != "AS300" || again.Order["billnumber"] != r.Order["billnumber"] {
		t.Errorf("again: %+v", again)
	}
	w.wantCodes("beside it", w.call(rp, next(bill, "S-3")), 12, 320)
	w.settleOwed()
	if again := w.call(rp, next(bill, "S-2")); again.Order["responsecode"] != "AS000" || again.Order["orderstate"] != "Approved" {
		t.Errorf("asked: %+v", again)
	}
	if o := w.order(settletest.Merchant, strings.TrimSuffix(r.Order["billnumber"], ".1")); o.PaymentTransaction().NetworkID == "" {
		t.Error("the network's name of the payment is lost")
	}
	w.wantCodes("after it", w.call(rp, next(bill, "S-3")), 17, 211)
}

// forgetful is a host whose answers get lost while it is on.
type forgetful struct {
	online.Host
	on atomic.Bool
}

// Exchange sends the request and loses the answer to a payment.
func (f *forgetful) Exchange(ctx context.Context, r online.Request) (online.Answer, error) {
	a, err := f.Host.Exchange(ctx, r)
	if f.on.Load() && r.Kind == online.Authorization {
		return online.Answer{}, online.ErrTimeout
	}
	return a, err
}

// When nothing could be charged after the order was made, the same request goes on with it.
func TestLaterPaymentGoesOn(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.keeps()
	bill := w.paid(recurring("S-1"))
	w.Clock.Advance(30 * 24 * time.Hour) // no window is planned
	if r := w.form(rp, next(bill, "S-2")); r.status != 503 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	w.Clock.Advance(-30 * 24 * time.Hour)
	w.month()
	w.open()
	r := w.call(rp, next(bill, "S-2"))
	if r.Order["responsecode"] != "AS000" || !strings.HasSuffix(r.Order["billnumber"], ".1") {
		t.Errorf("%+v", r)
	}
	if s := w.subscription(bill); s.Payments != 1 || s.State != subscription.Active {
		t.Errorf("%+v", s)
	}
}
