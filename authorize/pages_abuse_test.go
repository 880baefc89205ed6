package authorize_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"settled/authorize"
	"settled/authorize/tenants"
	"settled/internal/pcsim"
	"settled/settle/settletest"
)

// pages are the routes for browsers, banks and orders without credentials, with the bodies that each has to refuse, given
// the path of an order's page.
var pages = map[string]func(w *world, session string) map[string][]malformed{
	orderPage: func(*world, string) map[string][]malformed {
		return map[string][]malformed{"form": badForms(shopOrder("malformed")), "JSON": {{"object", object(shopOrder("malformed")), ""}},
			"SOAP": {{"envelope", envelope("order", shopOrder("malformed")), ""}}}
	},
	payRequest: func(*world, string) map[string][]malformed {
		return map[string][]malformed{"form": badForms(shopOrder("malformed")), "JSON": badJSON(shopOrder("malformed"))}
	},
	"/pay/pay.cfm":    badPageForms,
	"/pay/result.cfm": badPageForms,
	"/pay/3ds/method": badBankForms("threeDSMethodData"),
	"/pay/3ds/result": badBankForms("cres"),
}

// badPageForms are forms of the page that did not come from it, or not from this order's, or that cannot be read.
func badPageForms(w *world, session string) map[string][]malformed {
	own := token(w.t.(*testing.T), w.follow(session))
	card := typed(pcsim.CardApproved)
	other := w.opened(shopOrder("another"))
	bodies := []malformed{{"no token", card.encode(), ""}, {"nothing", "", ""}, {"empty token", card.encode() + "&Session=", ""},
		{"another order's token", card.with(params{"Session": token(w.t.(*testing.T), w.follow(other))}).encode(), ""},
		{"the order's name as a token", card.with(params{"Session": nameOf(session)}).encode(), ""},
		{"too many fields", strings.Repeat("a=b&", 20) + card.with(params{"Session": own + "x"}).encode(), ""},
		{"bad escape", card.with(params{"Session": own}).encode() + "&Email=%zz", ""}, {"not UTF-8", card.with(params{"Session": own}).encode() + "&Email=%ff", ""}}
	for i := range own {
		bodies = append(bodies, malformed{fmt.Sprint("token changed at ", i), card.with(params{"Session": changedAt(own, i)}).encode(), ""})
	}
	return map[string][]malformed{"form": bodies, "JSON": {{"object", object(card.with(params{"Session": own})), ""}}}
}

// badBankForms are forms that seem to come back from a bank.
func badBankForms(field string) func(*world, string) map[string][]malformed {
	return func(_ *world, session string) map[string][]malformed {
		var bodies []malformed
		for _, name := range []string{"", "session", "threeDSSessionData"} {
			for _, value := range []string{"", "x", "%00", "%ff", nameOf(session), url.QueryEscape(strings.Repeat("A", 30000)), "eyJ0aHJlZURTU2VydmVyVHJhbnNJRCI6IngifQ"} {
				bodies = append(bodies, malformed{field + " and " + name, field + "=" + value + "&" + name + "=" + url.QueryEscape(nameOf(session)), ""})
			}
		}
		return map[string][]malformed{"form": bodies, "JSON": {{"object", `{"` + field + `":"x"}`, ""}}}
	}
}

// nameOf is the CFSID in the path of an order's page.
func nameOf(path string) string {
	u, err := url.Parse(path)
	if err != nil {
		panic(err)
	}
	return u.Query().Get("CFSID")
}

// changedAt changes one character.
func changedAt(s string, i int) string {
	c := byte('A')
	if s[i] == 'A' {
		c = 'B'
	}
	return s[:i] + string(c) + s[i+1:]
}

// Every form that pages have to refuse is refused: with a status of the client's fault, with a page or, where a server
// asks, codes; and nothing is written or sent.
func TestMalformedForPages(t *testing.T) {
	w := newPage(t)
	session := w.opened(shopOrder("A-1"))
	for path, bad := range pages {
		for syntax, bodies := range bad(w, session) {
			before, target := w.snapshot(), path
			if strings.HasSuffix(path, "y.cfm") || strings.HasSuffix(path, "t.cfm") && path != payRequest {
				target = path + "?CFSID=" + url.QueryEscape(nameOf(session))
			}
			for i, m := range bodies {
				if authorize.DescribesBuyer(m.names) { // never stops a sale: TestBuyerNeverStopsASale
					continue
				}
				r := w.from(fmt.Sprint(path, syntax, i), target, syntaxes[syntax].kind, m.body)
				refused := r.status >= 400 && r.status < 500
				if path == payRequest {
					refused = refused || r.status == http.StatusOK && strings.Contains(r.body, `"orderstate":"Decline"`) && !strings.Contains(r.body, `"firstcode":0`)
				}
				if !refused {
					t.Errorf("%s %s %s (%s) was not refused: %d %s", path, syntax, m.what, m.body, r.status, r.body)
				}
			}
			w.unchanged(path+" in "+syntax, before)
		}
	}
	w.checkLog()
}

