package authorize_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"settled/authorize/tenants"
	"settled/internal/pcsim"
	"settled/settle"
	"settled/settle/settletest"
)

const (
	orderPage  = "/pay/order.cfm"
	payRequest = "/pay/payrequest.cfm"
)

// newPage is a world whose first merchant takes cards on the page. Each change is applied to its settings.
func newPage(t *testing.T, changes ...func(*tenants.Merchant)) *world {
	t.Helper()
	w := newWorld(t, pcsim.Behavior{})
	w.shop(changes...)
	return w
}

// shop opens another gateway, where the first merchant takes cards and is changed.
func (w *world) shop(changes ...func(*tenants.Merchant)) {
	w.t.Helper()
	m := w.options.Merchants[settletest.Merchant]
	m.Page.Card = true
	for _, change := range changes {
		change(&m)
	}
	w.options.Merchants[settletest.Merchant] = m
	w.options.Registerer = nil
	w.open()
}

// shopOrder is an order as a shop's form posts it.
func shopOrder(number string) params {
	return params{"Merchant_ID": "100001", "OrderNumber": number, "OrderAmount": "237.40", "OrderCurrency": "BYN", "Language": "EN",
		"URL_RETURN_OK": "https://shop.example/yes?cart=7", "URL_RETURN_NO": "https://shop.example/no#end", "OrderComment": "Order payment <28-A>"}
}

// typed is a card as a customer types it.
func typed(number string) params {
	return params{"Do": "pay", "Means": "card", "Cardnumber": number, "Expiry": "12 / 28", "Cvc2": "123", "Cardholder": "TEST CARD",
		"BrowserInfo": "1280;800;24;-180;en"}
}

// send makes a request that follows no redirect.
func (w *world) send(method, path, body string, headers ...string) reply {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.server.URL+path, strings.NewReader(body))
	check(w.t, err)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	client := *w.server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := client.Do(r)
	check(w.t, err)
	defer response.Body.Close()
	return readReply(w.t, response)
}

// follow gets a page and the pages that it leads to on our side.
func (w *world) follow(path string) reply {
	w.t.Helper()
	for range 5 {
		r := w.send(http.MethodGet, path, "")
		next := r.header.Get("Location")
		if r.status != http.StatusSeeOther || !strings.HasPrefix(next, "/") {
			return r
		}
		path = next
	}
	w.t.Fatalf("%s leads on and on", path)
	return reply{}
}

// opened posts an order and returns the path of its page.
func (w *world) opened(p params) string {
	w.t.Helper()
	r := w.send(http.MethodPost, orderPage, p.encode())
	if r.status != http.StatusSeeOther || !regexp.MustCompile(`^/pay/pay\.cfm\?CFSID=[\w%]+$`).MatchString(r.header.Get("Location")) {
		w.t.Fatalf("order: %d %s %s", r.status, r.header.Get("Location"), r.body)
	}
	return r.header.Get("Location")
}

var sessionField = regexp.MustCompile(`name="Session" value="([^"]*)"`)

// token finds what a page's form carries.
func token(t *testing.T, page reply) string {
	t.Helper()
	found := sessionField.FindStringSubmatch(page.body)
	if found == nil {
		t.Fatalf("no form in %d %s", page.status, page.body)
	}
	return html.UnescapeString(found[1])
}

// submit fills in the form of a page.
func (w *world) submit(path string, fields params) reply {
	w.t.Helper()
	return w.send(http.MethodPost, path, fields.with(params{"Session": token(w.t.(*testing.T), w.follow(path))}).encode())
}

// orderAt reads the order of a page.
func (w *world) orderAt(path string) *settle.Order {
	w.t.Helper()
	return w.order(settletest.Merchant, w.stateAt(path)["billnumber"])
}

// stateAt asks a page for its state.
func (w *world) stateAt(path string) map[string]string {
	w.t.Helper()
	r := w.send(http.MethodGet, path+"&type=json", "")
	var state map[string]string
	if err := json.Unmarshal([]byte(r.body), &state); err != nil {
		w.t.Fatalf("%v in %s", err, r.body)
	}
	return state
}

func wantText(t *testing.T, r reply, status int, texts ...string) {
	t.Helper()
	if r.status != status {
		t.Fatalf("status %d, not %d: %s", r.status, status, r.body)
	}
	for _, text := range texts {
		if !strings.Contains(r.body, text) {
			t.Fatalf("no %q in %s", text, r.body)
		}
	}
}

