package retention_test

import (
	"log/slog"
	"testing"

	"settled/settle/retention"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

// TestMetrics: how the last run ended, by sweep.
func TestMetrics(t *testing.T) {
	w := newWorld(t)
	registry := prometheus.NewRegistry()
	registry.MustRegister(retention.Metrics{Pool: w.Pool, Log: slog.New(slog.DiscardHandler)})
	if n, err := registry.Gather(); len(n) != 0 || err != nil {
		t.Errorf("%d metrics before the first run, %v", len(n), err)
	}
	w.pay("held")
	w.after(100)
	w.run(10)
	families, err := registry.Gather()
	check(t, err)
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			got[f.GetName()+" "+m.GetLabel()[0].GetValue()+" "+m.GetLabel()[1].GetValue()] = m.GetGauge().GetValue()
		}
	}
	want := map[string]float64{}
	for name, held := range map[string]float64{"declined orders": 0, "paid orders": 1, "paid records": 1, "stored credentials": 0, "personal orders": 1, "personal credentials": 0} {
		want["settled_retention_held "+name] = held
		want["settled_retention_last_end_timestamp_seconds "+name] = float64(w.Clock.Now().Unix())
		delete(got, "settled_retention_left_since_timestamp_seconds "+name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
