package settle_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"settled/internal/money"
	"settled/settle"
	"settled/settle/gauges"
	"settled/settle/settletest"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
)

func TestMetrics(t *testing.T) {
	w := settletest.New(t)
	w.Pay(t, settletest.Payment{Number: "held", Amount: byn(100), TwoStage: true})
	lost := w.Begin(t, settletest.Payment{Number: "lost", Amount: byn(100)})
	if err := w.Books.GiveUp(t.Context(), lost.Merchant.ID, lost.Order, lost.Transaction); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(time.Minute)
	w.Begin(t, settletest.Payment{Number: "died", Amount: byn(100), Merchant: settletest.OtherMerchant})
	refunded := w.Pay(t, settletest.Payment{Number: "refund", Amount: money.Amount{Minor: 100, Currency: money.USD}})
	w.Clock.Advance(48 * time.Hour)
	if _, err := w.Books.Cancel(t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: refunded, Actor: settle.ByMerchant}); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"settled_unknown_outcomes":            `{pc="BANK"} 0 {pc="PC-A"} 1 {pc="PC-B"} 1 {pc="PC-C"} 0`,
		"settled_unknown_oldest_age_seconds":  `{pc="BANK"} 0 {pc="PC-A"} 172860 {pc="PC-B"} 172800 {pc="PC-C"} 0`,
		"settled_reversals_pending":           `{pc="BANK"} 0 {pc="PC-A"} 1 {pc="PC-B"} 0 {pc="PC-C"} 0`,
		"settled_reversal_oldest_age_seconds": `{pc="BANK"} 0 {pc="PC-A"} 172860 {pc="PC-B"} 0 {pc="PC-C"} 0`,
		"settled_refunds_pending":             `{pc="BANK"} 0 {pc="PC-A"} 0 {pc="PC-B"} 0 {pc="PC-C"} 1`,
		"settled_holds_open":                  `{pc="BANK"} 0 {pc="PC-A"} 1 {pc="PC-B"} 0 {pc="PC-C"} 0`,
		"settled_expiry_due":                  `{pc="BANK"} 0 {pc="PC-A"} 1 {pc="PC-B"} 0 {pc="PC-C"} 0`,
		"settled_expiry_lag_seconds":          `{pc="BANK"} 0 {pc="PC-A"} 60 {pc="PC-B"} 0 {pc="PC-C"} 0`,
	}
	compare(t, w, want)
	if n, err := w.Books.ExpireDue(t.Context(), 10); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	comparePosted(t, w)
	due, err := w.Books.DueOf(t.Context(), lost.Merchant.ID, lost.Order)
	if err != nil || len(due) != 1 {
		t.Fatal(due, err)
	}
	if err := w.Books.Unanswered(t.Context(), due[0], "silence"); err != nil {
		t.Fatal(err)
	}
	compare(t, w, map[string]string{
		"settled_breaks_open":               `{category="B-16"} 1`,
		"settled_breaks_oldest_age_seconds": `{category="B-16"} 0`,
	})
}

// comparePosted compares the counter of lines with the lines in the ledger, by rule.
func comparePosted(t *testing.T, w *settletest.World) {
	t.Helper()
	rows, err := w.Pool.Query(t.Context(), `SELECT format('{rule=%s} %s', to_json(name), count(p)) FROM posting_rules
		LEFT JOIN postings p USING (rule) GROUP BY name ORDER BY name COLLATE "C"`)
	if err != nil {
		t.Fatal(err)
	}
	want, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	compare(t, w, map[string]string{"settled_journals_posted_total": strings.Join(want, " ")})
}

// compare checks each metric against its samples: labels and values.
func compare(t *testing.T, w *settletest.World, want map[string]string) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(gauges.Metrics{Books: w.Books})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]string{}
	for _, f := range families {
		var samples []string
		for _, m := range f.GetMetric() {
			labels := ""
			for _, l := range m.GetLabel() {
				labels = fmt.Sprintf("{%s=%q} ", l.GetName(), l.GetValue())
			}
			samples = append(samples, fmt.Sprintf("%s%g", labels, m.GetGauge().GetValue()+m.GetCounter().GetValue()))
		}
		have[f.GetName()] = strings.Join(samples, " ")
	}
	for name, samples := range want {
		if have[name] != samples {
			t.Errorf("%s: %s, want %s", name, have[name], samples)
		}
	}
}
