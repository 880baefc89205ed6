package authorize_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"settled/authorize/page/pagetest"
	"settled/authorize/tenants"
	"settled/internal/pcsim"
	"settled/settle/authentication"
)

// sight is how a customer looks at the page.
type sight struct {
	name          string
	width, height int
	language      string
	scripts       bool
}

var sights = []sight{
	{"desktop", 1280, 800, "EN", true},
	{"phone", 390, 844, "RU", true},
	{"phone-without-scripts", 390, 844, "EN", false},
}

// storefront is a shop that sends its customers to the page with a form of its own, and takes them back.
func (w *world) storefront() *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /buy", func(rw http.ResponseWriter, r *http.Request) {
		p := shopOrder(r.FormValue("number")).with(params{"Language": r.FormValue("language"), "URL_RETURN_OK": "http://" + r.Host + "/thanks?cart=7",
			"URL_RETURN_NO": "http://" + r.Host + "/sorry"})
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		var b strings.Builder
		b.WriteString(`<!doctype html><title>Shop</title><link rel="icon" href="data:,"><form method="post" action="` + w.server.URL + orderPage + `">`)
		for name, value := range p {
			b.WriteString(`<input type="hidden" name="` + name + `" value="` + html.EscapeString(value) + `">`)
		}
		_, _ = rw.Write([]byte(b.String() + `<button id="buy">Buy</button></form>`))
	})
	for path, title := range map[string]string{"/thanks": "Thanks", "/sorry": "Sorry"} {
		mux.HandleFunc("GET "+path, func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = rw.Write([]byte(`<!doctype html><title>Shop</title><link rel="icon" href="data:,"><h1 id="shop">` + title + `</h1>`))
		})
	}
	shop := httptest.NewServer(mux)
	w.t.Cleanup(shop.Close)
	return shop
}

// buy goes from the shop to the page of a new order.
func buy(tab *pagetest.Tab, shop *httptest.Server, number, language string) {
	tab.Open(shop.URL + "/buy?number=" + number + "&language=" + language)
	tab.Click("#buy")
	tab.Wait("#Cardnumber")
}

func payWith(tab *pagetest.Tab, card string) {
	tab.Fill("#Cardnumber", card)
	tab.Fill("#Expiry", "1228")
	tab.Fill("#Cvc2", "123")
	tab.Fill("#Cardholder", "TEST CARD")
	tab.Click("button.main")
}

// wantShop waits for the shop's page, with the numbers of the order.
func wantShop(t *testing.T, tab *pagetest.Tab, title, number string) {
	t.Helper()
	tab.Wait("#shop")
	if got := tab.Text("#shop"); got != title {
		t.Errorf("the shop says %q, not %q", got, title)
	}
	if at := tab.URL(); !strings.Contains(at, "billnumber=5100001") || !strings.HasSuffix(at, "&ordernumber="+number) {
		t.Errorf("the customer is back at %s", at)
	}
}

func TestCustomersPayInABrowser(t *testing.T) {
	w := newPage(t)
	shop := w.storefront()
	for _, s := range sights {
		t.Run(s.name, func(t *testing.T) {
			tab := pagetest.Browser(t, s.width, s.height, s.scripts)
			buy(tab, shop, "B1-"+s.name, s.language)
			payWith(tab, pcsim.CardApproved)
			wantShop(t, tab, "Thanks", "B1-"+s.name)
			buy(tab, shop, "B2-"+s.name, s.language)
			payWith(tab, pcsim.CardInsufficientFunds)
			tab.Wait(".notice.bad strong")
			if said := tab.Text(".notice.bad strong"); !strings.Contains(said, map[string]string{"EN": "Insufficient funds", "RU": "Недостаточно средств"}[s.language]) {
				t.Errorf("after a decline the page says %q", said)
			}
			tab.Picture("checkout-declined-" + s.name)
			payWith(tab, pcsim.CardApproved)
			wantShop(t, tab, "Thanks", "B2-"+s.name)
			buy(tab, shop, "B3-"+s.name, s.language)
			tab.Click(".foot a")
			wantShop(t, tab, "Sorry", "B3-"+s.name)
			tab.Clean(w.server.URL, shop.URL)
		})
	}
}

func TestCustomersSeeTheResultInABrowser(t *testing.T) {
	w := newPage(t, func(m *tenants.Merchant) { m.Page.ShowResult, m.Page.Timeout = true, time.Hour })
	shop := w.storefront()
	tab := pagetest.Browser(t, 1280, 800, true)
	buy(tab, shop, "R-1", "EN")
	payWith(tab, pcsim.CardApproved)
	tab.Wait(".sign.good")
	if at := tab.URL(); !strings.Contains(at, "/pay/result.cfm?CFSID=") {
		t.Errorf("the result is at %s", at)
	}
	tab.Picture("checkout-result")
	tab.Click("a.main")
	wantShop(t, tab, "Thanks", "R-1")
	buy(tab, shop, "R-2", "EN")
	w.Clock.Advance(time.Hour)
	payWith(tab, pcsim.CardApproved)
	tab.Wait("a.main")
	if said := tab.Text("h1"); said != "Time is over" {
		t.Errorf("after the time the page says %q", said)
	}
	buy(tab, shop, "R-3", "EN")
	payWith(tab, pcsim.CardSilentLost)
	tab.Wait(".spinner")
	w.Clock.Advance(time.Minute)
	w.settleOwed()
	tab.Wait(".sign.bad")
	tab.Clean(w.server.URL, shop.URL)
}

func TestCardholdersAreAskedInABrowser(t *testing.T) {
	w, acs := newSecurePage(t)
	shop := w.storefront()
	for _, s := range sights {
		t.Run(s.name, func(t *testing.T) {
			tab := pagetest.Browser(t, s.width, s.height, s.scripts)
			buy(tab, shop, "S1-"+s.name, s.language)
			payWith(tab, pcsim.CardChallenge)
			if !s.scripts {
				tab.Click("#challenge .main")
			}
			tab.Wait("input[name=code]")
			tab.Fill("input[name=code]", pcsim.ChallengeCode)
			tab.Click("button")
			if !s.scripts {
				tab.Click("noscript button")
			}
			wantShop(t, tab, "Thanks", "S1-"+s.name)
			buy(tab, shop, "S2-"+s.name, s.language)
			payWith(tab, pcsim.CardMethod)
			if s.scripts {
				wantShop(t, tab, "Thanks", "S2-"+s.name)
				if a := w.proofOf(t, "S2-"+s.name); a.Status != "Y" || !a.MethodDone {
					t.Errorf("the bank has looked at the browser: %+v", a)
				}
			} else {
				tab.Click("#continue .main")
				tab.Wait("#challenge .main") // nothing could run in the frame
			}
			tab.Clean(w.server.URL, shop.URL, acs.URL())
		})
	}
}

// proofOf is the authentication of an order's first payment.
func (w *world) proofOf(t *testing.T, number string) authentication.Authentication {
	t.Helper()
	o, err := w.Books.ByNumber(t.Context(), 100001, number)
	check(t, err)
	all, err := w.Authentications().Of(t.Context(), o.Merchant, o.ID)
	check(t, err)
	if len(all) == 0 {
		t.Fatal("no authentication")
	}
	return all[0]
}
