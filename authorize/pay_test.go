package authorize_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/authorize/online"
	"settled/authorize/payment"
	"settled/internal/pcsim"
	"settled/settle"
	"settled/settle/settletest"
)

func TestPaymentOneStage(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	r := w.call(pay, paymentOf("A-1"))
	want := fields{"responsecode": "AS000", "orderstate": "Approved", "operationtype": "100", "amount": "237.40", "currency": "BYN",
		"meannumber": "411111****1111", "meantypename": "VISA", "cardexpirationdate": "12/28", "processingname": "PC-A", "testmode": "0",
		"orderdate": "02.03.2026 06:00:00", "lastname": "Ivanov", "ordercomment": "Order & more", "rate": "1"}
	for name, value := range want {
		if r.Order[name] != value {
			t.Errorf("%s is %q, not %q", name, r.Order[name], value)
		}
	}
	if len(r.Order["approvalcode"]) != 6 || !strings.HasSuffix(r.Order["billnumber"], ".1") {
		t.Errorf("approval code %q, bill number %q", r.Order["approvalcode"], r.Order["billnumber"])
	}
	if got := w.state("A-1"); got != "Approved" {
		t.Errorf("state %s", got)
	}
}

func TestPaymentTwoStages(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	r := w.call(pay, paymentOf("A-1").with(params{"Delay": "1"}))
	if r.Order["orderstate"] != "Delayed" || r.Order["responsecode"] != "AS000" {
		t.Errorf("%+v", r)
	}
	r = w.call(pay, paymentOf("U-1").with(params{"Delay": "1", "OrderCurrency": "USD"}))
	if r.First != 5 || r.Second != 109 {
		t.Errorf("two stages at a single-message center: %+v", r)
	}
}

// An identical request is answered from the books, byte for byte, in any format, whether it succeeded or not.
func TestPaymentRepeat(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	for number, change := range map[string]params{
		"one stage": {}, "two stages": {"Delay": "1"},
		"single message": {"OrderCurrency": "USD"}, "few details": {"Email": "", "OrderComment": "", "Lastname": ""},
	} {
		for _, format := range []string{"1", "3", "4", "5"} {
			p := paymentOf(number + format).with(change).with(params{"Format": format})
			first := w.form(pay, p)
			w.Clock.Advance(time.Minute)
			second := w.form(pay, p.with(params{"Cvc2": "321"}))
			if diff := cmp.Diff(first.body, second.body); diff != "" || first.status != second.status {
				t.Errorf("%s, format %s: %s", number, format, diff)
			}
		}
	}
}

func TestPaymentRepeatAfterDecline(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	p := paymentOf("A-1").with(params{"Cardnumber": pcsim.CardInsufficientFunds})
	first := w.call(pay, p)
	other := w.call(pay, paymentOf("A-1"))
	if other.Order["responsecode"] != "AS000" || other.Order["billnumber"] == first.Order["billnumber"] {
		t.Errorf("another card after a decline: %+v", other)
	}
	if r := w.call(pay, paymentOf("A-1").with(params{"OrderAmount": "1.00"})); r.First != 11 || r.Second != 107 {
		t.Errorf("another amount under the number of a paid order: %+v", r)
	}
	states := w.call(orderState, credentials().with(params{"Ordernumber": "A-1"}))
	if len(states.Bare) != 2 || states.Bare[0]["orderstate"] != "Declined" || states.Bare[1]["orderstate"] != "Approved" {
		t.Errorf("attempts: %+v", states)
	}
}

// Each documented card of the simulated center gives the response code of its action code.
func TestPaymentResponseCodes(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	want := map[string]string{"000": "AS000", "100": "AS100", "101": "AS104", "102": "AS108", "111": "AS101", "116": "AS102",
		"121": "AS105", "123": "AS109", "125": "AS101", "907": "AS107", "909": "AS107"}
	seen := map[string]bool{}
	for _, card := range pcsim.Cards() {
		if card.ActionCode == "" || card.Outcome == pcsim.Late || card.Outcome == pcsim.WrongAmount {
			continue
		}
		r := w.call(pay, paymentOf("card "+card.PAN[6:]).with(params{"Cardnumber": card.PAN}))
		if r.Order["responsecode"] != want[card.ActionCode] {
			t.Errorf("%s: %s, not %s", card.Means, r.Order["responsecode"], want[card.ActionCode])
		}
		if state := "Approved"; card.ActionCode != "000" && r.Order["orderstate"] == state {
			t.Errorf("%s: order is %s", card.Means, state)
		}
		seen[card.ActionCode] = true
	}
	for action := range want {
		if !seen[action] {
			t.Errorf("no card has action code %s", action)
		}
	}
}

