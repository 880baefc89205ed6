package authorize_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/internal/money"
	"settled/internal/pcsim"
	"settled/settle/settletest"
)

func moneyBYN(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: money.BYN} }

// otherCredentials are those of the second merchant, whose center does little.
func otherCredentials() params {
	return params{"Merchant_ID": "100002", "Login": "other_login", "Password": otherPassword}
}

func otherPayment(number string) params { return paymentOf(number).with(otherCredentials()) }

// step is one call on a bill number and what it must lead to: response code, order state; or the error's codes.
type step struct {
	path          string
	change        params
	code, state   string
	first, second int
}

func (w *world) run(who params, bill string, steps []step) {
	w.t.Helper()
	for i, s := range steps {
		p := who.with(params{"Billnumber": bill}).with(s.change)
		r := w.call(s.path, p)
		if r.First != s.first || r.Second != s.second || r.Order["responsecode"] != s.code || r.Order["orderstate"] != s.state {
			w.t.Errorf("step %d, %s %v: %d/%d %s %s, not %d/%d %s %s", i+1, s.path, s.change, r.First, r.Second,
				r.Order["responsecode"], r.Order["orderstate"], s.first, s.second, s.code, s.state)
		}
	}
}

// ask is an amount in BYN.
func ask(amount string) params { return params{"Amount": amount, "Currency": "BYN"} }

func TestConfirmations(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	for name, steps := range map[string][]step{
		"full": {
			{charge, nil, "AS000", "Approved", 0, 0},
			{charge, nil, "AS000", "Approved", 0, 0},
			{charge, ask("1.00"), "", "", 15, 307},
		},
		"full with the amount, extended bill number": {
			{charge, ask("237.40"), "AS000", "Approved", 0, 0},
			{charge, ask("237.40"), "AS000", "Approved", 0, 0},
		},
		"parts": {
			{charge, ask("100.00"), "AS000", "PartialDelayed", 0, 0},
			{charge, ask("100.00"), "AS000", "PartialDelayed", 0, 0}, // a repeat
			{charge, ask("100.00").with(params{"ExternalConfirmId": "second-slice-1"}), "AS000", "PartialDelayed", 0, 0},
			{charge, ask("37.41"), "", "", 5, 108},
			{charge, ask("37.40"), "AS000", "Approved", 0, 0},
		},
		"deposit": {
			{charge, ask("100.00").with(params{"AutoDeposit": "1"}), "AS000", "PartialDelayed", 0, 0},
			{charge, ask("1.00"), "", "", 15, 307},
			{cancel, ask("40.00"), "AS000", "PartialCanceled", 0, 0},
		},
		"refused": {
			{charge, ask("237.41"), "", "", 5, 108},
			{charge, params{"Amount": "1.00", "Currency": "EUR"}, "", "", 5, 105},
			{charge, params{"Amount": "1.00"}, "", "", 3, 105},
			{charge, params{"Currency": "BYN"}, "", "", 3, 108},
			{charge, ask("0.00"), "", "", 5, 108},
			{charge, params{"AutoDeposit": "2"}, "", "", 5, 0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			bill := w.paid(paymentOf(name).with(params{"Delay": "1"}))
			if strings.Contains(name, "extended") {
				bill += ".1"
			}
			w.run(credentials(), bill, steps)
		})
	}
	w.t = t
	w.settleOwed()
}

func TestConfirmationsAtAPlainCenter(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	bill := w.paid(otherPayment("A-1").with(params{"Delay": "1"}))
	w.run(otherCredentials(), bill, []step{
		{cancel, ask("1.00"), "", "", 15, 308},
		{charge, ask("100.00"), "AS000", "PartialDelayed", 0, 0},
		{charge, ask("50.00"), "", "", 15, 307},
		{charge, ask("100.00"), "AS000", "PartialDelayed", 0, 0},
	})
	w.Clock.Advance(10 * time.Minute)
	late := w.paid(otherPayment("A-2").with(params{"Delay": "1"}))
	w.Clock.Advance(48 * time.Hour)
	w.run(otherCredentials(), late, []step{{charge, nil, "", "", 16, 307}})
}

