package authorize_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"settled/authorize/tenants"
	"settled/internal/pcsim"
	"settled/settle/settletest"
)

// limit is how a route is bounded: what one source may send before it is refused, and how the refusal is known.
type limit int

const (
	byPassword limit = iota // ten wrong passwords, then the right one is not looked at
	bySource                // 429 at some time
	byLoad                  // it reads no books and no passwords: only the requests at a time are bounded
)

// limits are the limits of every route that is measured.
var limits = map[string]limit{
	"/pay/silentpay.cfm": byPassword, "/get3dsecver2/get3dsecver2.cfm": byPassword, "/pay/tokenpay.cfm": byPassword, "/recurrent/rp.cfm": byPassword,
	"/charge/charge.cfm": byPassword, "/cancel/cancel.cfm": byPassword, "/cancel/wscancel.cfm": byPassword, "/orderstate/orderstate.cfm": byPassword,
	"/orderresult/orderresult.cfm": byPassword, "/resultbydate/resultbydate.cfm": byPassword,
	"/pay/order.cfm": bySource, "/pay/payrequest.cfm": bySource, "/pay/pay.cfm": bySource, "/pay/result.cfm": bySource, "/pay/3ds/method": bySource,
	"/pay/3ds/result":     bySource,
	"/shops/purchase.cfm": byLoad, "/shops/cardpayment.cfm": byLoad, "/bill/paybill.cfm": byLoad, "/bill/createbill.cfm": byLoad,
	"/results/results.cfm": byLoad, "/results/results_long.cfm": byLoad, "/postauths/postauth.cfm": byLoad, "/rvr/rvr.cfm": byLoad,
	"/get3dsec/ws3dsec.cfm": byLoad, "/pay/tokenpay_order.cfm": byLoad, "/orderresult/mobileorderresult.cfm": byLoad,
	"/registration/mobileregistration.cfm": byLoad, "/api/v1/auth/login.cfm": byLoad, "/api/v1/order/cancel.cfm": byLoad,
	"/fiscal/fiscalreceipt.cfm": byLoad, "/xpos/payment.cfm": byLoad,
}

// Every route has a limit, and each limit bounds one source and no other. A /64 of IPv6 is one source.
func TestEveryRouteIsLimited(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	routes := w.routes()
	w.options.Limits = tenants.PageLimits{Source: tenants.Pace{Every: time.Minute, Burst: 5}, Server: tenants.Pace{Every: time.Minute, Burst: 5},
		Reads: tenants.Pace{Every: time.Minute, Burst: 5}}
	asked := w.examples()
	for _, path := range routes {
		kind, known := limits[path]
		if !known {
			t.Errorf("%s has no row: say how it is limited", path)
			continue
		}
		w.shop()
		try := map[limit]func(host int, password string) bool{
			byPassword: func(host int, p string) bool {
				r := w.from(fmt.Sprintf("2001:db8:7:7::%x", host), path, syntaxes["form"].kind, asked[path].with(params{"Password": p, "Format": "3"}).encode())
				first, _ := w.codes(r.body)
				return first != 7
			},
			bySource: func(host int, _ string) bool {
				method := http.MethodPost
				if strings.HasSuffix(path, "/pay.cfm") || strings.HasSuffix(path, "/result.cfm") {
					method = http.MethodGet
				}
				return w.send(method, path, "a=b", "X-Test-Source", fmt.Sprintf("2001:db8:7:7::%x", host), "Content-Type", syntaxes["form"].kind).status != http.StatusTooManyRequests
			},
			byLoad: func(int, string) bool { return false },
		}[kind]
		for i := range 10 {
			try(i, fmt.Sprint("Wrong", i, "Word"))
		}
		if try(11, password) {
			t.Errorf("%s: the eleventh try of a /64 is served", path)
		}
		if w.refusedElsewhere(path, kind, asked[path]) {
			t.Errorf("%s: another source is refused", path)
		}
	}
	if len(routes) != len(limits) {
		t.Errorf("%d routes, %d rows", len(routes), len(limits))
	}
}

