package authorize_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"settled/authorize/tenants"
	"settled/internal/money"
	"settled/internal/pcsim"
	"settled/settle"
	"settled/settle/audit"
	"settled/settle/settletest"
)

// scheme walks through one of the public descriptions of how a payment goes, step by step. A step that fails ends it.
type scheme struct {
	*world
	outer *testing.T
	n     int
}

func (s *scheme) step(what string, do func(t *testing.T)) {
	s.outer.Helper()
	s.n++
	passed := s.outer.Run(fmt.Sprintf("%d %s", s.n, what), func(t *testing.T) {
		s.t = t
		defer func() { s.t = s.outer }()
		do(t)
		s.sound()
	})
	if !passed {
		s.outer.FailNow()
	}
}

// sound checks every invariant of the books.
func (s *scheme) sound() {
	s.t.Helper()
	report, err := audit.Run(s.t.Context(), s.Pool, s.Clock.Now(), audit.Options{})
	check(s.t, err)
	for _, f := range report.Broken() {
		s.t.Errorf("%s %s: %q", f.Invariant, f.Title, f.Examples)
	}
}

// column reads a column of texts.
func (s *scheme) column(sql string, args ...any) []string {
	s.t.Helper()
	rows, err := s.Pool.Query(s.t.Context(), sql, args...)
	check(s.t, err)
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	check(s.t, err)
	return texts
}

// is compares what the books hold with what the step says.
func (s *scheme) is(what string, got []string, want ...string) {
	s.t.Helper()
	if !slices.Equal(got, want) {
		s.t.Errorf("%s: %q, not %q", what, got, want)
	}
}

// sent are the transactions of an order: their kind, state and amount in minor units.
func (s *scheme) sent(bill string) []string {
	s.t.Helper()
	return s.column(`SELECT (ARRAY['authorization','purchase','reversal','partial reversal','refund'])[kind] || ' ' ||
		(ARRAY['sent','approved','declined','unknown','reversing','reversed','stuck','approved late'])[state] || ' ' || amount
		FROM transactions WHERE order_id = $1::bigint ORDER BY transaction`, bill)
}

// done are the operations of an order: number, kind, state and amount.
func (s *scheme) done(bill string) []string {
	s.t.Helper()
	return s.column(`SELECT operation || ' ' || CASE kind WHEN 100 THEN 'payment' WHEN 200 THEN 'confirmation' ELSE 'cancellation' END || ' ' ||
		(ARRAY['in process','done','in part','failed','timed out'])[state] || ' ' || amount
		FROM operations WHERE order_id = $1::bigint ORDER BY operation`, bill)
}

// recorded are the financial records of an order: kind and amount that counts.
func (s *scheme) recorded(bill string) []string {
	s.t.Helper()
	return s.column(`SELECT (ARRAY['sale','credit'])[r.kind] || ' ' || coalesce(c.amount, r.amount)
		FROM records r LEFT JOIN LATERAL (SELECT amount FROM record_changes x WHERE (x.window_id, x.record_id, x.merchant_id) =
		(r.window_id, r.record_id, r.merchant_id) ORDER BY version DESC LIMIT 1) c ON true WHERE r.order_id = $1::bigint ORDER BY r.record_id`, bill)
}

// posted are the postings that an order's operations made: rule and amount.
func (s *scheme) posted(bill string) []string {
	s.t.Helper()
	return s.column(`SELECT r.name || ' ' || p.amount FROM postings p JOIN posting_rules r USING (rule)
		WHERE p.source = 1 AND p.source_id = $1::bigint ORDER BY p.seq, p.phase, p.line`, bill)
}

// totals are the books of a simulated center.
func (s *scheme) totals(center int16, c money.Currency) pcsim.Totals {
	return s.centers[center].Books().Currencies[c]
}

