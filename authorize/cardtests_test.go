package authorize_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"settled/authorize/tenants"
	"settled/internal/pcsim"
	"settled/settle/settletest"
)

// testCard is a card number of the range for tests, with its check digit.
func testCard(n int) string {
	number := fmt.Sprintf("40000000%07d", n)
	sum := 0
	for i := range number {
		d := int(number[len(number)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return number + string(rune('0'+(10-sum%10)%10))
}

// Who tries card numbers at a merchant's server is stopped, by the answer that the protocol has for it; the merchant's other buyers go
// on, what was paid before is answered when it is asked for again, and people learn of it.
func TestTriedCardsAtTheServer(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{Decline: 1})
	m := w.options.Merchants[settletest.Merchant]
	m.CardTesting.Declines = 5
	w.registry = prometheus.NewRegistry()
	w.options.Merchants[settletest.Merchant], w.options.Registerer = m, w.registry
	w.open()
	try := func(i int, source, card string) (first int) {
		r := w.form("/pay/silentpay.cfm", paymentOf(fmt.Sprint("T-", i)).with(params{"Cardnumber": card, "ClientIP": source, "Format": "3"}))
		first, second := w.codes(r.body)
		if first != 0 && (first != 17 || second != 3 || r.status != http.StatusTooManyRequests) {
			t.Fatalf("%d: %d %s", i, r.status, r.body)
		}
		return first
	}
	for i := range 5 {
		if try(i, "192.0.2.1", testCard(100+i)) != 0 {
			t.Fatalf("card %d is refused", i)
		}
	}
	if try(10, "192.0.2.1", testCard(999)) != 17 {
		t.Error("the source goes on")
	}
	if try(11, "192.0.2.2", testCard(500)) != 0 {
		t.Error("another buyer is refused")
	}
	if log := w.logs.String(); !strings.Contains(log, "somebody tries card numbers") || !strings.Contains(log, "why=source source=192.0.2.1") {
		t.Errorf("the log: %s", log)
	}
	if got := w.metric("settled_api_card_tests_total", "source"); got != 1 {
		t.Errorf("metric: %v", got)
	}
	w.Clock.Advance(time.Hour + time.Second)
	if try(12, "192.0.2.1", testCard(777)) != 0 {
		t.Error("it does not end")
	}
}

// A repeat of a payment that was taken is answered while its source is stopped.
func TestRepeatsOfWhoIsStopped(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	first := paymentOf("A-1").with(params{"ClientIP": "192.0.2.1"})
	bill := w.paid(first)
	m := w.options.Merchants[settletest.Merchant]
	m.CardTesting = tenants.CardTesting{Declines: 1}
	w.options.Merchants[settletest.Merchant], w.options.Registerer = m, nil
	w.open()
	w.form("/pay/silentpay.cfm", paymentOf("A-2").with(params{"ClientIP": "192.0.2.1", "Cardnumber": pcsim.CardInsufficientFunds}))
	if r := w.form("/pay/silentpay.cfm", paymentOf("A-3").with(params{"ClientIP": "192.0.2.1"})); r.status != http.StatusTooManyRequests {
		t.Fatalf("not stopped: %d %s", r.status, r.body)
	}
	if again := w.paid(first); again != bill {
		t.Errorf("the repeat: %v, not %v", again, bill)
	}
}

// Who tries card numbers on the payment page is stopped there; another buyer pays.
func TestTriedCardsOnThePage(t *testing.T) {
	w := newPage(t, func(m *tenants.Merchant) { m.Page.Attempts = 10; m.CardTesting = tenants.CardTesting{Declines: 1} })
	pay := func(number, source, card string) (status int, state string) {
		session := w.opened(shopOrder(number))
		form := typed(card)
		form["Session"] = token(t, w.follow(session))
		status = w.send(http.MethodPost, session, form.encode(), "X-Test-Source", source, "Content-Type", syntaxes["form"].kind).status
		return status, w.stateAt(session)["orderstate"]
	}
	if status, state := pay("A-1", "2001:db8::1", pcsim.CardInsufficientFunds); status >= 400 || state != "In Process" {
		t.Fatalf("the first: %d %s", status, state)
	}
	if status, state := pay("A-2", "2001:db8::2", pcsim.CardApproved); status != http.StatusTooManyRequests || state != "In Process" {
		t.Errorf("the source goes on: %d %s", status, state)
	}
	if status, state := pay("A-3", "2001:db8:0:1::2", pcsim.CardApproved); status >= 400 || state != "Approved" {
		t.Errorf("another buyer: %d %s", status, state)
	}
}

// metric is the value of a counter with one label.
func (w *world) metric(name, label string) float64 {
	families, err := w.registry.Gather()
	check(w.t, err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && m.GetLabel()[0].GetValue() == label {
				return m.GetCounter().GetValue()
			}
		}
	}
	return -1
}
