package instant

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sony/gobreaker/v2"
)

// Metrics are the figures of all partner banks. One value serves every Client; nil measures nothing.
//
//	settled_instant_calls_total{bank,call,outcome}      outcome: answered, refused, unknown, error (not sent)
//	settled_instant_call_duration_seconds{bank,call}
//	settled_instant_notifications_total{bank,outcome}   outcome: accepted, forged, malformed
//	settled_instant_breaker_state{bank}                 0 closed, 1 half-open, 2 open
type Metrics struct {
	calls    *prometheus.CounterVec
	duration *prometheus.HistogramVec
	notices  *prometheus.CounterVec
	breaker  *prometheus.GaugeVec
}

// NewMetrics makes the metrics and registers them; it panics when they are registered already, as
// prometheus.Registerer.MustRegister does.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "settled_instant_calls_total",
			Help: "Calls of a partner bank by kind and outcome.",
		}, []string{"bank", "call", "outcome"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "settled_instant_call_duration_seconds",
			Help:    "Time from a call of a partner bank to its outcome.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"bank", "call"}),
		notices: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "settled_instant_notifications_total",
			Help: "Notifications of a partner bank by outcome of their check.",
		}, []string{"bank", "outcome"}),
		breaker: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "settled_instant_breaker_state",
			Help: "Circuit breaker of a partner bank: 0 closed, 1 half-open, 2 open.",
		}, []string{"bank"}),
	}
	r.MustRegister(m.calls, m.duration, m.notices, m.breaker)
	return m
}

// called counts a call.
func (m *Metrics) called(bank, call string, err error, took time.Duration) {
	if m != nil {
		m.calls.WithLabelValues(bank, call, outcomeOf(err)).Inc()
		m.duration.WithLabelValues(bank, call).Observe(took.Seconds())
	}
}

func outcomeOf(err error) string {
	switch {
	case err == nil:
		return "answered"
	case errors.Is(err, ErrRefused):
		return "refused"
	case errors.Is(err, ErrUnknown):
		return "unknown"
	}
	return "error"
}

// noticed counts a notification.
func (m *Metrics) noticed(bank string, err error) {
	if m == nil {
		return
	}
	outcome := "accepted"
	switch {
	case errors.Is(err, ErrForged):
		outcome = "forged"
	case errors.Is(err, ErrMalformed):
		outcome = "malformed"
	}
	m.notices.WithLabelValues(bank, outcome).Inc()
}

// broke records the state of the breaker.
func (m *Metrics) broke(bank string, s gobreaker.State) {
	if m != nil {
		m.breaker.WithLabelValues(bank).Set(float64(s))
	}
}
