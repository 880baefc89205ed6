package settle_test

import (
	"errors"
	"testing"
	"time"

	"settled/internal/money"
	"settled/settle"
	"settled/settle/audit"
	"settled/settle/settletest"
)

// contractEnds are the ways in which a contract ends.
var contractEnds = map[string]func(w *settletest.World){
	"with a date": func(w *settletest.World) {
		m, _ := w.Dir.Merchant(settletest.Merchant)
		for i := range m.Routes {
			m.Routes[i].Ends = w.Clock.Now()
		}
	},
	"gone": func(w *settletest.World) {
		m, _ := w.Dir.Merchant(settletest.Merchant)
		m.Routes = nil
	},
	"with its merchant": func(w *settletest.World) { delete(w.Dir.Merchants(), settletest.Merchant) },
}

// TestAnEndedContractServesItsOrders ends the contracts of a merchant in each way: what was sold is confirmed, given back and
// given up as before, at the center by file and at the one online; what is new is refused.
func TestAnEndedContractServesItsOrders(t *testing.T) {
	for name, end := range contractEnds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := settletest.New(t)
			pay := func(number string, two bool, a money.Amount) int64 {
				return w.Pay(t, settletest.Payment{Number: number, TwoStage: two, Amount: a})
			}
			held, part, late := pay("1", true, byn(1000)), pay("2", true, byn(1000)), pay("3", true, byn(1000))
			sold, online := pay("4", false, byn(1000)), pay("5", false, money.Amount{Minor: 500, Currency: money.USD})
			m, _ := w.Dir.Merchant(settletest.Merchant)
			end(w)
			w.Reconfigure(t)
			confirm := func(order int64, a *money.Amount) {
				t.Helper()
				_, err := w.Books.Confirm(t.Context(), settle.ConfirmRequest{Merchant: settletest.Merchant, Order: order, Amount: a, AutoDeposit: a != nil, Actor: settle.ByMerchant})
				check(t, err)
			}
			cancel := func(order int64) {
				t.Helper()
				_, err := w.Books.Cancel(t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: order, Actor: settle.ByMerchant})
				check(t, err)
			}
			confirm(held, nil)
			some := byn(400)
			confirm(part, &some)
			cancel(online)
			for _, batch := range w.Night(t, settletest.FileCenter) {
				w.Reply(t, batch)
			}
			cancel(sold)
			w.Clock.Advance(49 * time.Hour)
			if n, err := w.Books.ExpireDue(t.Context(), 10); n != 1 || err != nil {
				t.Errorf("%d holds given up, %v", n, err)
			}
			w.AnswerAll(t, settle.VerdictDone, "000")
			if o, err := w.Books.Order(t.Context(), settletest.Merchant, late); err != nil || o.Amounts.ReleasedExpiry != 1000 {
				t.Errorf("%+v, %v", o, err)
			}
			_, _, err := w.Books.Begin(t.Context(), settle.Intent{Merchant: m, OrderNumber: "6", Amount: byn(100), CardExpiry: "2812", Fingerprint: settle.Fingerprint{Kept: []byte("6")}})
			if name != "with its merchant" && !errors.Is(err, settle.ErrNoRoute) {
				t.Errorf("a new payment: %v", err)
			}
			report, err := audit.Run(t.Context(), w.Pool, w.Clock.Now(), audit.Options{})
			check(t, err)
			for _, f := range report.Broken() {
				t.Errorf("%s: %v", f.Title, f.Examples)
			}
		})
	}
}

// TestTheNewestContractServes: a version that was configured again is the newest again.
func TestTheNewestContractServes(t *testing.T) {
	w := settletest.New(t)
	m, _ := w.Dir.Merchant(settletest.Merchant)
	for _, terminal := range []string{"TERM0002", "TERM0001"} {
		w.Clock.Advance(time.Hour)
		m.Routes[0].Terminal = terminal
		w.Reconfigure(t)
	}
	w.Clock.Advance(time.Hour)
	m.Routes = m.Routes[1:]
	w.Reconfigure(t)
	if r := m.Serves(settletest.FileCenter, money.BYN); r == nil || r.Terminal != "TERM0001" {
		t.Errorf("%+v", r)
	}
	var versions int
	check(t, w.Pool.QueryRow(t.Context(), `SELECT count(*) FROM contracts WHERE merchant_id = 100001 AND center_id = 1`).Scan(&versions))
	if versions != 2 {
		t.Errorf("%d versions, want 2", versions)
	}
}
