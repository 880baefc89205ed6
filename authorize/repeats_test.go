package authorize_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"settled/internal/money"
	"settled/internal/pcsim"
	"settled/settle"
	"settled/settle/settletest"
)

// brokenLine is a connection that breaks before the answer.
type brokenLine struct{ header http.Header }

func (l brokenLine) Header() http.Header       { return l.header }
func (l brokenLine) WriteHeader(int)           {}
func (l brokenLine) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// loseAnswer sends a request whose answer does not arrive.
func (w *world) loseAnswer(path string, p params) {
	w.form(orderState, params{}) // the connection's request before is over
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodPost, path, strings.NewReader(p.encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w.gateway.Handler().ServeHTTP(brokenLine{http.Header{}}, r)
}

// repeats asks and tells whether the answer is a repeat, why, and of which operation.
func (w *world) repeats(path string, p params) (why, bill string) {
	w.t.Helper()
	r := w.form(path, p.with(params{"Format": "1"}))
	for _, pair := range strings.Split(r.body, ";") {
		if name, value, _ := strings.Cut(pair, ":"); name == "billnumber" {
			bill = value[strings.Index(value, ".")+1:]
		}
	}
	why = r.header.Get("X-Settled-Repeat")
	if said := strings.Contains(r.body, "nothing was done") || strings.Contains(r.body, "ничего не выполнено"); said != (why != "") && path != pay {
		w.t.Errorf("header says %q, answer %s", why, r.body)
	}
	return why, bill
}

type repeat struct {
	after     time.Duration
	lost      bool
	change    params
	why, bill string
}

func (w *world) play(path string, p params, steps []repeat) {
	w.t.Helper()
	for i, s := range steps {
		w.Clock.Advance(s.after)
		if s.lost {
			w.loseAnswer(path, p.with(s.change))
			continue
		}
		if why, bill := w.repeats(path, p.with(s.change)); why != s.why || bill != s.bill {
			w.t.Errorf("%s, request %d: %q, operation %s, not %q, %s", path, i+1, why, bill, s.why, s.bill)
		}
	}
}

// Two equal parts are two, unless the second request cannot know of the first: its answer was lost, it is not final, or a button was
// pressed twice.
func TestEqualOperations(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.play(cancel, credentials().with(params{"Billnumber": w.paid(paymentOf("R-1"))}).with(ask("10.00")), []repeat{
		{bill: "2"}, {after: 4 * time.Second, why: "at_once", bill: "2"}, {after: 6 * time.Second, bill: "3"},
		{after: time.Minute, lost: true}, {after: 20 * time.Hour, why: "unanswered", bill: "4"}, {after: time.Minute, bill: "5"},
		{change: params{"Externalrefundid": "my-own-key-1"}, bill: "6"}, {after: time.Hour, change: params{"Externalrefundid": "my-own-key-1"}, why: "key", bill: "6"},
	})
	w.play(charge, credentials().with(params{"Billnumber": w.paid(paymentOf("R-2").with(params{"Delay": "1"}))}).with(ask("40.00")), []repeat{
		{bill: "2"}, {why: "at_once", bill: "2"}, {after: time.Minute, bill: "3"}, {after: time.Minute, lost: true},
		{after: time.Hour, why: "unanswered", bill: "4"}, {change: params{"AutoDeposit": "1"}, bill: "5"}, {after: time.Hour, change: params{"AutoDeposit": "1"}, why: "nothing_left", bill: "5"},
	})
	families, err := w.registry.Gather()
	check(t, err)
	counted := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if strings.HasPrefix(f.GetName(), "settled_api_repeats") {
				counted[m.GetLabel()[0].GetValue()+" "+m.GetLabel()[1].GetValue()] = m.GetCounter().GetValue()
			} else if strings.HasPrefix(f.GetName(), "settled_api_answers_lost") {
				counted["lost"] = m.GetCounter().GetValue()
			}
		}
	}
	if counted[cancel+" done_again"] != 3 || counted[charge+" unanswered"] != 1 || counted["lost"] != 2 {
		t.Errorf("%v", counted)
	}
	if !strings.Contains(w.logs.String(), "an operation equal to an earlier one was done") || !strings.Contains(w.logs.String(), "why=unanswered") {
		t.Error("nothing is said in the log")
	}
}

// A process that died between the commit and the answer has told nothing: the same request gets the answer.
func TestRepeatAfterACrash(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	bill := w.paid(paymentOf("R-3"))
	amount := money.Amount{Minor: 1000, Currency: money.BYN}
	_, err := w.Books.Cancel(t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: orderID(t, bill), Amount: &amount, Actor: settle.ByMerchant, Reason: settle.ReasonShop})
	check(t, err)
	w.play(cancel, credentials().with(params{"Billnumber": bill}).with(ask("10.00")), []repeat{{after: time.Hour, why: "unanswered", bill: "2"}, {after: time.Minute, bill: "3"}})
}

// A refusal that the merchant was told does not answer the next try: the code may be another one, or there is money now.
func TestRefusalAnswersALostAnswerOnly(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.keeps()
	refused := paymentOf("D-1").with(params{"Cardnumber": pcsim.CardInsufficientFunds})
	for name, p := range map[string]params{"plain": refused, "kept": refused.with(params{"OrderNumber": "D-2", "CustomerNumber": "buyer-7"})} {
		bills := map[string]bool{}
		ask := func(p params, why string) string {
			t.Helper()
			r := w.form(pay, p.with(params{"Format": "1"}))
			bill := r.body[strings.Index(r.body, ";billnumber:")+12:][:16]
			if got := r.header.Get("X-Settled-Repeat"); got != why || bills[bill] != (why != "") {
				t.Errorf("%s: repeat %q of %s, not %q", name, got, bill, why)
			}
			bills[bill] = true
			return bill
		}
		ask(p, "")
		ask(p.with(params{"Cvc2": "321"}), "")
		w.Clock.Advance(time.Minute)
		w.loseAnswer(pay, p)
		r := w.call(orderResult, credentials().with(params{"OrderNumber": p["OrderNumber"]}))
		bills[r.Bare[len(r.Bare)-1]["billnumber"]] = true
		ask(p, "unanswered")
		ask(p, "")
	}
}

func orderID(t *testing.T, bill string) int64 {
	t.Helper()
	id, err := strconv.ParseInt(bill, 10, 64)
	check(t, err)
	return id
}
