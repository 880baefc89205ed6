package authorize_test

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"settled/authorize/tenants"
	"settled/internal/pcsim"
	"settled/settle/settletest"
	"settled/settle/subscription"
)

// asked is the answer of payrequest.
type asked struct {
	URL        string `json:"URL"`
	State      string `json:"orderstate"`
	Expiration string `json:"expirationtime"`
	First      int    `json:"firstcode"`
	Second     int    `json:"secondcode"`
}

// askPayment posts an order to payrequest.
func (w *world) askPayment(p params) asked {
	w.t.Helper()
	r := w.send(http.MethodPost, payRequest, p.encode())
	var a asked
	if err := json.Unmarshal([]byte(r.body), &a); err != nil {
		w.t.Fatalf("%v in %s", err, r.body)
	}
	var keys map[string]any
	check(w.t, json.Unmarshal([]byte(r.body), &keys))
	if keys["url"] != keys["URL"] {
		w.t.Errorf("url is %v, URL %v", keys["url"], keys["URL"])
	}
	return a
}

func TestPayRequestAnswersAnAddress(t *testing.T) {
	w := newPage(t)
	a := w.askPayment(shopOrder("Q-1"))
	if !strings.HasPrefix(a.URL, w.server.URL+"/pay/pay.cfm?CFSID=") || a.State != "In Process" || a.Expiration != "02.03.2026 07:00:00" {
		t.Fatalf("%+v", a)
	}
	wantText(t, w.follow(strings.TrimPrefix(a.URL, w.server.URL)), http.StatusOK, "237.40", "Q-1")
	if refused := w.askPayment(shopOrder("Q-1").with(params{"OrderAmount": "1.00"})); refused.State != "Decline" || refused.URL != "" || refused.First != 11 || refused.Second != 107 {
		t.Fatalf("another order of the number: %+v", refused)
	}
}

