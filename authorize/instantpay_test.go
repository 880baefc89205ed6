package authorize_test

import (
	"bytes"
	"errors"
	"net/http"
	"testing"
	"time"

	"settled/internal/money"
	"settled/internal/pcsim"
	"settled/settle"
	"settled/settle/audit"
	"settled/settle/order"
	"settled/settle/settletest"
)

// bankWorld is a world whose first merchant takes instant payments, and an order of the amount that waits for its code.
func bankWorld(t *testing.T, minor int64) (*world, *settle.Order) {
	t.Helper()
	w := newWorld(t, pcsim.Behavior{}, settletest.WithBank)
	check(t, w.bank.SetNotifyURL(w.server.URL+"/instant/BANK/notice"))
	return w, w.chooseInstant("QR-1", minor)
}

func (w *world) chooseInstant(number string, minor int64) *settle.Order {
	w.t.Helper()
	m, _ := w.Dir.Merchant(settletest.Merchant)
	o, _, err := w.Books.Open(w.t.Context(), settle.OpenRequest{Merchant: m, OrderNumber: number, Original: money.Amount{Minor: minor, Currency: money.RUB},
		Means: order.MeansInstant, Tries: 3, PayBefore: w.Clock.Now().Add(time.Hour), Fingerprint: settle.Fingerprint{Kept: []byte(number)}})
	check(w.t, err)
	check(w.t, w.gateway.BeginInstant(w.t.Context(), o))
	return w.orderOf(o.ID)
}

func (w *world) orderOf(id int64) *settle.Order {
	w.t.Helper()
	o, err := w.Books.Order(w.t.Context(), settletest.Merchant, id)
	check(w.t, err)
	return o
}

// waiting is the code that the order waits with.
func (w *world) waiting(o *settle.Order) *settle.InstantPayment {
	w.t.Helper()
	p, err := w.Books.Instant(w.t.Context(), o)
	check(w.t, err)
	if p == nil {
		w.t.Fatal("the order has no instant payment")
	}
	return p
}

func (w *world) scan(o *settle.Order, approve bool) {
	w.t.Helper()
	_, err := w.bank.Scan(w.waiting(o).Payload, approve, false)
	check(w.t, err)
}

// poll lets time pass and asks the bank about everything that is due.
func (w *world) poll(after time.Duration) {
	w.t.Helper()
	w.Clock.Advance(after)
	_, err := w.gateway.PollInstant(w.t.Context())
	check(w.t, err)
}

func (w *world) wantState(id int64, want order.State) *settle.Order {
	w.t.Helper()
	o := w.orderOf(id)
	if o.State() != want {
		w.t.Fatalf("order is %s, not %s", o.State(), want)
	}
	report, err := audit.Run(w.t.Context(), w.Pool, w.Clock.Now(), audit.Options{})
	check(w.t, err)
	for _, f := range report.Broken() {
		w.t.Errorf("%s %s: %q", f.Invariant, f.Title, f.Examples)
	}
	return o
}

func TestInstantPaymentIsToldByTheBank(t *testing.T) {
	w, o := bankWorld(t, 12345)
	w.scan(o, true)
	w.process(t)
	w.wantState(o.ID, order.StateApproved)
	result, err := w.Books.Cancel(t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: o.ID, Actor: settle.ByMerchant,
		Amount: &money.Amount{Minor: 345, Currency: money.RUB}})
	check(t, err)
	check(t, w.gateway.Sender().SendNow(t.Context(), settletest.Merchant, o.ID))
	if o = w.wantState(o.ID, order.StatePartialCanceled); o.Operation(result.Operation.Number).State != settle.OperationDone {
		t.Errorf("the refund is %s", o.Operation(result.Operation.Number).State)
	}
	if books := w.bank.Books()[money.RUB]; books.Net() != 12000 {
		t.Errorf("the bank owes %d", books.Net())
	}
}