// orderOfNumber reads the order by its number through the service for it.
func (s *scheme) orderOfNumber(number string) fields {
	s.t.Helper()
	r := s.call(orderState, credentials().with(params{"Ordernumber": number}))
	if len(r.Bare) == 0 {
		s.t.Fatalf("order %s: %+v", number, r)
	}
	return r.Bare[len(r.Bare)-1]
}

var billShape = regexp.MustCompile(`^\d{15,16}$`)

// A payment in one stage on the gateway's pages.
func TestOneStageScheme(t *testing.T) {
	s := &scheme{world: newPage(t, func(m *tenants.Merchant) { m.Page.Required = []string{"Email"} }), outer: t}
	const number = "A20042011-27"
	var path, bill string
	s.step("the shop sends the customer with number, amount and currency of the order", func(t *testing.T) {
		path = s.opened(shopOrder(number))
	})
	s.step("the order exists under a bill number, and the page asks for the data that is missing", func(t *testing.T) {
		o := s.orderAt(path)
		bill = strconv.FormatInt(o.ID, 10)
		if !billShape.MatchString(bill) || o.Number != number || o.Amount != moneyBYN(23740) || s.orderOfNumber(number)["orderstate"] != "In Process" {
			t.Errorf("order %+v", o)
		}
		wantText(t, s.follow(path), http.StatusOK, `name="Email"`, "237.40")
		s.is("operations", s.done(bill))
	})
	s.step("the customer chooses a card and pays: the first operation is a payment, at the amount and currency of the order", func(t *testing.T) {
		wantText(t, s.submit(path, typed(pcsim.CardInsufficientFunds)), http.StatusUnprocessableEntity, "Fill this in")
		s.submit(path, typed(pcsim.CardInsufficientFunds).with(params{"Email": "ivan@example.by"}))
		s.is("operations", s.done(bill), "1 payment failed 23740")
		if got := s.orderOfNumber(number)["orderstate"]; got != "In Process" {
			t.Errorf("the order is %s while another card can be tried", got)
		}
		s.submit(path, typed(pcsim.CardApproved).with(params{"Email": "ivan@example.by"}))
	})
	s.step("the center's answer moves transaction, operation and order; only one payment of an order succeeds", func(t *testing.T) {
		s.is("transactions", s.sent(bill), "authorization declined 23740", "authorization approved 23740")
		s.is("operations", s.done(bill), "1 payment failed 23740", "2 payment done 23740")
		if got := s.orderOfNumber(number)["orderstate"]; got != "Approved" {
			t.Errorf("order is %s", got)
		}
		held := s.totals(settletest.FileCenter, money.BYN)
		if held.Authorized != (pcsim.Line{Count: 1, Amount: 23740}) || held.Declined.Count != 1 {
			t.Errorf("the center knows %+v", held)
		}
		if r := s.follow(path); !strings.HasPrefix(r.header.Get("Location"), "https://shop.example/yes?cart=7&billnumber="+bill) {
			t.Errorf("the customer is sent to %q", r.header.Get("Location"))
		}
		if again := s.opened(shopOrder(number)); again != path {
			t.Error("the paid order can be paid again")
		}
	})
	s.step("the financial transaction of the payment goes to the center with the next file", func(t *testing.T) {
		s.is("records", s.recorded(bill), "sale 23740")
		batches := s.Night(t, settletest.FileCenter)
		if len(batches) != 1 {
			t.Fatalf("%d batches", len(batches))
		}
		s.Reply(t, batches[0])
	})
	s.step("the books followed each step", func(t *testing.T) {
		s.is("postings", s.posted(bill), "PR-01 23740")
	})
	s.step("a center that takes the money at once needs no financial transaction", func(t *testing.T) {
		r := s.call(pay, paymentOf("single").with(params{"OrderCurrency": "USD"}))
		bill, _, _ := strings.Cut(r.Order["billnumber"], ".")
		s.is("transactions", s.sent(bill), "purchase approved 23740")
		s.is("records", s.recorded(bill))
		if got := s.totals(settletest.SingleCenter, money.USD).Purchased; got != (pcsim.Line{Count: 1, Amount: 23740}) {
			t.Errorf("the center took %+v", got)
		}
	})
	s.step("a cancel after the financial transaction gives the money back by a credit", func(t *testing.T) {
		s.run(credentials(), bill, []step{{cancel, ask("37.40"), "AS000", "PartialCanceled", 0, 0}, {cancel, nil, "AS000", "Canceled", 0, 0}})
		s.is("records", s.recorded(bill), "sale 23740", "credit 3740", "credit 20000")
		s.is("transactions", s.sent(bill), "authorization declined 23740", "authorization approved 23740")
	})
	s.step("a cancel before it takes the payment back from the center instead, and nothing is presented", func(t *testing.T) {
		bill := s.paid(paymentOf("before"))
		s.run(credentials(), bill, []step{{cancel, nil, "AS000", "Canceled", 0, 0}})
		s.settleOwed()
		s.is("records", s.recorded(bill), "sale 0")
		s.is("transactions", s.sent(bill), "authorization approved 23740", "reversal approved 23740")
	})
}