// The name of an order in an address is all that its customer needs, so nobody can make one: every change of a character
// gives the answer of a name that never was, and so does the name of another kind of thing.
func TestNamesOfOrdersCannotBeMade(t *testing.T) {
	w := newPage(t)
	session := w.opened(shopOrder("A-1"))
	name, form := nameOf(session), token(t, w.follow(session))
	before := w.snapshot()
	get := func(path, name string) string {
		r := w.send(http.MethodGet, path+"?CFSID="+url.QueryEscape(name), "")
		return fmt.Sprint(r.status, " ", nonce.ReplaceAllString(r.body, ""))
	}
	for _, path := range []string{"/pay/pay.cfm", "/pay/result.cfm"} {
		nobody := get(path, strings.Repeat("A", len(name)))
		if !strings.HasPrefix(nobody, "404 ") {
			t.Fatalf("%s: %s", path, nobody)
		}
		for i := range name {
			if got := get(path, changedAt(name, i)); got != nobody {
				t.Errorf("%s with a change at %d: %s", path, i, got)
			}
		}
		for what, other := range map[string]string{"none": "", "a form's": form, "cut": name[:len(name)-4], "longer": name + "AAAA", "two": name + name, "a bill number": w.stateAt(session)["billnumber"]} {
			if got := get(path, other); got != nobody {
				t.Errorf("%s with %s: %s", path, what, got)
			}
		}
	}
	w.unchanged("guessing", before)
}

// One source that floods what takes no credentials gets 429 after a while, and only that source: others open orders for
// the same merchant, read pages and pay.
func TestFloods(t *testing.T) {
	w := newPage(t)
	session := w.opened(shopOrder("A-1"))
	flood := map[string]func(i int) reply{
		orderPage: func(i int) reply {
			return w.from("flood", orderPage, syntaxes["form"].kind, shopOrder(fmt.Sprint("F-", i)).encode())
		},
		payRequest: func(i int) reply {
			return w.from("flood", payRequest, syntaxes["form"].kind, shopOrder(fmt.Sprint("G-", i)).encode())
		},
		"/pay/pay.cfm": func(int) reply {
			return w.from("flood", session, syntaxes["form"].kind, typed(pcsim.CardApproved).encode())
		},
		"/pay/pay.cfm, read": func(int) reply { return w.send(http.MethodGet, session, "", "X-Test-Source", "flood") },
		"/pay/result.cfm, asked": func(int) reply {
			return w.send(http.MethodGet, session+"&type=json", "", "X-Test-Source", "flood")
		},
	}
	for _, what := range slices.Sorted(maps.Keys(flood)) {
		status, n := 0, 0
		for ; status != http.StatusTooManyRequests && n < 1000; n++ {
			status = flood[what](n).status
		}
		if status != http.StatusTooManyRequests {
			t.Errorf("%s: no end after %d requests", what, n)
		}
		t.Logf("%s: 429 after %d", what, n)
	}
	other := w.opened(shopOrder("after the flood"))
	if r := w.submit(other, typed(pcsim.CardApproved)); r.status != http.StatusSeeOther || w.stateAt(other)["orderstate"] != "Approved" {
		t.Errorf("another customer of the merchant: %d %v", r.status, w.stateAt(other))
	}
	if r := w.json(payRequest, shopOrder("another server")); r.status != 200 || !strings.Contains(r.body, "In Process") {
		t.Errorf("the merchant's server: %d %s", r.status, r.body)
	}
	w.Clock.Advance(time.Minute)
	if r := flood[orderPage](5000); r.status == http.StatusTooManyRequests {
		t.Errorf("after a minute of silence: %d", r.status)
	}
}

// Orders that are refused for want of a proof take nothing of what a merchant may open.
func TestFloodWithoutProof(t *testing.T) {
	w := newPage(t, func(m *tenants.Merchant) { m.Proofs.Checkvalue = true })
	w.options.Limits.Merchant = tenants.Pace{Every: time.Hour, Burst: 1}
	w.open()
	for i := range 50 {
		if r := w.from("flood", payRequest, syntaxes["form"].kind, shopOrder(fmt.Sprint("F-", i)).encode()); !strings.Contains(r.body, "Decline") {
			t.Fatalf("without a proof: %s", r.body)
		}
	}
	p := shopOrder("A-1")
	p["Checkvalue"] = checkvalueOf(fmt.Sprintf("%d;%s;%s;%s", settletest.Merchant, p["OrderNumber"], p["OrderAmount"], p["OrderCurrency"]))
	if r := w.form(payRequest, p); !strings.Contains(r.body, "In Process") {
		t.Errorf("the merchant's own order: %s", r.body)
	}
}

// Notifications that no bank signed change nothing, whatever they say, and their source is soon not heard any more, while
// the bank is.
func TestForgedNoticesEnd(t *testing.T) {
	w, o := bankWorld(t, 50000)
	before, status := w.snapshot(), 0
	for i, body := range []string{"", "{", "null", object(shopOrder("x")), `{"payment":{"id":"` + strconv.FormatInt(o.ID, 10) + `.1","status":"paid"}}`,
		strings.Repeat("[", 60000), strings.Repeat("a", 1<<20), "\x00", "a\nlevel=ERROR msg=forged"} {
		r := w.from(fmt.Sprint("forger", i), "/instant/BANK/notice", "application/json", body)
		if r.status != http.StatusUnauthorized && r.status != http.StatusBadRequest && r.status != http.StatusRequestEntityTooLarge {
			t.Errorf("%.40q: %d %s", body, r.status, r.body)
		}
	}
	for n := 0; n < 100 && status != http.StatusTooManyRequests; n++ {
		status = w.from("forger", "/instant/BANK/notice", "application/json", "{}").status
	}
	if status != http.StatusTooManyRequests {
		t.Errorf("forged notifications have no end: %d", status)
	}
	if r := w.send(http.MethodPost, "/instant/NOBODY%0Alevel=ERROR/notice", "{}"); r.status != http.StatusNotFound {
		t.Errorf("a bank that does not exist: %d", r.status)
	}
	w.unchanged("forging", before)
	w.scan(o, true)
	_, err := w.bank.Process(t.Context(), w.Clock.Now())
	check(t, err)
	if got := w.orderOf(o.ID).State(); got != "Approved" {
		t.Errorf("after the bank's own notification the order is %s", got)
	}
	w.checkLog()
}
