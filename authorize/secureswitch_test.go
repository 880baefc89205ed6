package authorize_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"settled/authorize/tenants"
	"settled/internal/pcsim"
	"settled/settle"
)

// from pays an order of the page by a card with a browser that says of itself what it likes.
func (w *world) securedFrom(number, card string, h http.Header, more params) *settle.Order {
	w.t.Helper()
	path := w.opened(shopOrder(number).with(more))
	body := typed(card).with(params{"Session": token(w.t.(*testing.T), w.follow(path))})
	request := w.request(path, "application/x-www-form-urlencoded", body.encode())
	for name, values := range h {
		request.Header[name] = values
	}
	client := *w.server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := client.Do(request)
	check(w.t, err)
	response.Body.Close()
	return w.orderAt(path)
}

// Nothing that a buyer's browser or data say lets a card pass whose holder has to fail.
func TestBuyersDoNotSwitchOffThreeDSecure(t *testing.T) {
	const fails = "4000000000003063"
	w, _ := newSecurePage(t)
	w.shop(func(m *tenants.Merchant) { m.Page.Unproven = true })
	headers := map[string]http.Header{}
	for name, text := range map[string]string{"marks": strings.Repeat("<", 2048), "quotes": strings.Repeat(`"`, 2048), "back strokes": strings.Repeat(`\`, 2048),
		"Latin 1": strings.Repeat("\xff", 2048), "wide": strings.Repeat("😀", 512), "ampersands": strings.Repeat("&", 20000), "nothing": ""} {
		headers[name] = http.Header{"User-Agent": {text}, "Accept": {text}}
	}
	for name, h := range headers {
		if o := w.securedFrom("S-"+name, fails, h, nil); o.State() != "In Process" || o.Payment().Response != "AS100" || len(o.Transactions) != 0 {
			t.Errorf("%s: order is %s, payment %+v", name, o.State(), o.Payment())
		}
		if o := w.securedFrom("G-"+name, "5413339999003017", h, nil); o.State() != "Approved" {
			t.Errorf("%s: a card that passes: order is %s", name, o.State())
		}
	}
	for name, more := range map[string]params{"email": {"Email": "x@" + strings.Repeat("y", 120)}, "names": {"Lastname": strings.Repeat("я", 70)}} {
		if o := w.securedFrom("D-"+name, fails, nil, more); o.State() != "In Process" || len(o.Transactions) != 0 {
			t.Errorf("%s: order is %s", name, o.State())
		}
	}
}

// A shop whose own data the 3-D Secure server does not take sells nothing, and does not sell unsafely.
func TestWrongCountryDoesNotSwitchOffThreeDSecure(t *testing.T) {
	w, _ := newSecurePage(t)
	w.shop(func(m *tenants.Merchant) { m.Page.Unproven = true })
	w.measure()
	m, _ := w.Dir.Merchant(100001)
	m.Country = "ZZZ"
	if o := w.orderAt(w.secured("Z-1", "4000000000003063")); o.State() != "In Process" || o.Payment().Response != "AS100" || len(o.Transactions) != 0 {
		t.Errorf("order is %s, payment %+v", o.State(), o.Payment())
	}
	if n := w.counted("settled_threeds_payments_total", "invalid"); n != 1 {
		t.Errorf("counted %v", n)
	}
}

// A server that cannot be reached lets payments pass only where the merchant's settings say so.
func TestUnavailableThreeDSecure(t *testing.T) {
	for _, passes := range []bool{false, true} {
		w, acs := newSecurePage(t)
		w.shop(func(m *tenants.Merchant) { m.Page.Unproven = passes })
		w.measure()
		cards := map[string]string{"unknown": "4000000000003048", "bank": pcsim.CardUnavailable, "error": pcsim.CardACSError}
		orders := map[string]*settle.Order{}
		for name, card := range cards {
			orders[name] = w.orderAt(w.secured("U-"+name, card))
		}
		acs.SetDown(true)
		orders["down"] = w.orderAt(w.secured("U-down", pcsim.CardFrictionless))
		acs.SetDown(false)
		for name, o := range orders {
			if o.State() == "Approved" != passes || !passes && (o.Payment().Response != "AS107" || len(o.Transactions) != 0) {
				t.Errorf("%s, passes %t: order is %s, payment %+v", name, passes, o.State(), o.Payment())
			}
		}
		end := map[bool]string{false: "unavailable_refused", true: "unavailable_passed"}[passes]
		if n := w.counted("settled_threeds_payments_total", end); n != 4 {
			t.Errorf("passes %t: counted %v", passes, n)
		}
	}
}

// measure opens the gateway once more, with metrics.
func (w *world) measure() {
	w.registry = prometheus.NewRegistry()
	w.options.Registerer = w.registry
	w.open()
}

// counted is the value of a counter with a label value.
func (w *world) counted(name, label string) float64 {
	w.t.Helper()
	families, err := w.registry.Gather()
	check(w.t, err)
	sum := 0.0
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if f.GetName() == name && l.GetValue() == label {
					sum += m.GetCounter().GetValue()
				}
			}
		}
	}
	return sum
}