func TestPageTakesAPayment(t *testing.T) {
	w := newPage(t)
	path := w.opened(shopOrder("P 1"))
	wantText(t, w.follow(path), http.StatusOK, "237.40", "P1", "ACME BOOKS", "Order payment 28-A", `name="Cardnumber"`)
	r := w.submit(path, typed(pcsim.CardApproved))
	if r.status != http.StatusSeeOther || r.header.Get("Location") != path {
		t.Fatalf("after the payment: %d %s %s", r.status, r.header.Get("Location"), r.body)
	}
	o := w.orderAt(path)
	want := "https://shop.example/yes?cart=7&billnumber=" + strconv.FormatInt(o.ID, 10) + "&ordernumber=P1"
	if r = w.follow(path); r.status != http.StatusSeeOther || r.header.Get("Location") != want {
		t.Fatalf("way back: %d %q, not %q", r.status, r.header.Get("Location"), want)
	}
	if o.State() != "Approved" || o.CardMask != "411111****1111" {
		t.Fatalf("order is %s with %s", o.State(), o.CardMask)
	}
	if again := w.opened(shopOrder("P 1")); again != path {
		t.Fatalf("the same order again is at %s", again)
	}
}

func TestPageTakesAnotherCardAfterADecline(t *testing.T) {
	w := newPage(t)
	path := w.opened(shopOrder("P-2"))
	w.submit(path, typed(pcsim.CardInsufficientFunds))
	wantText(t, w.follow(path), http.StatusOK, "Insufficient funds", "Use another card", `name="Cardnumber"`)
	if state := w.stateAt(path); state["orderstate"] != "In Process" || state["page"] != "payment" {
		t.Fatalf("after a decline with tries left: %v", state)
	}
	w.submit(path, typed(pcsim.CardApproved))
	o := w.orderAt(path)
	if o.State() != "Approved" || len(o.Operations) != 2 || o.PaymentNumber != 2 {
		t.Fatalf("order is %s with %d operations", o.State(), len(o.Operations))
	}
}

func TestLastDeclineEndsTheOrder(t *testing.T) {
	w := newPage(t, func(m *tenants.Merchant) { m.Page.Attempts, m.Page.ShowResult = 2, true })
	path := w.opened(shopOrder("P-3"))
	for range 2 {
		w.submit(path, typed(pcsim.CardInsufficientFunds))
	}
	o := w.orderAt(path)
	r := w.follow(path)
	wantText(t, r, http.StatusOK, "Payment declined", "Insufficient funds", "https://shop.example/no?billnumber="+strconv.FormatInt(o.ID, 10)+"&amp;ordernumber=P-3#end")
	if o.State() != "Declined" {
		t.Fatalf("order is %s", o.State())
	}
	if next := w.opened(shopOrder("P-3")); next == path {
		t.Fatal("the next attempt has the bill number of the first")
	}
}

func TestPageHolds(t *testing.T) {
	w := newPage(t)
	path := w.opened(shopOrder("P-4").with(params{"Delay": "1"}))
	w.submit(path, typed(pcsim.CardApproved))
	o := w.orderAt(path)
	if o.State() != "Delayed" {
		t.Fatalf("order is %s", o.State())
	}
	r := w.call(charge, credentials().with(params{"Billnumber": strconv.FormatInt(o.ID, 10), "Format": "3"}))
	if r.Order["orderstate"] != "Approved" {
		t.Fatalf("confirmation: %+v", r)
	}
}

func TestUnknownOutcomeWaits(t *testing.T) {
	w := newPage(t, func(m *tenants.Merchant) { m.Page.ShowResult = true })
	path := w.opened(shopOrder("P-5"))
	w.submit(path, typed(pcsim.CardSilentLost))
	wantText(t, w.follow(path), http.StatusOK, "The bank has not answered yet", "https://shop.example/no?billnumber=")
	if state := w.stateAt(path); state["page"] != "result" || state["orderstate"] != "In Process" {
		t.Fatalf("without an answer: %v", state)
	}
	w.Clock.Advance(time.Minute)
	w.settleOwed()
	wantText(t, w.follow(path), http.StatusOK, "Payment declined")
}

func TestOrderRunsOutOfTime(t *testing.T) {
	w := newPage(t, func(m *tenants.Merchant) { m.Page.Timeout, m.Page.ShowResult = time.Minute, true })
	path := w.opened(shopOrder("P-6"))
	page := w.follow(path)
	w.Clock.Advance(time.Minute)
	wantText(t, w.follow(path), http.StatusOK, "Time is over")
	r := w.send(http.MethodPost, path, typed(pcsim.CardApproved).with(params{"Session": token(t, page)}).encode())
	if r.status != http.StatusSeeOther {
		t.Fatalf("payment after the time: %d %s", r.status, r.body)
	}
	n, err := w.Books.TimeoutDue(t.Context(), 10)
	check(t, err)
	if o := w.orderAt(path); n != 1 || o.State() != "Timeout" || len(o.Operations) != 0 {
		t.Fatalf("%d closed, order is %s with %d operations", n, o.State(), len(o.Operations))
	}
}