// A payment as the general description has it, from a shop's server, and what the shop can ask of it.
func TestGeneralScheme(t *testing.T) {
	s := &scheme{world: newPage(t), outer: t}
	var bill string
	s.step("the shop's order has a number, an amount and a currency of its own", func(t *testing.T) {
		r := s.call(pay, paymentOf("G-1").with(params{"Cardnumber": pcsim.CardInsufficientFunds}))
		if r.Order["ordernumber"] != "G-1" || r.Order["orderamount"] != "237.40" || r.Order["ordercurrency"] != "BYN" || r.Order["orderstate"] != "Declined" {
			t.Errorf("%+v", r.Order)
		}
		s.is("records", s.column(`SELECT kind::text FROM records`))
	})
	s.step("each attempt is an order with a bill number of its own, and keeps the customer's data", func(t *testing.T) {
		bill = s.paid(paymentOf("G-1").with(params{"Cardnumber": pcsim.CardApproved, "Middlename": "Ivanovich"}))
		r := s.call(orderResult, credentials().with(params{"Billnumber": bill}))
		if o := r.Bare[0]; o["lastname"] != "Ivanov" || o["middlename"] != "Ivanovich" || o["email"] != "ivan@example.by" || o["billnumber"] != bill {
			t.Errorf("%+v", o)
		}
		if all := s.call(orderState, credentials().with(params{"Ordernumber": "G-1"})).Bare; len(all) != 2 || all[0]["orderstate"] != "Declined" || all[1]["orderstate"] != "Approved" {
			t.Errorf("attempts: %+v", all)
		}
	})
	s.step("the payment is an operation with the amount and currency that the merchant's settings and the center's lead to", func(t *testing.T) {
		s.is("operations", s.done(bill), "1 payment done 23740")
		if r := s.call(pay, paymentOf("G-2").with(params{"OrderCurrency": "PLN"})); r.First != 5 || r.Second != 105 {
			t.Errorf("a currency that no center of the merchant takes: %+v", r)
		}
	})
	s.step("what the center answers is what transaction, operation and order say", func(t *testing.T) {
		s.is("transactions", s.sent(bill), "authorization approved 23740")
		for card, want := range map[string]string{pcsim.CardInsufficientFunds: "Declined", pcsim.CardSilentLost: "In Process"} {
			r := s.call(pay, paymentOf("G-"+card[8:]).with(params{"Cardnumber": card}))
			if r.Order["orderstate"] != want {
				t.Errorf("card %s: %+v", card, r.Order)
			}
		}
		s.Clock.Advance(time.Minute)
		s.settleOwed()
		if got := s.orderOfNumber("G-" + pcsim.CardSilentLost[8:])["orderstate"]; got != "Declined" {
			t.Errorf("what the center never had is %s once it was asked", got)
		}
	})
	s.step("financial transactions are sent for successful payments only", func(t *testing.T) {
		s.is("records", s.column(`SELECT order_id || ' ' || amount FROM records`), bill+" 23740")
		for _, b := range s.Night(t, settletest.FileCenter) {
			s.Reply(t, b)
		}
	})
	s.step("the shop can cancel, and the gateway chooses how", func(t *testing.T) {
		if r := s.form(wsCancel, credentials().with(params{"Billnumber": bill, "Format": "3"})); !strings.Contains(r.body, "<responsecode>AS000<") || !strings.Contains(r.body, "<orderstate>Canceled<") {
			t.Errorf("cancel: %s", r.body)
		}
		s.is("records", s.recorded(bill), "sale 23740", "credit 23740")
		single := s.paid(paymentOf("G-3").with(params{"OrderCurrency": "USD"}))
		s.run(credentials(), single, []step{{cancel, nil, "AS000", "Canceled", 0, 0}})
	})
	s.step("the shop learns the state by the services", func(t *testing.T) {
		if got := s.orderOfNumber("G-3")["orderstate"]; got != "Canceled" {
			t.Errorf("orderstate: %s", got)
		}
		if r := s.form(byDate, credentials().with(params{"TestMode": "0", "StartYear": "2026", "StartMonth": "3", "StartDay": "2", "StartHour": "0",
			"StartMin": "0", "EndYear": "2026", "EndMonth": "3", "EndDay": "2", "EndHour": "23", "EndMin": "59"})); !strings.Contains(r.body, bill+".2") {
			t.Errorf("the period lacks the cancel: %s", r.body)
		}
	})
}