func TestConfirmationOfOneStage(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	bill := w.paid(paymentOf("A-1"))
	w.run(credentials(), bill, []step{{charge, nil, "", "", 15, 307}})
	r := w.call(pay, paymentOf("A-2").with(params{"Cardnumber": pcsim.CardInsufficientFunds}))
	w.run(credentials(), strings.TrimSuffix(r.Order["billnumber"], ".1"), []step{
		{charge, nil, "", "", 15, 307},
		{cancel, nil, "", "", 15, 308},
	})
	w.run(credentials(), bill+".2", []step{{cancel, nil, "", "", 15, 308}})
}

func TestCancels(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	for name, c := range map[string]struct {
		payment params
		steps   []step
		note    string // of the last cancel
		kind    string // transactions that it created
	}{
		"hold": {params{"Delay": "1"}, []step{{cancel, nil, "AS000", "Canceled", 0, 0}}, "hold of 237.40 BYN released", "reversal"},
		"part of a hold": {params{"Delay": "1"}, []step{{cancel, ask("37.40"), "AS000", "Delayed", 0, 0}},
			"hold of 37.40 BYN released", "partial reversal"},
		"open batch": {nil, []step{{cancel, nil, "AS000", "Canceled", 0, 0}}, "withdrawn", "reversal"},
		"part, open batch": {nil, []step{{cancel, ask("37.40"), "AS000", "PartialCanceled", 0, 0}, {cancel, ask("37.40"), "AS000", "PartialCanceled", 0, 0},
			{cancel, ask("200.01"), "", "", 5, 108}}, "reduced by", "partial reversal"},
		"all, twice": {nil, []step{{cancel, nil, "AS000", "Canceled", 0, 0}, {cancel, nil, "AS000", "Canceled", 0, 0},
			{cancel, ask("1.00"), "", "", 15, 308}}, "withdrawn", "reversal"},
		"external ids": {nil, []step{
			{wsCancel, ask("1.00").with(params{"Externalrefundid": "refund-0001"}), "", "", 0, 0},
			{wsCancel, ask("2.00").with(params{"Externalrefundid": "refund-0001"}), "", "", 11, 308},
			{wsCancel, ask("2.00").with(params{"Externalrefundid": "short"}), "", "", 4, 0}}, "reduced by", "partial reversal"},
		"single message, same day": {params{"OrderCurrency": "USD"}, []step{{cancel, nil, "AS000", "Canceled", 0, 0}},
			"reversal of the purchase", "reversal"},
		"single message, part": {params{"OrderCurrency": "USD"}, []step{{cancel, params{"Amount": "37.40", "Currency": "USD"}, "AS000", "PartialCanceled", 0, 0}},
			"online refund of 37.40 USD", "refund"},
		"single message, too late": {params{"OrderCurrency": "USD", "Cardnumber": pcsim.CardReversalTooLate},
			[]step{{cancel, nil, "AS000", "Canceled", 0, 0}}, "converted to an online refund", "reversal, refund"},
		"single message, refund refused": {params{"OrderCurrency": "USD", "Cardnumber": pcsim.CardRefundDeclined},
			[]step{{cancel, params{"Amount": "1.00", "Currency": "USD"}, "AS100", "Approved", 0, 0}}, "online refund", "refund"},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			bill := w.paid(paymentOf(name).with(c.payment))
			w.run(credentials(), bill, c.steps)
			ops := w.order(settletest.Merchant, bill).Operations
			if last := ops[len(ops)-1]; !strings.Contains(last.Note, c.note) {
				t.Errorf("note %q", last.Note)
			}
			w.settleOwed()
			w.checkKind(bill, c.kind)
		})
	}
}

// checkKind repeats the last cancel in JSON, which tells what was created.
func (w *world) checkKind(bill, kind string) {
	w.t.Helper()
	o := w.order(settletest.Merchant, bill)
	last := o.Operations[len(o.Operations)-1]
	if last.State == 4 {
		return // a refused cancel is not repeated but tried again
	}
	p := credentials().with(params{"Billnumber": bill})
	if last.Asked != nil {
		a := money.Amount{Minor: *last.Asked, Currency: o.Amount.Currency}
		p = p.with(params{"Amount": a.Decimal(), "Currency": a.Currency.String()})
	}
	if last.External != nil {
		p["Externalrefundid"] = *last.External
	}
	if r := w.json(cancel, p); !strings.Contains(r.body, `"transactiontype":"`+kind+`"`) {
		w.t.Errorf("not %q: %s", kind, r.body)
	}
}

