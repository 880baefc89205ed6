package authorize_test

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"settled/authorize"
	"settled/authorize/tenants"
	"settled/internal/money"
	"settled/internal/pcsim"
	"settled/settle"
	"settled/settle/settletest"
)

// An order comes in an address, from links in mails and plug-ins that redirect: a repeat leads to the same page.
func TestOrderInALink(t *testing.T) {
	w := newPage(t)
	link := orderPage + "?" + shopOrder("G-1").encode()
	first := w.send(http.MethodGet, link, "")
	if first.status != http.StatusSeeOther || w.orderAt(first.header.Get("Location")).Number != "G-1" {
		t.Fatalf("%d %s", first.status, first.body)
	}
	if again := w.send(http.MethodGet, link, ""); w.orderAt(again.header.Get("Location")).ID != w.orderAt(first.header.Get("Location")).ID {
		t.Error("a repeat made another order")
	}
	if r := w.send(http.MethodHead, orderPage+"?"+shopOrder("G-2").encode(), ""); r.status != http.StatusOK || r.header.Get("Location") != "" {
		t.Errorf("HEAD: %d", r.status)
	}
	if r := w.send(http.MethodPut, link, ""); r.status != http.StatusMethodNotAllowed || r.header.Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("PUT: %d, allowed %q", r.status, r.header.Get("Allow"))
	}
	wantText(t, w.send(http.MethodGet, link+"&Cardnumber=4111111111111111", ""), http.StatusBadRequest, "14/106")
	wantText(t, w.send(http.MethodGet, orderPage, ""), http.StatusBadRequest, "3/100")
	w.shop(func(m *tenants.Merchant) { m.Page.Links = tenants.LinksProven })
	wantText(t, w.send(http.MethodGet, orderPage+"?"+shopOrder("G-3").encode(), ""), http.StatusBadRequest, "3/0")
	hash := func(s string) string { sum := md5.Sum([]byte(s)); return hex.EncodeToString(sum[:]) }
	proof := strings.ToUpper(hash(strings.ToUpper(hash("secret") + hash("100001;G-3;237.40;BYN"))))
	if r := w.send(http.MethodGet, orderPage+"?"+shopOrder("G-3").with(params{"Checkvalue": proof}).encode(), ""); r.status != http.StatusSeeOther {
		t.Errorf("a link with a check value: %d %s", r.status, r.body)
	}
	w.shop(func(m *tenants.Merchant) { m.Page.Links = tenants.LinksRefused })
	wantText(t, w.send(http.MethodGet, orderPage+"?"+shopOrder("G-4").with(params{"Checkvalue": proof}).encode(), ""), http.StatusBadRequest, "7/0")
	wantText(t, w.send(http.MethodGet, orderPage+"?"+shopOrder("G-4").encode(), ""), http.StatusBadRequest, "15/350")
}

// Codes that a currency had before are read as agreed.
func TestOldCurrencyCodes(t *testing.T) {
	w := newPage(t)
	if a := w.askPayment(shopOrder("C-1").with(params{"OrderCurrency": "BYR"})); a.First != 5 || a.Second != 105 {
		t.Errorf("not agreed: %+v", a)
	}
	w.shop(func(m *tenants.Merchant) { m.OldCurrencies = true })
	a := w.askPayment(shopOrder("C-1").with(params{"OrderCurrency": "byr"}))
	if o := w.orderAt(strings.TrimPrefix(a.URL, w.server.URL)); o.Amount.String() != "237.40 BYN" {
		t.Errorf("the order is of %v", o.Amount)
	}
}