// inDollars makes the first merchant's center for files that for USD.
func inDollars(d *settle.Directory) {
	m, _ := d.Merchant(settletest.Merchant)
	m.Routes[0].Currencies = append(m.Routes[0].Currencies, money.USD)
	m.Routes[1].Currencies = []money.Currency{money.PLN}
}

// documentedForm is the form that the description of the two stages shows.
func documentedForm() params {
	return params{"Merchant_ID": "100001", "OrderNumber": "A20042011_28", "OrderAmount": "237.40", "OrderCurrency": "USD", "Delay": "1", "Language": "RU",
		"Email": "test@test.by", "OrderComment": "Order payment 28-A", "URL_RETURN_OK": "http://www.URL.by/yes", "URL_RETURN_NO": "http://www.URL.by/no",
		"CardPayment": "1", "Submit": "Buy"}
}

func askDollars(amount string) params { return params{"Amount": amount, "Currency": "USD"} }

// A payment in two stages, with the confirmation by the service in all its documented ways.
func TestTwoStageConfirmation(t *testing.T) {
	s := &scheme{world: newWorld(t, pcsim.Behavior{}, inDollars), outer: t}
	s.shop()
	var path, bill string
	hold := func(number string) string {
		return s.paid(paymentOf(number).with(params{"Delay": "1", "OrderCurrency": "USD"}))
	}
	s.step("the documented form opens the order, with Delay=1", func(t *testing.T) {
		path = s.opened(documentedForm())
		wantText(t, s.follow(path), http.StatusOK, "237,40", "Order payment 28-A", `lang="ru"`)
		bill = s.stateAt(path)["billnumber"]
	})
	s.step("a declined try is the first operation, the successful one the second; the order is Delayed", func(t *testing.T) {
		s.submit(path, typed(pcsim.CardInsufficientFunds))
		s.submit(path, typed(pcsim.CardApproved))
		s.is("operations", s.done(bill), "1 payment failed 23740", "2 payment done 23740")
		if got := s.orderOfNumber("A20042011_28")["orderstate"]; got != "Delayed" {
			t.Errorf("order is %s", got)
		}
		if r := s.follow(path); r.header.Get("Location") != "http://www.URL.by/yes?billnumber="+bill+"&ordernumber=A20042011_28" {
			t.Errorf("the customer is sent to %q", r.header.Get("Location"))
		}
	})
	s.step("no financial transaction before the confirmation", func(t *testing.T) {
		s.is("records", s.recorded(bill))
		if got := s.totals(settletest.FileCenter, money.USD); got.Held() != 23740 || got.Net() != 0 {
			t.Errorf("the center: %+v", got)
		}
	})
	s.step("amount and currency come together, in the payment's currency, and not above the payment", func(t *testing.T) {
		s.run(credentials(), bill, []step{{charge, params{"Amount": "1.00"}, "", "", 3, 105}, {charge, params{"Currency": "USD"}, "", "", 3, 108},
			{charge, ask("1.00"), "", "", 5, 105}, {charge, askDollars("237.41"), "", "", 5, 108}})
	})
	s.step("an extended bill number has to name the successful payment", func(t *testing.T) {
		s.run(credentials(), bill+".1", []step{{charge, nil, "", "", 15, 307}})
		s.run(credentials(), bill+".2", []step{{charge, nil, "AS000", "Approved", 0, 0}})
		s.is("records", s.recorded(bill), "sale 23740")
	})
	s.step("a repeated confirmation tells the same and takes nothing again", func(t *testing.T) {
		first := s.form(charge, credentials().with(params{"Billnumber": bill, "Format": "3"})).body
		before := s.snapshot()
		if again := s.form(charge, credentials().with(params{"Billnumber": bill, "Format": "3"})).body; again != first {
			t.Errorf("%s\nnot %s", again, first)
		}
		s.unchanged("the repeat", before)
		s.is("operations", s.done(bill), "1 payment failed 23740", "2 payment done 23740", "3 confirmation done 23740")
	})
	s.step("a part can be confirmed, by form, JSON and SOAP, with the answer in the format asked for", func(t *testing.T) {
		for i, send := range []func(params) reply{
			func(p params) reply { return s.form(charge, p) },
			func(p params) reply { return s.json(charge, p.with(params{"Format": "3"})) },
			func(p params) reply { return s.soap(charge, p.with(params{"Format": "5"})) },
			func(p params) reply { return s.form(charge, p.with(params{"Format": "3"})) },
			func(p params) reply { return s.form(charge, p.with(params{"Format": "4"})) },
			func(p params) reply { return s.form(charge, p.with(params{"Format": "5"})) },
		} {
			begins := []string{"ordernumber:", `{"charge":`, "<?xml", "<?xml", "<?xml", `{"charge":`}[i]
			p := credentials().with(askDollars("100.00")).with(params{"Billnumber": hold(fmt.Sprint("part", i))})
			if r := send(p); !strings.HasPrefix(r.body, begins) || !strings.Contains(r.body, "PartialDelayed") || !strings.Contains(r.body, "AS000") {
				t.Errorf("way %d: %s", i, r.body)
			}
		}
		if r := s.get("/charge/charge.wsdl"); r.status != 200 || !strings.Contains(r.body, "MakeCharge") {
			t.Errorf("the description: %d %s", r.status, r.body)
		}
	})
	s.step("AutoDeposit gives the rest of the hold back at once", func(t *testing.T) {
		bill := hold("deposit")
		before := s.totals(settletest.FileCenter, money.USD).Released
		s.run(credentials(), bill, []step{{charge, askDollars("100.00").with(params{"AutoDeposit": "1"}), "AS000", "PartialDelayed", 0, 0}})
		s.settleOwed()
		if got := s.totals(settletest.FileCenter, money.USD).Released; got.Amount != before.Amount+13740 {
			t.Errorf("released %+v, before %+v", got, before)
		}
		s.is("records", s.recorded(bill), "sale 10000")
	})
	s.step("the shop can cancel before the confirmation and after it", func(t *testing.T) {
		held, taken := hold("cancel held"), hold("cancel taken")
		s.run(credentials(), held, []step{{cancel, nil, "AS000", "Canceled", 0, 0}, {charge, nil, "", "", 15, 307}})
		s.run(credentials(), taken, []step{{charge, nil, "AS000", "Approved", 0, 0}, {cancel, askDollars("37.40"), "AS000", "PartialCanceled", 0, 0}})
		s.is("records of the hold", s.recorded(held))
		s.is("records of the confirmed payment", s.recorded(taken), "sale 20000")
	})
	s.step("what is not confirmed in time is cancelled, never confirmed", func(t *testing.T) {
		late := hold("late")
		s.Clock.Advance(30 * 24 * time.Hour)
		n, err := s.Books.ExpireDue(t.Context(), 100)
		check(t, err)
		s.settleOwed()
		if o := s.order(settletest.Merchant, late); n == 0 || o.State() != "Canceled" {
			t.Errorf("%d expired, the order is %s", n, o.State())
		}
		s.is("records", s.recorded(late))
		s.run(credentials(), late, []step{{charge, nil, "", "", 15, 307}})
	})
}