// TestOrderInAMultipartForm: some shops' forms and HTTP libraries send that.
func TestOrderInAMultipartForm(t *testing.T) {
	w := newPage(t)
	var body strings.Builder
	form := multipart.NewWriter(&body)
	for name, value := range shopOrder("Q-7") {
		check(t, form.WriteField(name, value))
	}
	check(t, form.Close())
	r := w.send(http.MethodPost, orderPage, body.String(), "Content-Type", form.FormDataContentType())
	if r.status != http.StatusSeeOther || w.orderAt(r.header.Get("Location")).Number != "Q-7" {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if r := w.send(http.MethodPost, orderPage, "{}", "Content-Type", "application/json"); r.status != http.StatusUnsupportedMediaType {
		t.Errorf("an order in JSON: %d", r.status)
	}
}

// TestPayRequestRefusesInJSON: whoever asks is a program, also when the request is not even read.
func TestPayRequestRefusesInJSON(t *testing.T) {
	w := newPage(t)
	for name, c := range map[string]struct {
		method, query, kind   string
		status, first, second int
	}{
		"a card in the URL": {http.MethodPost, "?Cardnumber=4111111111111111", "application/json", http.StatusOK, 14, 106},
		"GET":               {http.MethodGet, "", "application/json", http.StatusMethodNotAllowed, 15, 350},
		"another type":      {http.MethodPost, "", "text/plain", http.StatusUnsupportedMediaType, 4, 350},
	} {
		r := w.send(c.method, payRequest+c.query, `{}`, "Content-Type", c.kind)
		var a asked
		if err := json.Unmarshal([]byte(r.body), &a); err != nil || r.status != c.status || a.State != "Decline" || a.First != c.first || a.Second != c.second {
			t.Errorf("%s: %d %s, %v", name, r.status, r.body, err)
		}
	}
}

// TestPayRequestDoesNotGuess: while the database is away nobody knows whether there is an order, so it is not called declined.
func TestPayRequestDoesNotGuess(t *testing.T) {
	w := newPage(t)
	w.Pool.Close()
	text, err := json.Marshal(shopOrder("P-1"))
	if err != nil {
		t.Fatal(err)
	}
	r := w.send(http.MethodPost, payRequest, string(text), "Content-Type", "application/json")
	var a asked
	if err := json.Unmarshal([]byte(r.body), &a); err != nil || r.status != http.StatusServiceUnavailable || a.State != "" || a.First == 0 || r.header.Get("Retry-After") == "" {
		t.Errorf("%d %s, %v", r.status, r.body, err)
	}
}

func TestOrdersAreRefused(t *testing.T) {
	w := newPage(t, func(m *tenants.Merchant) { m.Page.Recurring = true })
	regular := params{"RecurringIndicator": "1", "RecurringMinAmount": "1.00", "RecurringMaxAmount": "9.00", "RecurringPeriod": "30", "RecurringMaxDate": "31.12.2027"}
	for name, c := range map[string]struct {
		change        params
		first, second int
	}{
		"no merchant":         {params{"Merchant_ID": ""}, 3, 100},
		"unknown merchant":    {params{"Merchant_ID": "999"}, 10, 200},
		"no number":           {params{"OrderNumber": ""}, 3, 107},
		"no amount":           {params{"OrderAmount": ""}, 3, 108},
		"amount":              {params{"OrderAmount": "1e3"}, 4, 108},
		"13 digits":           {params{"OrderAmount": "10000000000.00"}, 5, 108},
		"three decimals":      {params{"OrderAmount": "1.001"}, 4, 108},
		"currency":            {params{"OrderCurrency": "XXQ"}, 5, 105},
		"no route, no rate":   {params{"OrderCurrency": "JPY", "OrderAmount": "100"}, 5, 105},
		"delay":               {params{"Delay": "2"}, 5, 109},
		"delay, one message":  {params{"Delay": "1", "OrderCurrency": "USD"}, 5, 109},
		"script as address":   {params{"URL_RETURN_OK": "javascript:alert(1)"}, 5, 154},
		"no host":             {params{"URL_RETURN": "https:///x"}, 5, 154},
		"no means":            {params{"CardPayment": "0"}, 15, 218},
		"wrong check value":   {params{"Checkvalue": strings.Repeat("0", 32)}, 7, 0},
		"regular, no end":     {regular.with(params{"RecurringMaxDate": ""}), 3, 104},
		"regular, ended":      {regular.with(params{"RecurringMaxDate": "01.03.2026"}), 5, 104},
		"regular, bounds":     {regular.with(params{"RecurringMinAmount": "10.00"}), 5, 108},
		"regular and known":   {regular.with(params{"CustomerNumber": "C-1"}), 15, 202},
		"regular by half":     {params{"RecurringPeriod": "30"}, 3, 320},
		"period out of range": {regular.with(params{"RecurringPeriod": "0"}), 5, 320},
	} {
		p := shopOrder("Q-2").with(c.change)
		if a := w.askPayment(p); a.State != "Decline" || a.First != c.first || a.Second != c.second {
			t.Errorf("%s: %+v, not %d/%d", name, a, c.first, c.second)
		}
	}
	r := w.send(http.MethodPost, orderPage, shopOrder("Q-2").with(params{"OrderAmount": "free", "Language": "RU"}).encode())
	wantText(t, r, http.StatusBadRequest, "Ошибка в запросе магазина", "4/108: OrderAmount")
	r = w.send(http.MethodPost, orderPage+"?Cardnumber=4111111111111111", shopOrder("Q-2").encode())
	wantText(t, r, http.StatusBadRequest, "14/106")
	if strings.Contains(r.body, "4111") {
		t.Error("the page repeats a card number")
	}
	if _, err := w.Books.ByNumber(t.Context(), settletest.Merchant, "Q-2"); err == nil {
		t.Error("a refused order was made")
	}
}

// TestBuyersGoToListedHosts: an order sends buyers to the hosts that its merchant lists, and nowhere else.
func TestBuyersGoToListedHosts(t *testing.T) {
	w := newPage(t, func(m *tenants.Merchant) { m.Page.ReturnHosts = []string{"shop.example", "www.shop.example"} })
	for address, second := range map[string]int{
		"https://shop.example/back": 0, "https://WWW.shop.example:8443/": 0, "https://evil.example/": 154, "https://shop.example.evil.example/": 154,
		"https://evil.example/shop.example": 154, "https://shop.example@evil.example/": 154, "https://notshop.example/": 154, "//evil.example/": 154,
	} {
		for _, parameter := range []string{"URL_RETURN", "URL_RETURN_OK", "URL_RETURN_NO"} {
			a := w.askPayment(shopOrder("H-" + parameter + strconv.Itoa(len(address))).with(params{parameter: address}))
			if a.Second != second {
				t.Errorf("%s=%s: %+v", parameter, address, a)
			}
		}
	}
}

func TestOrdersAreProven(t *testing.T) {
	w := newPage(t, func(m *tenants.Merchant) { m.Proofs.Checkvalue, m.Page.AutoNumber = true, true })
	hash := func(s string) string { sum := md5.Sum([]byte(s)); return hex.EncodeToString(sum[:]) }
	proof := strings.ToUpper(hash(strings.ToUpper(hash("secret") + hash("100001;Q-3;237.40;BYN"))))
	if a := w.askPayment(shopOrder("Q-3")); a.First != 3 {
		t.Fatalf("without a check value: %+v", a)
	}
	if a := w.askPayment(shopOrder("Q-3").with(params{"Checkvalue": proof, "OrderAmount": "1.00"})); a.First != 7 {
		t.Fatalf("with the check value of another amount: %+v", a)
	}
	if a := w.askPayment(shopOrder("Q-3").with(params{"Checkvalue": proof})); a.State != "In Process" {
		t.Fatalf("proven: %+v", a)
	}
	proof = strings.ToUpper(hash(strings.ToUpper(hash("secret") + hash("100001;;237.40;BYN"))))
	a := w.askPayment(shopOrder("").with(params{"Checkvalue": proof}))
	if o := w.orderAt(strings.TrimPrefix(a.URL, w.server.URL)); !strings.HasPrefix(o.Number, "20260302-") {
		t.Fatalf("the order got the number %q", o.Number)
	}
}

func TestRegularPaymentsBeginOnThePage(t *testing.T) {
	w := newPage(t, func(m *tenants.Merchant) { m.Page.Recurring = true })
	path := w.opened(shopOrder("Q-4").with(params{"RecurringIndicator": "1", "RecurringMinAmount": "1.00", "RecurringMaxAmount": "300.00",
		"RecurringPeriod": "30", "RecurringMaxDate": "31.12.2027"}))
	wantText(t, w.follow(path), http.StatusOK, "This payment is regular", "300.00", "30 days", "31.12.2027")
	w.submit(path, typed("4111111111111111"))
	s, err := w.Subscriptions().Find(t.Context(), settletest.Merchant, w.orderAt(path).ID)
	check(t, err)
	if s.State != subscription.Active || s.Terms.Max != 30000 {
		t.Fatalf("subscription %+v", s)
	}
}

func TestPageSlowsDownWhoTriesCards(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.options.Limits.Declines = tenants.Pace{Every: 30e9, Burst: 3}
	w.options.Limits.Merchant = tenants.Pace{Every: 1e9, Burst: 6}
	w.shop()
	for i := range 3 {
		w.submit(w.opened(shopOrder("L-"+string(rune('0'+i)))), typed("4000000000001166"))
	}
	path := w.opened(shopOrder("L-4"))
	wantText(t, w.submit(path, typed("4111111111111111")), http.StatusTooManyRequests, "Too many requests")
	form := typed("4111111111111111").with(params{"Session": token(t, w.follow(path))}).encode()
	if r := w.send(http.MethodPost, path, form, "X-Test-Source", "203.0.113.9"); r.status != http.StatusSeeOther || w.orderAt(path).State() != "Approved" {
		t.Fatalf("another source: %d", r.status)
	}
	w.opened(shopOrder("L-5"))
	w.opened(shopOrder("L-6"))
	wantText(t, w.send(http.MethodPost, orderPage, shopOrder("L-7").encode()), http.StatusTooManyRequests)
	w.Clock.Advance(31e9)
	path = w.opened(shopOrder("L-8"))
	if r := w.submit(path, typed("4111111111111111")); r.status != http.StatusSeeOther {
		t.Fatalf("later: %d", r.status)
	}
}

func TestWayBackToTheShop(t *testing.T) {
	w := newPage(t, func(m *tenants.Merchant) {
		m.Page.ReturnNo, m.Page.ReturnURL = "https://shop.example/settings-no", "https://shop.example/settings"
	})
	for name, c := range map[string]struct {
		sent  params
		paid  bool
		wants string
	}{
		"W-1": {params{"URL_RETURN_OK": "https://a.example/ok"}, true, "https://a.example/ok?billnumber="},
		"W-2": {params{"URL_RETURN": "https://a.example/both?x=1"}, true, "https://a.example/both?x=1&billnumber="},
		"W-3": {params{}, true, "https://shop.example/settings?billnumber="},
		"W-4": {params{"URL_RETURN": "https://a.example/both"}, false, "https://a.example/both?billnumber="},
		"W-5": {params{}, false, "https://shop.example/settings-no?billnumber="},
		"W 6": {params{"URL_RETURN_NO": "https://a.example/no?"}, false, "https://a.example/no?billnumber="},
	} {
		path := w.opened(shopOrder(name).with(params{"URL_RETURN_OK": "", "URL_RETURN_NO": ""}).with(c.sent))
		card := "4111111111111111"
		if !c.paid {
			card = "4000000000001166"
		}
		for range 3 {
			if w.orderAt(path).State() == "In Process" {
				w.submit(path, typed(card))
			}
		}
		at := w.follow(path).header.Get("Location")
		if !strings.HasPrefix(at, c.wants) || !strings.HasSuffix(at, "&ordernumber="+url.QueryEscape(strings.ReplaceAll(name, " ", ""))) {
			t.Errorf("%s: %s", name, at)
		}
	}
}