// A bare list is a cheque, also in JSON; confirmations and cancels have their own.
func TestChequesOfOperations(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	const items = `[{"id":1,"name":"A","price":1.00,"quantity":1,"amount":%d}]`
	bill := w.paid(paymentOf("Ch-1").with(params{"Delay": "1", "ChequeItems": fmt.Sprintf(items, 1)}))
	body := `{"Merchant_ID":100001,"Login":"` + login + `","Password":"` + password + `","Billnumber":"` + bill + `","ChequeItems":`
	if r := w.post(charge, "application/json", body+fmt.Sprintf(items, 2)+"}"); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if r := w.post(cancel, "application/json", body+fmt.Sprintf(items, 3)+`,"Amount":"1.00","Currency":"BYN"}`); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if r := w.post(cancel, "application/json", body+`[{}]}`); r.status != http.StatusBadRequest {
		t.Errorf("a cheque of nothing: %d %s", r.status, r.body)
	}
	var answer struct {
		OrderResult struct {
			Orders []struct {
				Operations []struct{ ChequeItems string }
			}
		}
	}
	check(t, json.Unmarshal([]byte(w.json(orderResult, credentials().with(params{"OrderNumber": "Ch-1"})).body), &answer))
	for i, op := range answer.OrderResult.Orders[0].Operations {
		if op.ChequeItems != fmt.Sprintf(items, i+1) {
			t.Errorf("operation %d has %s", i+1, op.ChequeItems)
		}
	}
}

// A client of one object reads the last of two attempts, and one of several reads all. The check value can be computed of what
// JSON parsers make of the amounts.
func TestStateOfTwoAttemptsInJSON(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	p := paymentOf("J-1").with(params{"OrderAmount": "100.00"})
	w.call(pay, p.with(params{"Cardnumber": pcsim.CardInsufficientFunds}))
	w.paid(p)
	type state struct {
		OrderNumber, BillNumber, OrderCurrency, OrderState string
		OrderAmount                                        float64
		CheckData                                          struct{ CheckValue string }
	}
	var answer struct {
		OrderState struct {
			state
			Orders []state
		}
	}
	check(t, json.Unmarshal([]byte(w.json(orderState, credentials().with(params{"OrderNumber": "J-1"})).body), &answer))
	last := answer.OrderState
	if last.state.OrderState != "Approved" || len(last.Orders) != 2 || last.Orders[0].OrderState != "Declined" || last.Orders[1].BillNumber != last.BillNumber {
		t.Fatalf("%+v", answer)
	}
	x := "100001" + last.OrderNumber + strconv.FormatFloat(last.OrderAmount, 'f', 2, 64) + last.OrderCurrency + last.state.OrderState
	if want := clientsCheckValue(x); last.CheckData.CheckValue != want {
		t.Errorf("check value %s, not %s", last.CheckData.CheckValue, want)
	}
}

// clientsCheckValue is the check value as docs/protocol.md describes it to clients.
func clientsCheckValue(x string) string {
	hash := func(s string) string { sum := md5.Sum([]byte(s)); return hex.EncodeToString(sum[:]) }
	return strings.ToUpper(hash(strings.ToUpper(hash("secret") + hash(x))))
}

// A client whose JSON parser makes numbers of amounts writes them with the decimals of their currency, and has the text that the
// check values of orderstate and orderresult are over: also of whole amounts, and of currencies with other decimals than two.
func TestCheckValueOfParsedNumbers(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{}, func(d *settle.Directory) {
		m, _ := d.Merchant(settletest.Merchant)
		m.Routes[1].Currencies = append(m.Routes[1].Currencies, money.JPY, money.KWD)
	})
	for i, c := range []struct {
		amount, currency string
		decimals         int
	}{{"10.00", "BYN", 2}, {"10.10", "BYN", 2}, {"0.05", "BYN", 2}, {"9999999.99", "BYN", 2}, {"1234", "JPY", 0}, {"10", "JPY", 0},
		{"10.000", "KWD", 3}, {"10.100", "KWD", 3}, {"0.005", "KWD", 3}} {
		number := fmt.Sprintf("N-%d", i)
		w.paid(paymentOf(number).with(params{"OrderAmount": c.amount, "OrderCurrency": c.currency}))
		for path, name := range map[string]string{orderState: "orderstate", orderResult: "orderresult"} {
			told := w.onlyOrder(path, name, number)
			x := "100001" + number + strconv.FormatFloat(told["orderamount"].(float64), 'f', c.decimals, 64) + c.currency + "Approved"
			if got := told["checkdata"].(map[string]any)["checkvalue"]; got != clientsCheckValue(x) {
				t.Errorf("%s: %s is over another text than %s", name, got, x)
			}
		}
	}
}