// The same in Russian: page, answers and texts.
func TestTwoStageSchemeRU(t *testing.T) {
	s := &scheme{world: newPage(t, func(m *tenants.Merchant) { m.Russian = true }), outer: t}
	const number = "Заказ-28"
	russian := shopOrder(number).with(params{"Delay": "1", "Language": "", "OrderComment": "Оплата заказа 28-А"})
	var path, bill string
	s.step("the customer comes with number, amount and currency", func(t *testing.T) { path = s.opened(russian) })
	s.step("the order has a bill number and keeps what the request says; the page is Russian", func(t *testing.T) {
		bill = s.stateAt(path)["billnumber"]
		wantText(t, s.follow(path), http.StatusOK, `lang="ru"`, "Оплата заказа 28-А", "Оплатить")
	})
	s.step("the payment is the first operation", func(t *testing.T) {
		s.submit(path, typed(pcsim.CardApproved))
		s.is("operations", s.done(bill), "1 payment done 23740")
	})
	s.step("after the center's approval the order is Delayed", func(t *testing.T) {
		s.is("transactions", s.sent(bill), "authorization approved 23740")
		if got := s.stateAt(path)["orderstate"]; got != "Delayed" {
			t.Errorf("order is %s", got)
		}
	})
	s.step("the confirmation makes it Approved, and the financial transaction follows", func(t *testing.T) {
		r := s.call(charge, credentials().with(params{"Billnumber": bill}))
		if r.Order["orderstate"] != "Approved" || r.Order["ordernumber"] != number || r.Order["message"] != "Операция выполнена успешно" {
			t.Errorf("%+v", r.Order)
		}
		s.is("records", s.recorded(bill), "sale 23740")
		for _, b := range s.Night(t, settletest.FileCenter) {
			s.Reply(t, b)
		}
	})
	s.step("the order can be cancelled after it", func(t *testing.T) {
		s.run(credentials(), bill, []step{{cancel, nil, "AS000", "Canceled", 0, 0}})
		s.is("records", s.recorded(bill), "sale 23740", "credit 23740")
	})
	s.step("the services tell the state", func(t *testing.T) {
		if o := s.orderOfNumber(number); o["orderstate"] != "Canceled" || o["billnumber"] != bill {
			t.Errorf("%+v", o)
		}
	})
}