// When surely no byte left, the payment is declined and nothing is owed.
func TestPaymentNotSent(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	check(t, w.centers[settletest.FileCenter].Close())
	w.eventually("disconnection", func() bool { return w.clients[settletest.FileCenter].Connected() == 0 })
	r := w.call(pay, paymentOf("A-1"))
	if r.Order["responsecode"] != "AS107" || r.Order["orderstate"] != "Declined" {
		t.Errorf("%+v", r)
	}
	if n := w.settleOwed(); n != 0 {
		t.Errorf("%d messages owed", n)
	}
}

// Many identical requests at the same time make one payment.
func TestPaymentsRacing(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{Latency: 20 * time.Millisecond})
	bills := make([]string, 20)
	var all sync.WaitGroup
	for i := range bills {
		all.Go(func() {
			r := w.call(pay, paymentOf("A-1").with(params{"Cardnumber": "5413330089010442"}))
			if c := r.Order["responsecode"]; c != "AS000" && c != "AS300" {
				t.Errorf("%+v", r)
			}
			bills[i] = r.Order["billnumber"]
		})
	}
	all.Wait()
	for _, b := range bills {
		if b != bills[0] {
			t.Fatalf("two payments: %v", bills)
		}
	}
	if got := w.state("A-1"); got != "Approved" {
		t.Errorf("state %s", got)
	}
}

// A payment without a trusted answer is in process, then reversed, then declined, whatever the center did with it.
func TestPaymentUnknown(t *testing.T) {
	for name, card := range map[string]string{"silent, booked": pcsim.CardSilentBooked, "silent, lost": pcsim.CardSilentLost,
		"late": pcsim.CardLate, "wrong amount": pcsim.CardWrongAmount, "garbage": pcsim.CardGarbage} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, pcsim.Behavior{LateBy: time.Minute})
			p := otherPayment("A-1").with(params{"Cardnumber": card})
			r := w.call(pay, p)
			if r.First != 0 || r.Order["responsecode"] != "AS300" || r.Order["orderstate"] != "In Process" {
				t.Fatalf("%+v", r)
			}
			if again := w.call(pay, p); !cmp.Equal(r, again) {
				t.Errorf("repeat: %s", cmp.Diff(r, again))
			}
			bill := strings.TrimSuffix(r.Order["billnumber"], ".1")
			if r := w.call(cancel, otherCredentials().with(params{"Billnumber": bill})); r.First != 12 || r.Second != 201 {
				t.Errorf("cancel meanwhile: %+v", r)
			}
			if n := w.settleOwed(); n != 1 {
				t.Errorf("%d messages sent", n)
			}
			r = w.call(pay, p)
			if r.Order["responsecode"] != "AS100" || r.Order["orderstate"] != "Declined" {
				t.Errorf("resolved: %+v", r)
			}
		})
	}
}

// At a center that takes inquiries, a payment that it has booked is found and kept.
func TestPaymentInquired(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	for number, c := range map[string]struct{ card, delay, state string }{
		"booked":     {pcsim.CardSilentBooked, "", "Approved"},
		"held":       {pcsim.CardSilentBooked, "1", "Delayed"},
		"lost":       {pcsim.CardSilentLost, "", "Declined"},
		"unreadable": {pcsim.CardGarbage, "", "Approved"},
		"mismatched": {pcsim.CardWrongAmount, "", "Declined"},
	} {
		p := paymentOf(number).with(params{"Cardnumber": c.card, "Delay": c.delay})
		if r := w.call(pay, p); r.Order["responsecode"] != "AS300" {
			t.Fatalf("%s: %+v", number, r)
		}
		w.settleOwed()
		if got := w.state(number); got != c.state {
			t.Errorf("%s: %s, not %s", number, got, c.state)
		}
	}
}

// An approval that comes after the payment was given up is noted and reversed.
func TestPaymentApprovedLate(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{LateBy: answerWithin + 300*time.Millisecond})
	r := w.call(pay, otherPayment("A-1").with(params{"Cardnumber": pcsim.CardLate}))
	bill := strings.TrimSuffix(r.Order["billnumber"], ".1")
	w.eventually("late approval", func() bool {
		return w.order(settletest.OtherMerchant, bill).Transaction(1).State == settle.TransactionApprovedLate
	})
	w.settleOwed()
	o := w.order(settletest.OtherMerchant, bill)
	if o.State() != "Declined" || o.Transaction(1).State != settle.TransactionReversed || len(o.Owed) != 0 {
		t.Errorf("%s, %+v", o.State(), o.Transactions)
	}
}

