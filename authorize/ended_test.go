package authorize_test

import (
	"testing"
	"time"

	"settled/internal/pcsim"
	"settled/settle/settletest"
)

// TestAnEndedContract: what was sold under a contract that has ended is charged and given back, at once and later, and a new
// payment is refused in words that no shop takes for an outage.
func TestAnEndedContract(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	hold := w.paid(paymentOf("ended-1").with(params{"Delay": "1"}))
	sale := w.paid(paymentOf("ended-2"))
	dollars := w.paid(paymentOf("ended-3").with(params{"OrderCurrency": "USD"}))
	m, _ := w.Dir.Merchant(settletest.Merchant)
	m.Routes = nil
	w.Reconfigure(t)
	w.run(credentials(), hold, []step{{charge, ask("100.00").with(params{"AutoDeposit": "1"}), "AS000", "PartialDelayed", 0, 0}})
	w.run(credentials(), dollars, []step{{cancel, nil, "AS000", "Canceled", 0, 0}})
	w.Clock.Advance(48 * time.Hour)
	w.run(credentials(), sale, []step{{cancel, ask("37.40"), "AS000", "PartialCanceled", 0, 0}})
	if r := w.call("/pay/silentpay.cfm", paymentOf("ended-4")); r.First != 5 || r.Second != 105 {
		t.Errorf("a new payment: %d/%d", r.First, r.Second)
	}
}