func TestCancelAfterTheCutOff(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	bill := w.paid(paymentOf("A-1"))
	single := w.paid(paymentOf("U-1").with(params{"OrderCurrency": "USD"}))
	w.Clock.Advance(24 * time.Hour)
	w.run(credentials(), bill, []step{
		{cancel, ask("100.00"), "AS000", "PartialCanceled", 0, 0},
		{cancel, nil, "AS000", "Canceled", 0, 0},
	})
	w.run(credentials(), single, []step{{cancel, nil, "AS000", "Canceled", 0, 0}})
	for bill, note := range map[string]string{bill: "credit record", single: "online refund"} {
		o := w.order(settletest.Merchant, bill)
		if got := o.Operations[1].Note; !strings.Contains(got, note) {
			t.Errorf("note %q", got)
		}
	}
	if n := w.settleOwed(); n != 0 {
		t.Errorf("%d messages left", n)
	}
}

// A cancel that the center does not answer is in process, is repeated, and ends.
func TestCancelUnanswered(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	bill := w.paid(paymentOf("U-1").with(params{"OrderCurrency": "USD", "Cardnumber": pcsim.CardReversalAnswerLost}))
	w.run(credentials(), bill, []step{{cancel, nil, "AS300", "Canceled", 0, 0}})
	r := w.json(wsCancel, credentials().with(params{"Billnumber": bill}))
	if !strings.Contains(r.body, `"operationstate":"In Process"`) {
		t.Errorf("%s", r.body)
	}
	w.Clock.Advance(10 * time.Second)
	if n := w.settleOwed(); n != 1 {
		t.Errorf("%d messages sent", n)
	}
	w.run(credentials(), bill, []step{{cancel, nil, "AS000", "Canceled", 0, 0}})
	o := w.order(settletest.Merchant, bill)
	if len(o.Owed) != 0 || o.Transactions[1].Attempts != 2 {
		t.Errorf("%+v", o.Transactions)
	}
}

