package online

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sony/gobreaker/v2"
)

// Metrics are the figures of all centers. One value serves every Client; nil measures nothing.
//
//	settled_auth_requests_total{pc,op,outcome}   outcome: approved, declined, unknown, error (not sent)
//	settled_auth_duration_seconds{pc,op}
//	settled_center_late_answers_total{pc,reason}
//	settled_center_connections{pc}               connections that answer echo tests
//	settled_center_breaker_state{pc}             0 closed, 1 half-open, 2 open
//	settled_center_untrusted_total{pc,why}       why: mac, certificate
type Metrics struct {
	requests    *prometheus.CounterVec
	duration    *prometheus.HistogramVec
	late        *prometheus.CounterVec
	connections *prometheus.GaugeVec
	breaker     *prometheus.GaugeVec
	untrusted   *prometheus.CounterVec
}

// NewMetrics makes the metrics and registers them; it panics when they are registered already, as
// prometheus.Registerer.MustRegister does.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "settled_auth_requests_total",
			Help: "Requests to a processing center by kind and outcome.",
		}, []string{"pc", "op", "outcome"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "settled_auth_duration_seconds",
			Help:    "Time from request to outcome at a processing center.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"pc", "op"}),
		late: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "settled_center_late_answers_total",
			Help: "Answers that no request was waiting for, by reason.",
		}, []string{"pc", "reason"}),
		connections: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "settled_center_connections",
			Help: "Connections to a processing center that answer echo tests.",
		}, []string{"pc"}),
		breaker: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "settled_center_breaker_state",
			Help: "Circuit breaker of a processing center: 0 closed, 1 half-open, 2 open.",
		}, []string{"pc"}),
	}
	m.untrusted = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "settled_center_untrusted_total",
		Help: "Messages of a processing center without their right authentication code, and its certificates that are not trusted.",
	}, []string{"pc", "why"})
	r.MustRegister(m.requests, m.duration, m.late, m.connections, m.breaker, m.untrusted)
	return m
}

// outcome is a label value of settled_auth_requests_total.
type outcome uint8

const (
	approved outcome = iota
	declined
	unresolved
	failed
	outcomes
)

var outcomeNames = [outcomes]string{"approved", "declined", "unknown", "error"}

func outcomeOf(a Answer, err error) outcome {
	switch {
	case errors.Is(err, ErrUnknown):
		return unresolved
	case err != nil:
		return failed
	case a.Approved():
		return approved
	}
	return declined
}

// distrust is why something that came from a center is not believed: a label value of settled_center_untrusted_total.
type distrust uint8

const (
	badMAC distrust = iota
	badCertificate
	distrusts
)

var distrustNames = [distrusts]string{"mac", "certificate"}

// meter is one center's metrics with their labels resolved.
type meter struct {
	requests    [kinds][outcomes]prometheus.Counter
	duration    [kinds]prometheus.Observer
	late        [lateReasons]prometheus.Counter
	connections prometheus.Gauge
	breaker     prometheus.Gauge
	untrusted   [distrusts]prometheus.Counter
}

// meter resolves the labels of one center; nil when nothing is measured.
func (m *Metrics) meter(center string) *meter {
	if m == nil {
		return nil
	}
	r := &meter{connections: m.connections.WithLabelValues(center), breaker: m.breaker.WithLabelValues(center)}
	for k := Authorization; k < kinds; k++ {
		r.duration[k] = m.duration.WithLabelValues(center, k.String())
		for o := range outcomes {
			r.requests[k][o] = m.requests.WithLabelValues(center, k.String(), outcomeNames[o])
		}
	}
	for why := range distrusts {
		r.untrusted[why] = m.untrusted.WithLabelValues(center, distrustNames[why])
	}
	for reason := Late; reason < lateReasons; reason++ {
		r.late[reason] = m.late.WithLabelValues(center, reason.String())
	}
	return r
}

func (m *meter) exchanged(k Kind, o outcome, took time.Duration) {
	if m != nil && k < kinds && k != 0 {
		m.requests[k][o].Inc()
		m.duration[k].Observe(took.Seconds())
	}
}

func (m *meter) tooLate(r LateReason) {
	if m != nil {
		m.late[r].Inc()
	}
}

func (m *meter) distrusted(why distrust) {
	if m != nil {
		m.untrusted[why].Inc()
	}
}

func (m *meter) linked(n float64) {
	if m != nil {
		m.connections.Add(n)
	}
}

func (m *meter) broke(s gobreaker.State) {
	if m != nil {
		m.breaker.Set(float64(s))
	}
}
