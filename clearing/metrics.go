package clearing

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the counters of what this process did. What is read from the rows at each scrape are the gauges.
type metrics struct {
	phases     *prometheus.HistogramVec
	uploads    *prometheus.CounterVec
	sftpErrors *prometheus.CounterVec
	replies    *prometheus.CounterVec
	records    *prometheus.CounterVec
	strangers  *prometheus.CounterVec
	pages      *prometheus.CounterVec
	up         *prometheus.GaugeVec
}

// verdictReply is the kind of the replies of an IPM center: the verdict on a file. There is no separate acknowledgement.
const verdictReply = "verdict"

func newMetrics() *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "settled_" + name, Help: help}, labels)
	}
	return &metrics{
		phases: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "settled_batch_phase_duration_seconds",
			Help: "Time taken by a step of the night.", Buckets: prometheus.ExponentialBuckets(0.01, 3, 10)}, []string{"pc", "phase"}),
		uploads:    counter("file_uploads_total", "Attempts to deliver a file.", "pc", "result"),
		sftpErrors: counter("sftp_errors_total", "Errors of a center's file server by class.", "pc", "reason"),
		replies:    counter("replies_total", "Replies by what became of them.", "pc", "result", "kind").MustCurryWith(prometheus.Labels{"kind": verdictReply}),
		records:    counter("records_total", "Records by the center's verdict.", "pc", "verdict", "class"),
		strangers:  counter("inbox_strangers_total", "Names in an inbox that are not those of replies.", "pc"),
		pages:      counter("clearing_pages_total", "Events of the night that a person must look at.", "pc", "reason"),
		up: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "settled_sftp_up",
			Help: "1 when the last connection to the center's file server succeeded."}, []string{"pc"}),
	}
}

func (m *metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.phases, m.uploads, m.sftpErrors, m.replies, m.records, m.strangers, m.pages, m.up}
}

func (m *metrics) phase(center, phase string, took time.Duration) {
	m.phases.WithLabelValues(center, phase).Observe(took.Seconds())
}
