package instant

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"settled/internal/pcsim"
)

func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	w := newWorld(t, Rubles, func(_ *pcsim.BankOptions, o *Options) {
		o.Name, o.Metrics, o.BreakerFailures = "B1", NewMetrics(registry), 2
	})
	w.paid("a", 500)
	w.process()
	if _, err := w.client.VerifyNotification(http.Header{}, nil, w.clock.Now()); err == nil {
		t.Error("a notification without a signature is believed")
	}
	if _, err := w.client.Payment(t.Context(), "nobody"); err == nil {
		t.Error("a payment that nobody made is found")
	}
	if err := w.bank.SetDown(true); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := w.client.Banks(t.Context()); err == nil {
			t.Error("a bank that is down lists banks")
		}
	}
	want := map[string]float64{
		`settled_instant_breaker_state{bank="B1"}`:                                  2,
		`settled_instant_calls_total{bank="B1",call="banks",outcome="error"}`:       3,
		`settled_instant_calls_total{bank="B1",call="payment",outcome="answered"}`:  1,
		`settled_instant_calls_total{bank="B1",call="payment",outcome="refused"}`:   1,
		`settled_instant_calls_total{bank="B1",call="register",outcome="answered"}`: 1,
		`settled_instant_notifications_total{bank="B1",outcome="accepted"}`:         1,
		`settled_instant_notifications_total{bank="B1",outcome="forged"}`:           1,
		`settled_instant_call_duration_seconds{bank="B1",call="banks"}`:             3,
		`settled_instant_call_duration_seconds{bank="B1",call="payment"}`:           2,
		`settled_instant_call_duration_seconds{bank="B1",call="register"}`:          1,
	}
	if diff := cmp.Diff(want, figures(t, registry)); diff != "" {
		t.Error(diff)
	}
}

// figures are the values of a registry; of a histogram, how many.
func figures(t *testing.T, r *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			name := f.GetName() + "{" + strings.Join(labels, ",") + "}"
			out[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return out
}
