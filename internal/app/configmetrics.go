package app

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// configMetrics tell which configuration a process has, and whether it is that of the file.
type configMetrics struct {
	mu       sync.Mutex
	content  string
	since    time.Time
	other    bool // the file says something that is not taken up
	refusals float64
}

var (
	configInfo = prometheus.NewDesc("settled_config_info", "1 of the configuration that the process has, by a keyed hash of what it says: alike in processes that have the same.",
		[]string{"content"}, nil)
	configSince   = prometheus.NewDesc("settled_config_taken_up_timestamp_seconds", "When the process took up the configuration that it has.", nil, nil)
	configRefused = prometheus.NewDesc("settled_config_refused", "1 while the configuration file says what the process has not taken up, else 0.", nil, nil)
	configTimes   = prometheus.NewDesc("settled_config_refusals_total", "Changes of the configuration that were not taken up, and looks at it that failed.", nil, nil)
)

func newConfigMetrics(r prometheus.Registerer) *configMetrics {
	m := &configMetrics{}
	r.MustRegister(m)
	return m
}

// took notes that a configuration is taken up.
func (m *configMetrics) took(content string, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.content, m.since, m.other = content, at, false
}

// named notes another name of the configuration that the process has.
func (m *configMetrics) named(content string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.content = content
}

// kept notes that the file says what the process has, and returns whether it said something else before.
func (m *configMetrics) kept() (again bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	again, m.other = m.other, false
	return again
}

// refused notes that what the file says is not taken up.
func (m *configMetrics) refused() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.other = true
	m.refusals++
}

// now is which configuration the process has, since when, and whether the file says something that is not taken up.
func (m *configMetrics) now() (content string, since time.Time, other bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.content, m.since, m.other
}

// Describe is of prometheus.Collector.
func (m *configMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{configInfo, configSince, configRefused, configTimes} {
		out <- d
	}
}

// Collect is of prometheus.Collector.
func (m *configMetrics) Collect(out chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	other := 0.0
	if m.other {
		other = 1
	}
	out <- prometheus.MustNewConstMetric(configInfo, prometheus.GaugeValue, 1, m.content)
	out <- prometheus.MustNewConstMetric(configSince, prometheus.GaugeValue, float64(m.since.UnixMilli())/1000)
	out <- prometheus.MustNewConstMetric(configRefused, prometheus.GaugeValue, other)
	out <- prometheus.MustNewConstMetric(configTimes, prometheus.CounterValue, m.refusals)
}
