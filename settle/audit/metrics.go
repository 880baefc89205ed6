package audit

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics shows the last report to Prometheus. The zero value shows nothing; Update gives it a report. Register it once.
type Metrics struct {
	mu   sync.Mutex
	last *Report
}

// Update replaces the report that is shown. A run that ended with an error must not be given.
func (m *Metrics) Update(r Report) {
	m.mu.Lock()
	m.last = &r
	m.mu.Unlock()
}

var (
	unbalanced  = prometheus.NewDesc("settled_ledger_unbalanced_journals", "Postings that do not move money between the accounts of their rule.", nil, nil)
	trial       = prometheus.NewDesc("settled_ledger_trial_balance_difference_minor", "Debits less credits, summed over ledgers and currencies, without sign, in minor units.", nil, nil)
	tieout      = prometheus.NewDesc("settled_ledger_tieout_difference_minor", "Account less what it should come to, summed over merchants, centers and currencies, without sign, in minor units.", []string{"account"}, nil)
	lastSuccess = prometheus.NewDesc("settled_ledger_audit_last_success_timestamp_seconds", "When the books were last checked, whatever was found.", nil, nil)
	violations  = prometheus.NewDesc("settled_invariant_violations", "Violations found by the last audit.", []string{"invariant"}, nil)
)

// Describe is of prometheus.Collector.
func (m *Metrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{unbalanced, trial, tieout, lastSuccess, violations} {
		out <- d
	}
}

// Collect is of prometheus.Collector.
func (m *Metrics) Collect(out chan<- prometheus.Metric) {
	m.mu.Lock()
	r := m.last
	m.mu.Unlock()
	if r == nil {
		return
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(lastSuccess, float64(r.At.UnixMilli())/1000)
	byInvariant := map[string]int{}
	for _, f := range r.Findings {
		byInvariant[f.Invariant] += f.Violations
		switch f.Account {
		case "":
		case "trial balance":
			gauge(trial, float64(f.Difference))
		default:
			gauge(tieout, float64(f.Difference), f.Account)
		}
	}
	for invariant, n := range byInvariant {
		gauge(violations, float64(n), invariant)
	}
	if n, ok := byInvariant["INV-1"]; ok {
		gauge(unbalanced, float64(n))
	}
}