// refusedElsewhere tells that a source that sent nothing before is refused.
func (w *world) refusedElsewhere(path string, kind limit, p params) bool {
	r := w.send(http.MethodPost, path, p.with(params{"Format": "3"}).encode(), "X-Test-Source", "2001:db8:8::1", "Content-Type", syntaxes["form"].kind)
	if kind != byPassword {
		return r.status == http.StatusTooManyRequests
	}
	first, _ := w.codes(r.body)
	return first == 7
}

// routes are those that are measured.
func (w *world) routes() (paths []string) {
	families, err := w.registry.Gather()
	check(w.t, err)
	for _, f := range families {
		if f.GetName() != "settled_api_request_duration_seconds" {
			continue
		}
		for _, m := range f.GetMetric() {
			paths = append(paths, m.GetLabel()[0].GetValue())
		}
	}
	slices.Sort(paths)
	return paths
}

// provenOrder is a shop's order with its check value.
func provenOrder(number string) params {
	p := shopOrder(number)
	return p.with(params{"Checkvalue": checkvalueOf(fmt.Sprintf("%d;%s;%s;%s", settletest.Merchant, number, p["OrderAmount"], p["OrderCurrency"]))})
}

// A proven request that is sent again uses up nothing: neither of its source's limits nor of the merchant's.
func TestProvenRepeatsUseUpNothing(t *testing.T) {
	for _, path := range []string{orderPage, payRequest} {
		w := newPage(t)
		few := tenants.Pace{Every: time.Hour, Burst: 3}
		w.options.Limits = tenants.PageLimits{Source: few, Server: few, Merchant: few, Order: tenants.Pace{Every: time.Hour, Burst: 1}}
		w.open()
		served := func(p params) bool {
			return w.from("2001:db8::1", path, syntaxes["form"].kind, p.encode()).status != http.StatusTooManyRequests
		}
		for i := range 50 {
			if !served(provenOrder("A-1")) {
				t.Fatalf("%s: repeat %d is refused", path, i)
			}
		}
		if !served(provenOrder("A-2")) || !served(provenOrder("A-3")) || served(provenOrder("A-4")) {
			t.Errorf("%s: other orders: not three in all", path)
		}
	}
}

// Who tries to get at an order by its number, from many sources, is refused after a while; the proven request for the order, and other
// orders of the merchant, are not.
func TestGuessedOrderNumbers(t *testing.T) {
	w := newPage(t)
	w.opened(provenOrder("A-1"))
	ask := func(source int, p params) reply {
		return w.from(fmt.Sprintf("198.51.100.%d", source), payRequest, syntaxes["form"].kind, p.encode())
	}
	refused := 0
	for i := range 60 {
		r := ask(i, shopOrder("A-1").with(params{"OrderAmount": fmt.Sprintf("%d.00", 100+i)}))
		if strings.Contains(r.body, "In Process") {
			t.Fatalf("guess %d: %s", i, r.body)
		}
		if r.status == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused != 40 {
		t.Errorf("%d of 60 guesses were refused at once, not 40", refused)
	}
	if r := ask(100, provenOrder("A-1")); !strings.Contains(r.body, "In Process") {
		t.Errorf("the proven request: %s", r.body)
	}
	if r := ask(101, shopOrder("A-2")); !strings.Contains(r.body, "In Process") {
		t.Errorf("another order: %s", r.body)
	}
}

// A repeat of a payment by the merchant's server is answered however often it comes, and its password is not computed again.
func TestRepeatedPaymentsUseUpNothing(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	p := paymentOf("A-1")
	bill := w.paid(p)
	for i := range 100 {
		if r := w.paid(p); r != bill {
			t.Fatalf("repeat %d: %v, not %v", i, r, bill)
		}
	}
}