// The answer to a repeat is the first one while nothing else happens to the order.
func TestOperationRepeats(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	held := w.paid(paymentOf("A-1").with(params{"Delay": "1"}))
	same := func(path string, p params) {
		t.Helper()
		first := w.form(path, p)
		w.Clock.Advance(4 * time.Second)
		second := strings.NewReplacer("Repeat of an earlier request: nothing was done now", "", "Повтор более раннего запроса: сейчас ничего не выполнено", "").Replace(w.form(path, p).body)
		w.Clock.Advance(time.Minute)
		if diff := cmp.Diff(first.body, second); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	for _, format := range []string{"1", "3", "4", "5"} {
		p := credentials().with(params{"Billnumber": held, "Format": format})
		same(charge, p.with(ask("5"+format+".00")))
		same(cancel, p.with(ask("2"+format+".00")))
		same(wsCancel, p.with(ask("20.00")).with(params{"Externalrefundid": "refund-00-" + format}))
	}
}

// No merchant learns anything of another's orders: the answer is that of an order that does not exist.
func TestForeignOrders(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	owners := map[string]params{"first": credentials(), "second": otherCredentials()}
	bills := map[string]string{"first": w.paid(paymentOf("A-1").with(params{"Delay": "1"})), "second": w.paid(otherPayment("B-1").with(params{"Delay": "1"}))}
	numbers := map[string]string{"first": "A-1", "second": "B-1"}
	for owner := range owners {
		for caller, who := range owners {
			if caller == owner {
				continue
			}
			for _, path := range []string{charge, cancel, wsCancel, orderState, orderResult} {
				foreign := who.with(params{"Billnumber": bills[owner], "Ordernumber": numbers[owner]})
				missing := who.with(params{"Billnumber": "599999999999999", "Ordernumber": "no such order"})
				for _, format := range []string{"1", "3", "4", "5"} {
					a, b := w.form(path, foreign.with(params{"Format": format})), w.form(path, missing.with(params{"Format": format}))
					if a.body != b.body || a.status != b.status || !strings.Contains(a.body, "10") {
						t.Errorf("%s reads %s at %s: %d %s", caller, owner, path, a.status, a.body)
					}
				}
				if r := w.call(path, foreign); r.First != 10 || r.Second != 201 || len(r.Order)+len(r.Bare) != 0 {
					t.Errorf("%s reads %s at %s: %+v", caller, owner, path, r)
				}
			}
		}
	}
	for owner, who := range owners {
		if r := w.call(charge, who.with(params{"Billnumber": bills[owner]})); r.Order["orderstate"] != "Approved" {
			t.Errorf("own order of %s: %+v", owner, r)
		}
	}
}

func TestOrderState(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.paid(paymentOf("A-1"))
	r := w.json(orderState, credentials().with(params{"OrderNumber": "A-1"}))
	if want := `{"orderstate":{"ordernumber":"A-1","billnumber":"`; !strings.HasPrefix(r.body, want) || strings.Contains(r.body, `"checkvalue":""`) {
		t.Errorf("%s", r.body)
	}
	period := params{"OrderNumber": "A-1", "StartYear": "2026", "StartMonth": "3", "StartDay": "2"}
	if r := w.call(orderState, credentials().with(period)); r.Count != 1 || len(r.Bare) != 1 {
		t.Errorf("%+v", r)
	}
	period["StartDay"] = "3"
	if r := w.call(orderState, credentials().with(period)); r.First != 10 || r.Second != 201 {
		t.Errorf("%+v", r)
	}
	w.Clock.Advance(4 * 24 * time.Hour)
	if r := w.call(orderState, credentials().with(params{"OrderNumber": "A-1"})); r.First != 10 {
		t.Errorf("%+v", r)
	}
	if r := w.call(orderState, credentials().with(params{"OrderNumber": "A-1", "StartMonth": "2", "StartDay": "wrong"})); r.Count != 1 {
		t.Errorf("%+v", r)
	}
}

// A result is found by the order's number, by its bill number, plain or with one of its operations, and by both.
func TestOrderResultByBill(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.call(pay, paymentOf("A-1").with(params{"Cardnumber": pcsim.CardInsufficientFunds}))
	w.Clock.Advance(time.Hour)
	second := w.paid(paymentOf("A-1").with(params{"ChequeItems": `{"items":[{"name":"A","price":1,"quantity":1,"amount":1}]}`}))
	w.paid(paymentOf("A-2"))
	ask := func(p params) []fields { t.Helper(); return w.call(orderResult, credentials().with(p)).Bare }
	both := ask(params{"Ordernumber": "A-1"})
	if len(both) != 2 || both[0]["errorcode"] != "102" || both[0]["orderstate"] != "Declined" || both[1]["billnumber"] != second || both[1]["errorcode"] != "" {
		t.Errorf("attempts, oldest first: %+v", both)
	}
	w.Clock.Advance(5 * 24 * time.Hour)
	for _, p := range []params{{"Billnumber": second}, {"Billnumber": second + ".1"}, {"Billnumber": second, "Ordernumber": "A-1"}} {
		if r := ask(p); len(r) != 1 || r[0]["billnumber"] != second {
			t.Errorf("%v: %+v", p, r)
		}
	}
	for _, c := range []struct {
		change        params
		first, second int
	}{
		{params{"Billnumber": second + ".2"}, 10, 201}, {params{"Billnumber": second, "Ordernumber": "A-2"}, 10, 201},
		{params{"Billnumber": "5100001999999999"}, 10, 201}, {params{"Billnumber": "12"}, 4, 143}, {params{}, 3, 107},
		{params{"Billnumber": second}.with(otherCredentials()), 10, 201},
	} {
		if r := w.call(orderResult, credentials().with(c.change)); r.First != c.first || r.Second != c.second {
			t.Errorf("%v: %d/%d", c.change, r.First, r.Second)
		}
	}
	r := w.form(orderResult, credentials().with(params{"Billnumber": second, "Format": "5"}))
	if !strings.Contains(r.body, `"chequeitems":"{\"items\":[{\"name\":\"A\"`) || !strings.Contains(r.body, `"errorcategory":"","merchantadvicecode":""`) {
		t.Errorf("%s", r.body)
	}
}

// The packet date has no seconds in the SOAP answers of the state services, and only there.
func TestPacketDateInSOAP(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	bill := w.paid(paymentOf("A-1").with(params{"Delay": "1"}))
	for path, want := range map[string]string{orderState: "02.03.2026 06:00", orderResult: "02.03.2026 06:00", charge: "02.03.2026 06:00:00"} {
		p := credentials().with(params{"Ordernumber": "A-1", "Billnumber": bill, "Format": "4"})
		if r := w.form(path, p); !strings.Contains(r.body, ">"+want+"</packetdate>") {
			t.Errorf("%s: %s", path, r.body)
		}
		p["Format"] = "5"
		if r := w.form(path, p); !strings.Contains(r.body, `"packetdate":"02.03.2026 06:00:00"`) {
			t.Errorf("%s in JSON: %s", path, r.body)
		}
	}
}
