package authorize_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"settled/internal/pcsim"
)

// wrong is an input and the first and second code that it gets.
type wrong struct {
	path          string
	change        params
	first, second int
}

var wrongInputs = map[string]wrong{
	"no merchant":               {pay, params{"Merchant_ID": ""}, 3, 100},
	"no login":                  {pay, params{"Login": ""}, 3, 101},
	"no password":               {pay, params{"Password": ""}, 3, 102},
	"merchant not a number":     {pay, params{"Merchant_ID": "12x"}, 4, 100},
	"merchant beyond 31 bits":   {pay, params{"Merchant_ID": "2147483648"}, 4, 100},
	"merchant of 16 digits":     {pay, params{"Merchant_ID": "0000000000100001"}, 4, 100},
	"unknown merchant":          {pay, params{"Merchant_ID": "100003"}, 7, 102},
	"wrong login":               {pay, params{"Login": "other_login"}, 7, 102},
	"wrong password":            {pay, params{"Password": "Wrong2026Word"}, 7, 102},
	"password of another":       {charge, params{"Password": otherPassword}, 7, 102},
	"format not served":         {pay, params{"Format": "2"}, 5, 103},
	"format unknown":            {pay, params{"Format": "9"}, 5, 103},
	"no order number":           {pay, params{"OrderNumber": ""}, 3, 107},
	"order number all stripped": {pay, params{"OrderNumber": " <>';\" "}, 3, 107},
	"order number too long":     {pay, params{"OrderNumber": strings.Repeat("n", 129)}, 4, 107},
	"no amount":                 {pay, params{"OrderAmount": ""}, 3, 108},
	"amount with sign":          {pay, params{"OrderAmount": "-1.00"}, 4, 108},
	"amount with exponent":      {pay, params{"OrderAmount": "1e3"}, 4, 108},
	"amount with three digits":  {pay, params{"OrderAmount": "1.005"}, 4, 108},
	"amount zero":               {pay, params{"OrderAmount": "0.00"}, 5, 108},
	"amount too large":          {pay, params{"OrderAmount": "10000000000000.00"}, 5, 108},
	"amount of 13 digits":       {pay, params{"OrderAmount": "10000000000.00"}, 5, 108},
	"amount of 15 in one step":  {pay, params{"OrderAmount": "9999999999999.99", "OrderCurrency": "USD"}, 5, 108},
	"amount of a yen has none":  {pay, params{"OrderAmount": "1.50", "OrderCurrency": "JPY"}, 4, 108},
	"currency unknown":          {pay, params{"OrderCurrency": "XXX"}, 5, 105},
	"currency not processed":    {pay, params{"OrderCurrency": "PLN"}, 5, 105},
	"delay 2":                   {pay, params{"Delay": "2"}, 5, 109},
	"delay x":                   {pay, params{"Delay": "x"}, 4, 109},
	"no card":                   {pay, params{"Cardnumber": ""}, 3, 106},
	"card not a number":         {pay, params{"Cardnumber": "4111x11111111111"}, 4, 106},
	"card with a wrong digit":   {pay, params{"Cardnumber": "4111111111111112"}, 5, 106},
	"card too short":            {pay, params{"Cardnumber": "411111111111"}, 5, 106},
	"card too long":             {pay, params{"Cardnumber": "41111111111111111111"}, 4, 106},
	"no month":                  {pay, params{"Expiremonth": ""}, 3, 112},
	"month 13":                  {pay, params{"Expiremonth": "13"}, 5, 112},
	"month 0":                   {pay, params{"Expiremonth": "0"}, 5, 112},
	"no year":                   {pay, params{"Expireyear": ""}, 3, 113},
	"year of two digits":        {pay, params{"Expireyear": "28"}, 5, 113},
	"expired":                   {pay, params{"Expiremonth": "2", "Expireyear": "2026"}, 5, 142},
	"no code":                   {pay, params{"Cvc2": ""}, 3, 115},
	"code of two digits":        {pay, params{"Cvc2": "12"}, 4, 115},
	"code of five digits":       {pay, params{"Cvc2": "12345"}, 4, 115},
	"code of letters":           {pay, params{"Cvc2": "abc"}, 4, 115},
	"number that is not UTF-8":  {pay, params{"OrderNumber": "\xff\xfe"}, 4, 107},
	"no bill number":            {charge, nil, 3, 143},
	"bill number too short":     {charge, params{"Billnumber": "12345"}, 4, 143},
	"bill number with letters":  {cancel, params{"Billnumber": "51000010000000x1"}, 4, 143},
	"bill number operation 0":   {cancel, params{"Billnumber": "5100001000000001.0"}, 4, 143},
	"bill number operation +1":  {cancel, params{"Billnumber": "5100001000000001.+1"}, 4, 143},
	"bill number unknown":       {charge, params{"Billnumber": "5100001999999999"}, 10, 201},
	"reason":                    {cancel, params{"Billnumber": "5100001999999999", "CancelReason": "4"}, 5, 0},
	"state without a number":    {orderState, params{"OrderNumber": ""}, 3, 107},
}