// A payment whose process died is given up by the sender and reversed.
func TestPaymentOfDeadProcess(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	p := w.Begin(t, settletest.Payment{Number: "A-1", Amount: moneyBYN(100)})
	if n := w.settleOwed(); n != 0 {
		t.Fatalf("%d messages sent before the payment's time", n)
	}
	w.Clock.Advance(3 * time.Minute)
	if n := w.settleOwed(); n != 1 {
		t.Fatalf("%d messages sent", n)
	}
	o, err := w.Books.Order(t.Context(), settletest.Merchant, p.Order)
	check(t, err)
	if o.State() != "Declined" {
		t.Errorf("state %s", o.State())
	}
}

// A purchase that was booked without an answer, and whose reversal comes after the center's bank day, is refunded; the
// merchant is told that it was not paid.
func TestPurchaseUnknownUntilTooLate(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	r := w.call(pay, paymentOf("U-1").with(params{"OrderCurrency": "USD", "Cardnumber": pcsim.CardSilentBooked}))
	w.Clock.Advance(24 * time.Hour)
	if n := w.settleOwed(); n != 2 {
		t.Errorf("%d messages sent", n)
	}
	o := w.order(settletest.Merchant, strings.TrimSuffix(r.Order["billnumber"], ".1"))
	if o.State() != "Declined" || len(o.Owed) != 0 {
		t.Errorf("%s, %+v", o.State(), o.Transactions)
	}
	if got := w.state("U-1"); got != "Declined" {
		t.Errorf("state %s", got)
	}
}

// While a request waits for a silent center, one more of the merchant than allowed is refused before any work, and
// another merchant is served.
func TestPaymentsBeyondTheBound(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.options.MaxPerMerchant, w.options.Registerer = 1, nil
	w.open()
	var first sync.WaitGroup
	first.Go(func() { w.call(pay, paymentOf("A-1").with(params{"Cardnumber": pcsim.CardSilentLost})) })
	w.eventually("first payment", func() bool {
		o, err := w.Books.ByNumber(t.Context(), settletest.Merchant, "A-1")
		return err == nil && o != nil
	})
	r := w.form(pay, paymentOf("A-2"))
	if first, second := w.codes(r.body); r.status != 503 || first != 1 || second != 3 {
		t.Errorf("%d %s", r.status, r.body)
	}
	w.paid(otherPayment("B-1"))
	first.Wait()
	w.paid(paymentOf("A-2"))
}

// The reversals of a center whose link is down are kept, and delivered when it is back, while other centers are served.
func TestOwedWhileTheLinkIsDown(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	bill := w.paid(otherPayment("B-1").with(params{"Delay": "1"}))
	down := &switchable{Host: w.options.Centers[settletest.PlainCenter].Host}
	down.down.Store(true)
	w.options.Centers[settletest.PlainCenter] = payment.Center{Host: down, Acquirer: acquirer}
	w.options.Registerer = nil
	w.open()
	w.run(otherCredentials(), bill, []step{{cancel, nil, "AS000", "Canceled", 0, 0}})
	for range 12 { // six hours
		w.settleOwed()
		w.paid(paymentOf(fmt.Sprintf("A-%d", w.Clock.Now().Unix())))
		w.Clock.Advance(30 * time.Minute)
	}
	if o := w.order(settletest.OtherMerchant, bill); len(o.Owed) != 1 || o.Owed[0].Attempts < 5 {
		t.Errorf("owed: %+v", o.Owed)
	}
	down.down.Store(false)
	w.Clock.Advance(time.Hour)
	w.settleOwed()
	o := w.order(settletest.OtherMerchant, bill)
	if len(o.Owed) != 0 || o.Transactions[1].ActionCode != "400" {
		t.Errorf("%+v, owed %+v", o.Transactions, o.Owed)
	}
}

// switchable is a host whose link can be cut.
type switchable struct {
	online.Host
	down atomic.Bool
}

// Exchange fails without a byte while the link is cut.
func (s *switchable) Exchange(ctx context.Context, r online.Request) (online.Answer, error) {
	if s.down.Load() {
		return online.Answer{}, online.ErrNotSent
	}
	return s.Host.Exchange(ctx, r)
}