// onlyOrder asks in JSON and reads the one order of the answer as clients without types do.
func (w *world) onlyOrder(path, name, number string) map[string]any {
	w.t.Helper()
	var answer map[string]any
	check(w.t, json.Unmarshal([]byte(w.json(path, credentials().with(params{"OrderNumber": number})).body), &answer))
	order := answer[name].(map[string]any)
	if list, several := order["orders"].([]any); several {
		order = list[0].(map[string]any)
	}
	return order
}

// An old path says in the asked format what to call instead, and is logged and counted.
func TestOldPaths(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	for format, want := range map[string]string{"1": "firstcode:15;secondcode:350", "3": `firstcode="15" secondcode="350"`, "4": "/charge/charge.cfm", "5": "/charge/charge.cfm"} {
		if r := w.form("/postauths/postauth.cfm", credentials().with(params{"Format": format})); !strings.Contains(r.body, want) {
			t.Errorf("format %s: %d %s", format, r.status, r.body)
		}
	}
	if r := w.post("/api/v1/order/cancel.cfm", "application/json", `{"ordernumber":"A-1"}`); r.status != http.StatusConflict || !strings.Contains(r.body, "/cancel/cancel.cfm") {
		t.Errorf("JSON: %d %s", r.status, r.body)
	}
	wantText(t, w.send(http.MethodGet, "/shops/purchase.cfm?Shop_IDP=1&Order_IDP=2", ""), http.StatusBadRequest, "/pay/order.cfm", "Shop_IDP")
	if logs := w.logs.String(); !strings.Contains(logs, "old path called") || !strings.Contains(logs, "route=/postauths/postauth.cfm") {
		t.Error("nothing is logged")
	}
	page, err := os.ReadFile("../docs/protocol.md")
	check(t, err)
	for _, path := range authorize.OldPathsForTest() {
		if !strings.Contains(string(page), "`"+path+"`") {
			t.Errorf("docs/protocol.md does not name %s", path)
		}
	}
}

// After an instant payment that was refused its means stays chosen, with the reason; who went back for other means knows why. A buyer
// who agreed before is asked in his bank's app and has nothing to scan.
func TestInstantPaymentsOnThePage(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{}, settletest.WithBank)
	w.shop(func(m *tenants.Merchant) { m.Page.Instant, m.Page.OneClick = true, true })
	check(t, w.bank.SetNotifyURL(w.server.URL+"/instant/BANK/notice"))
	code := params{"Do": "pay", "Means": "qr"}
	path := w.opened(instantOrder("S-1", "500.00"))
	w.submit(path, code)
	w.scan(w.orderAt(path), false)
	w.process(t)
	w.poll(10 * time.Second)
	wantText(t, w.follow(path), http.StatusOK, `value="qr" checked`, "The payment was not made")
	w.submit(path, code)
	w.submit(path, params{"Do": "means"})
	if r := w.follow(path); !strings.Contains(r.body, `value="card" checked`) || strings.Contains(r.body, "The payment was not made") {
		t.Errorf("after going back: %s", r.body)
	}
	path = w.opened(proven(instantOrder("S-2", "600.00"), "buyer-9"))
	w.submit(path, code)
	_, err := w.bank.Scan(w.waiting(w.orderAt(path)).Payload, true, true)
	check(t, err)
	w.process(t)
	path = w.opened(proven(instantOrder("S-3", "700.00"), "buyer-9"))
	w.submit(path, code)
	r := w.follow(path)
	wantText(t, r, http.StatusOK, "Confirm in your bank")
	if strings.Contains(r.body, `class="qr"`) || strings.Contains(r.body, "Scan") {
		t.Errorf("something to scan: %s", r.body)
	}
}