func TestWrongInput(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	for name, c := range wrongInputs {
		p := paymentOf("wrong " + name)
		if c.path == charge || c.path == cancel {
			p = credentials()
		}
		p = p.with(c.change)
		for _, format := range []string{"1", "3", "4", "5"} {
			r := w.form(c.path, params{"Format": format}.with(p))
			first, second := w.codes(r.body)
			if format != "5" && r.status != http.StatusOK || first != c.first || second != c.second {
				t.Errorf("%s in format %s: %d %d/%d, not %d/%d", name, format, r.status, first, second, c.first, c.second)
			}
		}
		var orders int
		check(t, w.Pool.QueryRow(t.Context(), `SELECT count(*) FROM orders`).Scan(&orders))
		if orders != 0 {
			t.Fatalf("%s left an order", name)
		}
	}
}

// What is stripped does not make a request wrong; names count in any case.
func TestLenientInput(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	r := w.call(pay, paymentOf("A-1").with(params{"OrderNumber": ` A<-"1';`, "OrderAmount": "237,4", "orderCURRENCY": "byn", "OrderCurrency": "",
		"Cvc2": " 1-O.3", "OrderComment": "a<b>=c\\d/e", "Lastname": "O'Neil (Ann); #1", "ListParameters": "x", "cardNUMBER": "4111111111111111",
		"Cardnumber": "", "Firstname": "A\x00n\nn"}))
	want := fields{"responsecode": "AS000", "ordernumber": "A-1", "amount": "237.40", "currency": "BYN", "ordercomment": "abcd/e",
		"lastname": "ONeil Ann 1", "firstname": "Ann"}
	for name, value := range want {
		if r.Order[name] != value {
			t.Errorf("%s is %q, not %q (%d/%d)", name, r.Order[name], value, r.First, r.Second)
		}
	}
}

