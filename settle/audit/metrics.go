package audit

import (
	"sync"

	"settled/internal/money"

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
	unbalanced  = prometheus.NewDesc("settled_ledger_unbalanced_journals", "Postings that do not move money between the accounts of their rule.", []string{"ledger"}, nil)
	trial       = prometheus.NewDesc("settled_ledger_trial_balance_difference_minor", "Debits less credits, without sign, in minor units of the currency.", []string{"ledger", "currency"}, nil)
	tieout      = prometheus.NewDesc("settled_ledger_tieout_difference_minor", "Account less what it should come to, summed over merchants without sign, in minor units of the currency.", []string{"account", "pc", "currency"}, nil)
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
	byInvariant, byTie := map[string]int{}, map[tie]int64{}
	for _, f := range r.Findings {
		byInvariant[f.Invariant] += f.Violations
		for _, p := range f.Parts {
			if f.Parted == TieOut { // several checks may tie out one account
				byTie[tie{f.Account, p.Name, p.Currency}] += p.Difference
			}
			if f.Parted == Trial {
				gauge(trial, float64(p.Difference), p.Name, p.Currency.String())
			}
		}
		if f.Parted == Journals {
			for ledger, n := range byLedger(f.Parts) {
				gauge(unbalanced, float64(n), ledger)
			}
		}
	}
	for t, difference := range byTie {
		gauge(tieout, float64(difference), t.account, t.center, t.currency.String())
	}
	for invariant, n := range byInvariant {
		gauge(violations, float64(n), invariant)
	}
}

// tie is what an account is tied out by.
type tie struct {
	account, center string
	currency        money.Currency
}

// byLedger counts the violations of each ledger, those of none included.
func byLedger(parts []Part) map[string]int {
	n := map[string]int{"financial": 0, "memo": 0}
	for _, p := range parts {
		n[p.Name] += p.Violations
	}
	return n
}