// What becomes of each test amount of the bank, by asking alone or by its notifications.
func TestInstantOutcomes(t *testing.T) {
	for _, c := range []struct {
		name   string
		minor  int64
		notify bool
		want   order.State
	}{
		{"notification lost", pcsim.AmountNoticeLost, true, order.StateApproved},
		{"nobody is notified", 500, false, order.StateApproved},
		{"notified twice", pcsim.AmountNoticeTwice, true, order.StateApproved},
		{"refused by the payer", pcsim.AmountBuyerRefused, true, order.StateInProcess},
		{"notified with another amount", pcsim.AmountWrongNotice, true, order.StateApproved},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, o := bankWorld(t, c.minor)
			if !c.notify {
				check(t, w.bank.SetNotifyURL(""))
			}
			w.scan(o, true)
			w.process(t)
			w.poll(10 * time.Second)
			w.wantState(o.ID, c.want)
		})
	}
}

func TestInstantPaymentThatIsLate(t *testing.T) {
	w, o := bankWorld(t, pcsim.AmountPaidLate)
	w.scan(o, true)
	w.poll(10*time.Minute + 30*time.Second)
	w.wantState(o.ID, order.StateInProcess)
	w.Clock.Advance(time.Hour)
	n, err := w.Books.TimeoutDue(t.Context(), 10)
	check(t, err)
	if n != 1 {
		t.Fatalf("%d orders closed", n)
	}
	w.wantState(o.ID, order.StateTimeout)
	w.process(t)
	if o = w.wantState(o.ID, order.StateApproved); !w.waiting(o).Late {
		t.Error("the payment is not marked late")
	}
}

// Money that was on its way when the code expired is found by asking, too.
func TestInstantPaymentThatIsLateAndNotTold(t *testing.T) {
	w, o := bankWorld(t, pcsim.AmountPaidLate)
	check(t, w.bank.SetNotifyURL(""))
	w.scan(o, true)
	w.poll(10*time.Minute + 30*time.Second)
	w.Clock.Advance(time.Hour)
	_, err := w.Books.TimeoutDue(t.Context(), 10)
	check(t, err)
	w.wantState(o.ID, order.StateTimeout)
	w.process(t)
	w.poll(time.Hour)
	w.wantState(o.ID, order.StateApproved)
}

// The sweep may hear first that a code was taken back; that loses no try, and the order stays open.
func TestLeavingACodeIsHeardByTheSweep(t *testing.T) {
	w, o := bankWorld(t, 700)
	_, err := w.Pool.Exec(t.Context(), `UPDATE orders SET tries_left = 0 WHERE order_id = $1`, o.ID)
	check(t, err)
	_, err = w.options.Banks[settletest.BankCenter].Client.Cancel(t.Context(), w.waiting(o).ID())
	check(t, err)
	w.poll(10 * time.Second)
	if o = w.wantState(o.ID, order.StateInProcess); o.TriesLeft != 1 {
		t.Errorf("%d tries left", o.TriesLeft)
	}
}

func TestInstantRegistrationIsRepeated(t *testing.T) {
	for _, minor := range []int64{pcsim.AmountRegisterFailsOnce, pcsim.AmountRegisterAnswerLost} {
		w, o := bankWorld(t, minor)
		if p := w.waiting(o); p.State != settle.InstantRequested {
			t.Fatalf("%d: state %d after a failed registration", minor, p.State)
		}
		check(t, w.gateway.BeginInstant(t.Context(), o))
		if p := w.waiting(o); p.State != settle.InstantActive || p.Payload == "" || p.Operation != 1 {
			t.Fatalf("%d: state %d, operation %d after the second", minor, p.State, p.Operation)
		}
	}
}