func TestTransport(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	const form, object = "application/x-www-form-urlencoded", "application/json"
	for name, c := range map[string]struct {
		method, path, kind, body string
		status, first, second    int
	}{
		"GET":                    {"GET", pay, form, "", 405, 15, 350},
		"text":                   {"POST", pay, "text/plain", "x", 415, 4, 350},
		"no type":                {"POST", pay, "", "x", 415, 4, 350},
		"another charset":        {"POST", pay, form + "; charset=koi8-r", "x", 415, 4, 350},
		"too large":              {"POST", pay, form, "Comment=" + strings.Repeat("x", 64<<10), 413, 1, 2},
		"card in the URL":        {"POST", pay + "?a=b&CardNumber=1", form, "", 200, 14, 106},
		"code in the URL":        {"POST", pay + "?cvc%32=1", form, "", 200, 14, 115},
		"password in the URL":    {"POST", cancel + "?PASSWORD", form, "", 200, 14, 102},
		"multipart":              {"POST", pay, "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"LOGIN\"\r\n\r\na\r\n--b--\r\n", 200, 3, 100},
		"multipart cut":          {"POST", pay, "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"LOGIN\"\r\n\r\na\r\n--b", 200, 4, 0},
		"multipart, no boundary": {"POST", pay, "multipart/form-data", "", 415, 4, 350},
		"URL, answer in JSON":    {"POST", pay + "?Cvc2=1", form, "Format=5&Merchant_ID=1&merchant_id=1", 400, 14, 115},
		"URL, JSON":              {"POST", pay + "?Cvc2=1", object, `{"Cvc2":"1"}`, 400, 14, 115},
		"given twice":            {"POST", pay, form, "Merchant_ID=1&merchant_id=1", 200, 4, 100},
		"bad escape":             {"POST", pay, form, "Login=%4", 200, 4, 101},
		"SOAP text":              {"POST", pay, "text/xml", "hello", 200, 4, 215},
		"SOAP cut":               {"POST", pay, "text/xml", "<a:Envelope xmlns:a='http://schemas.xmlsoap.org/soap/envelope/'>", 200, 4, 215},
		"SOAP with an entity":    {"POST", pay, "application/soap+xml", "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>", 200, 4, 215},
		"SOAP in Latin letters":  {"POST", pay, "text/xml; charset=iso-8859-5", "<a/>", 415, 4, 350},
		"SOAP too large":         {"POST", pay, "text/xml", "<!--" + strings.Repeat("x", 64<<10), 413, 1, 2},
		"JSON array":             {"POST", pay, object, "[]", 400, 4, 0},
		"JSON twice":             {"POST", pay, object, `{} {}`, 400, 4, 0},
		"JSON duplicate":         {"POST", pay, object, `{"Login":"a","Login":"b"}`, 400, 4, 0},
		"JSON two spellings":     {"POST", pay, object, `{"Login":"a","login":"b"}`, 400, 4, 101},
		"JSON wrong case":        {"POST", pay, object, `{"LOGIN":"a"}`, 400, 4, 0},
		"JSON unknown":           {"POST", pay, object, `{"Amounts":"1"}`, 400, 4, 0},
		"JSON null":              {"POST", pay, object, `{"Amount":null}`, 400, 4, 108},
		"JSON bool":              {"POST", pay, object, `{"Delay":true}`, 400, 4, 109},
		"JSON object":            {"POST", pay, object, `{"Login":{}}`, 400, 4, 101},
		"JSON cut":               {"POST", pay, object, `{"Login":"a`, 400, 4, 0},
		"JSON invalid UTF-8":     {"POST", pay, object, "{\"Login\":\"\xff\"}", 400, 4, 0},
		"JSON missing":           {"POST", pay, object, `{}`, 400, 3, 100},
		"JSON older names":       {"POST", byDate, object, `{"Success":1,"RowDelimiter":"|"}`, 400, 3, 100},
		"JSON wrong credentials": {"POST", pay, object, `{"Merchant_ID":100001,"Login":"a","Password":"b"}`, 401, 7, 102},
	} {
		request, err := http.NewRequestWithContext(t.Context(), c.method, w.server.URL+c.path, strings.NewReader(c.body))
		check(t, err)
		if c.kind != "" {
			request.Header.Set("Content-Type", c.kind)
		}
		r := w.do(request)
		first, second := w.codes(r.body)
		if r.status != c.status || first != c.first || second != c.second {
			t.Errorf("%s: %d %d/%d, not %d %d/%d: %s", name, r.status, first, second, c.status, c.first, c.second, r.body)
		}
		if r.header.Get("X-Request-Id") == "" || r.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: header %v", name, r.header)
		}
	}
	if r := w.json(charge, credentials().with(params{"Billnumber": "5100001999999999"})); r.status != http.StatusNotFound {
		t.Errorf("unknown order in JSON: %d", r.status)
	}
}