func TestFormIsValidated(t *testing.T) {
	w := newPage(t, func(m *tenants.Merchant) { m.Page.Required = []string{"Email", "MobilePhone"} })
	path := w.opened(shopOrder("P-7"))
	for name, c := range map[string]struct {
		fields params
		want   []string
	}{
		"number":  {params{"Cardnumber": "4111 1111 1111 1112"}, []string{"Check the card number"}},
		"foreign": {params{"Cardnumber": "4929 0000 0000 0008"}, []string{"This kind of card is not accepted"}},
		"expired": {params{"Expiry": "01/26"}, []string{"The card has expired"}},
		"expiry":  {params{"Expiry": "13/29"}, []string{"Check the date"}},
		"code":    {params{"Cvc2": "12"}, []string{"Check the code"}},
		"holder":  {params{"Cardholder": "ИВАН"}, []string{"Latin letters"}},
		"email":   {params{"Email": "ivan@"}, []string{"name@example.com"}},
		"phone":   {params{"MobilePhone": "call me"}, []string{"Digits, for example"}},
		"nothing": {params{"Cardnumber": "", "Expiry": "", "Cvc2": "", "Cardholder": "", "Email": "", "MobilePhone": ""}, []string{"Fill this in"}},
	} {
		filled := typed(pcsim.CardApproved).with(params{"Email": "ivan@example.by", "MobilePhone": "+375 29 1234567"}).with(c.fields)
		r := w.submit(path, filled)
		wantText(t, r, http.StatusUnprocessableEntity, append(c.want, `aria-invalid="true"`)...)
		for _, secret := range []string{"4111111111111111", "4111 1111", `value="123"`} {
			if strings.Contains(r.body, secret) {
				t.Errorf("%s: the page repeats %q", name, secret)
			}
		}
	}
	if o := w.orderAt(path); len(o.Operations) != 0 || o.TriesLeft != 3 {
		t.Fatalf("%d operations and %d tries after forms with mistakes", len(o.Operations), o.TriesLeft)
	}
	w.submit(path, typed("4111-1111 1111-1111").with(params{"Email": "ivan@example.by", "MobilePhone": "+375 29 1234567"}))
	o := w.orderAt(path)
	var kept map[string]string
	check(t, json.Unmarshal(o.Details, &kept))
	if o.State() != "Approved" || kept["email"] != "ivan@example.by" || kept["mobilephone"] != "+375 29 1234567" || kept["cardholder"] != "TEST CARD" {
		t.Fatalf("order is %s with %v", o.State(), kept)
	}
}

func TestFormCountsOnce(t *testing.T) {
	w := newPage(t)
	path := w.opened(shopOrder("P-8"))
	form := typed(pcsim.CardInsufficientFunds).with(params{"Session": token(t, w.follow(path))}).encode()
	replies := make(chan reply, 4)
	for range 4 {
		go func() { replies <- w.send(http.MethodPost, path, form) }()
	}
	for range 4 {
		if r := <-replies; r.status != http.StatusSeeOther {
			t.Errorf("status %d: %s", r.status, r.body)
		}
	}
	if o := w.orderAt(path); len(o.Operations) != 1 || o.TriesLeft != 2 {
		t.Fatalf("%d operations, %d tries left", len(o.Operations), o.TriesLeft)
	}
	if r := w.send(http.MethodPost, path, form); r.status != http.StatusSeeOther || len(w.orderAt(path).Operations) != 1 {
		t.Fatalf("the form of an earlier attempt: %d, %d operations", r.status, len(w.orderAt(path).Operations))
	}
}

func TestSessionsCannotBeMade(t *testing.T) {
	w := newPage(t)
	path := w.opened(shopOrder("P-9"))
	other := w.opened(shopOrder("P-10"))
	id, err := url.QueryUnescape(strings.TrimPrefix(path, "/pay/pay.cfm?CFSID="))
	check(t, err)
	if !regexp.MustCompile(`^[\w+/=]+$`).MatchString(id) {
		t.Fatalf("session %q", id)
	}
	for _, bad := range []string{"", "x", id[:len(id)-1], "B" + id[1:], id[:20] + "AA" + id[22:], strings.Repeat("A", len(id))} {
		r := w.send(http.MethodGet, "/pay/pay.cfm?CFSID="+url.QueryEscape(bad), "")
		wantText(t, r, http.StatusNotFound, "There is no such payment")
		if strings.Contains(r.body, "ACME") {
			t.Error("the page says whose order it is not")
		}
	}
	r := w.send(http.MethodPost, path, typed(pcsim.CardApproved).with(params{"Session": token(t, w.follow(other))}).encode())
	wantText(t, r, http.StatusForbidden)
	r = w.send(http.MethodPost, path, typed(pcsim.CardApproved).with(params{"Session": id}).encode())
	wantText(t, r, http.StatusForbidden)
	form := typed(pcsim.CardApproved).with(params{"Session": token(t, w.follow(path))}).encode()
	r = w.send(http.MethodPost, path, form, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
	wantText(t, r, http.StatusForbidden)
	if o := w.orderAt(path); len(o.Operations) != 0 {
		t.Fatal("a foreign form paid")
	}
	r = w.send(http.MethodPost, path, form, "Sec-Fetch-Site", "same-origin", "Origin", "null")
	if r.status != http.StatusSeeOther || w.orderAt(path).State() != "Approved" {
		t.Fatalf("our own form without an origin: %d", r.status)
	}
}