// instantOrder is an order that its customer pays by instant payment.
func instantOrder(number, amount string) params {
	return shopOrder(number).with(params{"OrderAmount": amount, "OrderCurrency": "RUB", "FastPayPayment": "1"})
}

// A payment by the instant payment scheme, with the partner bank, on a desktop and on a phone.
func TestInstantPaymentScheme(t *testing.T) {
	s := &scheme{world: newWorld(t, pcsim.Behavior{}, settletest.WithBank), outer: t}
	s.shop(func(m *tenants.Merchant) { m.Page.Instant, m.Page.Recurring = true, true })
	check(t, s.bank.SetNotifyURL(s.server.URL+"/instant/BANK/notice"))
	var path, bill string
	choose := func(path string) { s.submit(path, params{"Do": "pay", "Means": "qr"}) }
	s.step("the customer orders in the shop", func(t *testing.T) { path = s.opened(instantOrder("F-1", "500.00")) })
	s.step("the shop sends the customer to the page", func(t *testing.T) {
		wantText(t, s.follow(path), http.StatusOK, "500.00", `value="qr"`)
		bill = s.stateAt(path)["billnumber"]
	})
	s.step("the customer chooses the instant payment", func(t *testing.T) { choose(path) })
	s.step("the payment is registered with the partner bank, which gives what the code holds", func(t *testing.T) {
		if all := s.bank.Payments(); len(all) != 1 || all[0].Amount.Minor != 50000 {
			t.Fatalf("the bank knows %+v", all)
		}
		if p := s.waiting(s.orderAt(path)); p.Payload == "" || p.BankID == "" {
			t.Errorf("%+v", p)
		}
	})
	s.step("the page shows the code, and on a phone the banks", func(t *testing.T) {
		wantText(t, s.follow(path), http.StatusOK, `class="qr"`, "<svg", `class="banks"`)
		s.is("operations", s.done(bill), "1 payment in process 50000")
	})
	s.step("where there is no code, the page says so and offers to try again, which works once the bank does", func(t *testing.T) {
		check(t, s.bank.SetDown(true))
		other := s.opened(instantOrder("F-2", "77.00"))
		choose(other)
		wantText(t, s.follow(other), http.StatusOK, `value="retry"`)
		check(t, s.bank.SetDown(false))
		s.Clock.Advance(time.Minute)
		s.submit(other, params{"Do": "retry"})
		wantText(t, s.follow(other), http.StatusOK, `class="qr"`)
	})
	s.step("the customer pays in the bank's app, and the bank tells us", func(t *testing.T) {
		s.scan(s.orderAt(path), true)
		_, err := s.bank.Process(t.Context(), s.Clock.Now())
		check(t, err)
		if got := s.stateAt(path); got["orderstate"] != "Approved" {
			t.Fatalf("%v", got)
		}
		s.is("operations", s.done(bill), "1 payment done 50000")
		s.is("postings", s.posted(bill), "PR-38 50000", "PR-09i 600", "PR-09s 50", "PR-09p 5", "PR-10n 1250")
	})
	s.step("the customer goes back to the shop", func(t *testing.T) {
		if r := s.follow(path); !strings.HasPrefix(r.header.Get("Location"), "https://shop.example/yes?cart=7&billnumber="+bill) {
			t.Errorf("%d %q", r.status, r.header.Get("Location"))
		}
	})
	s.step("money is given back at once by the ordinary cancel", func(t *testing.T) {
		s.run(credentials(), bill, []step{{cancel, params{"Amount": "100.00", "Currency": "RUB"}, "AS000", "PartialCanceled", 0, 0}, {cancel, nil, "AS000", "Canceled", 0, 0}})
		if got := s.bank.Books()[money.RUB]; got.Net() != 0 {
			t.Errorf("the bank owes %d", got.Net())
		}
		s.is("records", s.recorded(bill))
	})
	s.step("a subscription: the page says that the payment is regular, and the customer agrees in the bank's app", func(t *testing.T) {
		regular := s.opened(instantOrder("F-3", "99.00").with(params{"RecurringIndicator": "1", "RecurringMinAmount": "1.00", "RecurringMaxAmount": "99.00",
			"RecurringPeriod": "30", "RecurringMaxDate": "01.03.2028"}))
		choose(regular)
		wantText(t, s.follow(regular), http.StatusOK, "regular")
		_, err := s.bank.Scan(s.waiting(s.orderAt(regular)).Payload, true, true)
		check(t, err)
		_, err = s.bank.Process(t.Context(), s.Clock.Now())
		check(t, err)
		if got := s.stateAt(regular)["orderstate"]; got != "Approved" || len(s.bank.Subscriptions()) != 1 {
			t.Errorf("order %s, %d subscriptions", got, len(s.bank.Subscriptions()))
		}
	})
}