// JSON numbers and strings mean the same, and amounts are read as they are written.
func TestJSONValues(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	body := `{"Merchant_ID":100001,"Login":"` + login + `","Password":"` + password + `","OrderNumber":"J-\u0031","OrderAmount":10.5,
		"Cardnumber":4111111111111111,"Expiremonth":12,"Expireyear":2028,"Cvc2":"\u0031\u00323","customer":{"any":["thing"]},"ordercomment":"line\nline"}`
	r := w.post(pay, "application/json; charset=UTF-8", body)
	for _, want := range []string{`"ordernumber":"J-1"`, `"amount":10.50,`, `"responsecode":"AS000"`, `"ordercomment":"lineline"`} {
		if !strings.Contains(r.body, want) {
			t.Errorf("no %s in %s", want, r.body)
		}
	}
	if r := w.post(pay, "application/json", strings.Replace(body, "10.5,", "1.05e1,", 1)); r.status != 400 {
		t.Errorf("exponent: %d %s", r.status, r.body)
	}
}

// A wrong password is refused without a computation after ten tries, and only for that source and merchant.
func TestThrottle(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	try := func(who params, source string) int {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.server.URL+orderState,
			strings.NewReader(who.with(params{"Ordernumber": "A-1"}).encode()))
		check(t, err)
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("X-Test-Source", source)
		first, _ := w.codes(w.do(request).body)
		return first
	}
	for range 10 {
		if got := try(credentials().with(params{"Password": "Wrong2026Word"}), "attacker"); got != 7 {
			t.Fatalf("wrong password: %d", got)
		}
	}
	if got := try(credentials(), "attacker"); got != 7 {
		t.Errorf("right password from a locked source: %d", got)
	}
	if got := try(credentials(), "shop"); got != 10 {
		t.Errorf("right password from elsewhere: %d", got)
	}
	if got := try(otherCredentials(), "attacker"); got != 10 {
		t.Errorf("another merchant from the locked source: %d", got)
	}
	if got := try(credentials(), "attacker"); got != 10 {
		t.Errorf("a password that was verified is known: %d", got)
	}
	w.Clock.Advance(6 * time.Minute)
	if got := try(credentials(), "attacker"); got != 10 {
		t.Errorf("a password that was right before, when it is to be computed again: %d", got)
	}
	if got := try(credentials().with(params{"Password": "Wrong2026Word"}), "attacker"); got != 7 {
		t.Errorf("another guess: %d", got)
	}
	w.Clock.Advance(31 * time.Minute)
	if got := try(credentials(), "attacker"); got != 10 {
		t.Errorf("lock over: %d", got)
	}
}

func TestMetrics(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.paid(paymentOf("A-1"))
	w.call(pay, paymentOf("A-2").with(params{"Cardnumber": pcsim.CardInsufficientFunds}))
	w.call(pay, paymentOf("A-3").with(params{"OrderAmount": "x"}))
	w.call(pay, paymentOf("A-3").with(params{"Password": "Wrong2026Word"}))
	w.call(pay, otherPayment("B-1").with(params{"Cardnumber": pcsim.CardSilentLost}))
	families, err := w.registry.Gather()
	check(t, err)
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "settled_api_requests_total" && m.GetCounter().GetValue() > 0 {
				got[m.GetLabel()[1].GetValue()+" "+m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
			}
		}
	}
	for _, class := range []string{"success", "declined", "refused", "unauthenticated", "in_process"} {
		if got[pay+" "+class] != 1 {
			t.Errorf("%s: %v", class, got)
		}
	}
}

// When the database is away, nobody can look whether an equal request was done before: the outcome is not known. What changes
// nothing says so.
func TestDatabaseAway(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	bill := w.paid(paymentOf("A-1").with(params{"Delay": "1"}))
	w.Pool.Close()
	for path, p := range map[string]params{pay: paymentOf("A-2"), charge: credentials().with(params{"Billnumber": bill}),
		orderState: credentials().with(params{"OrderNumber": "A-1", "Format": "3"})} {
		want := 1
		if path == orderState {
			want = 2
		}
		r := w.form(path, p)
		if first, _ := w.codes(r.body); r.status != http.StatusServiceUnavailable || first != want || r.header.Get("Retry-After") == "" {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
}