func TestInstantRefusedByTheBankLosesNoTry(t *testing.T) {
	w, o := bankWorld(t, pcsim.AmountRegisterRefused)
	if o = w.wantState(o.ID, order.StateInProcess); o.TriesLeft != 3 || o.Payment().State != settle.OperationFailed {
		t.Fatalf("%d tries left, operation %s", o.TriesLeft, o.Payment().State)
	}
}

func TestLeavingACodeForOtherMeans(t *testing.T) {
	w, o := bankWorld(t, 700)
	code := w.waiting(o).Payload
	check(t, w.gateway.LeaveInstant(t.Context(), o))
	if o = w.wantState(o.ID, order.StateInProcess); o.TriesLeft != 3 {
		t.Fatalf("%d tries left", o.TriesLeft)
	}
	if _, err := w.bank.Scan(code, true, false); !errors.Is(err, pcsim.ErrQRClosed) {
		t.Fatalf("the code that was left: %v", err)
	}
	paid := w.chooseInstant("QR-2", 800)
	w.scan(paid, true)
	check(t, w.gateway.LeaveInstant(t.Context(), paid))
	w.wantState(paid.ID, order.StateApproved)
}

func TestInstantNoticeIsProven(t *testing.T) {
	w, o := bankWorld(t, 900)
	post := func(path string, body string) int {
		r, err := http.Post(w.server.URL+path, "application/json", bytes.NewBufferString(body))
		check(t, err)
		r.Body.Close()
		return r.StatusCode
	}
	if status := post("/instant/BANK/notice", `{"id":"n-1"}`); status != http.StatusUnauthorized {
		t.Errorf("an unsigned notification: %d", status)
	}
	if status := post("/instant/PC-A/notice", `{}`); status != http.StatusNotFound {
		t.Errorf("a center without a partner bank: %d", status)
	}
	w.wantState(o.ID, order.StateInProcess)
}

// A buyer who consented at his bank is asked in its app the next time; when the bank has forgotten the consent, so have we.
func TestInstantOneClick(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{}, settletest.WithBank)
	w.keeps()
	m, _ := w.Dir.Merchant(settletest.Merchant)
	choose := func(number, details string) pcsim.BankPayment {
		t.Helper()
		o, _, err := w.Books.Open(t.Context(), settle.OpenRequest{Merchant: m, OrderNumber: number, Original: money.Amount{Minor: 500, Currency: money.RUB},
			Means: order.MeansInstant, Tries: 3, PayBefore: w.Clock.Now().Add(time.Hour), Fingerprint: settle.Fingerprint{Kept: []byte(number)}, Customer: "buyer-7", Details: []byte(details)})
		check(t, err)
		check(t, w.gateway.BeginInstant(t.Context(), o))
		all := w.bank.Payments()
		w.waiting(w.orderOf(o.ID))
		return all[len(all)-1]
	}
	const proven = `{"language":"EN","proven":"1"}`
	first := choose("ONE", proven)
	if first.Token != "" || !first.Asks {
		t.Fatalf("first payment %+v", first)
	}
	_, err := w.bank.Scan(first.Payload, true, true)
	check(t, err)
	w.poll(10 * time.Second)
	if second := choose("TWO", proven); second.Token == "" {
		t.Errorf("the consent was not used: %+v", second)
	}
	if foreign := choose("THREE", `{"language":"EN"}`); foreign.Token != "" {
		t.Error("anybody who names a buyer gets his consent used")
	}
	for _, token := range w.bank.Subscriptions() {
		check(t, w.cancelAtBank(token))
	}
	if later := choose("FOUR", proven); later.Token != "" || later.Payload == "" {
		t.Errorf("after the consent ended: %+v", later)
	}
	if left, err := w.Credentials().Of(t.Context(), settletest.Merchant, "buyer-7"); err != nil || len(left) != 0 {
		t.Errorf("%d consents are left, %v", len(left), err)
	}
}

func (w *world) cancelAtBank(token string) error {
	return w.options.Banks[settletest.BankCenter].Client.CancelSubscription(w.t.Context(), token)
}
