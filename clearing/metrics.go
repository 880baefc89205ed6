package clearing

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the counters of what this process did, and gauges read from the rows at each scrape.
type metrics struct {
	night      *Night
	phases     *prometheus.HistogramVec
	uploads    *prometheus.CounterVec
	sftpErrors *prometheus.CounterVec
	replies    *prometheus.CounterVec
	records    *prometheus.CounterVec
	strangers  *prometheus.CounterVec
	pages      *prometheus.CounterVec
	up         *prometheus.GaugeVec
}

func newMetrics(n *Night, r prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "settled_" + name, Help: help}, labels)
	}
	m := &metrics{
		night: n,
		phases: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "settled_batch_phase_duration_seconds",
			Help: "Time taken by a step of the night.", Buckets: prometheus.ExponentialBuckets(0.01, 3, 10)}, []string{"center", "phase"}),
		uploads:    counter("file_uploads_total", "Attempts to deliver a file.", "center", "result"),
		sftpErrors: counter("sftp_errors_total", "Errors of a center's file server by class.", "center", "reason"),
		replies:    counter("replies_total", "Replies by what became of them.", "center", "result"),
		records:    counter("records_total", "Records by the center's verdict.", "center", "verdict", "class"),
		strangers:  counter("inbox_strangers_total", "Names in an inbox that are not those of replies.", "center"),
		pages:      counter("clearing_pages_total", "Events of the night that a person must look at.", "center", "reason"),
		up: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "settled_sftp_up",
			Help: "1 when the last connection to the center's file server succeeded."}, []string{"center"}),
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.phases, m.uploads, m.sftpErrors, m.replies, m.records, m.strangers, m.pages, m.up, m} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *metrics) phase(s *station, phase string, took time.Duration) {
	m.phases.WithLabelValues(s.Name, phase).Observe(took.Seconds())
}

// page counts an event that a person must look at, and logs it.
func (n *Night) page(ctx context.Context, s *station, reason string, args ...any) {
	n.metrics.pages.WithLabelValues(s.Name, reason).Inc()
	n.Log.ErrorContext(ctx, "a person must look at "+reason, append([]any{"center", s.Name}, args...)...)
}

func gauge(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("settled_"+name, help, []string{"center", "stream"}, nil)
}

var (
	cutoffNext   = gauge("cutoff_next_timestamp_seconds", "Cut-off of the window that is open now.")
	cutoffSealed = gauge("cutoff_last_sealed_timestamp_seconds", "Cut-off of the last window that was sealed.")
	cutoffLate   = gauge("cutoff_overdue_seconds", "How long the oldest window due has waited for its seal; 0 when none has.")
	fileDeadline = gauge("file_deadline_timestamp_seconds", "Deadline of the oldest file that is not delivered; absent when all are.")
	fileWaiting  = gauge("file_undelivered", "Files that are not proven to be at the center.")
	fileUnknown  = gauge("file_unknown_delivery", "Files of which nobody can tell whether the center has them.")
	unreplied    = gauge("records_unreplied", "Records of delivered files without a verdict.")
	unrepliedAge = gauge("records_unreplied_oldest_age_seconds", "Age of the oldest delivery without a verdict; 0 when none.")
	replyLast    = gauge("reply_last_received_timestamp_seconds", "When the last reply was fetched.")
	quarantined  = gauge("replies_quarantined", "Replies that could not be applied and wait for a person.")
	horizon      = prometheus.NewDesc("settled_calendar_horizon_timestamp_seconds", "Last date that the calendar covers.", []string{"calendar"}, nil)
)

// Describe implements prometheus.Collector.
func (m *metrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{cutoffNext, cutoffSealed, cutoffLate, fileDeadline, fileWaiting, fileUnknown, unreplied,
		unrepliedAge, replyLast, quarantined, horizon} {
		out <- d
	}
}

const scrapeNight = `
WITH f AS (
	SELECT f.*, b.sales_count + b.credits_count AS records FROM files f JOIN batches b USING (batch_id)
	WHERE f.center_id = $1 AND f.stream = $2 AND f.state IN ('planned', 'built', 'released', 'sending', 'delivered', 'unknown_delivery')
)
SELECT
	(SELECT extract(epoch FROM min(cutoff_at)) FROM windows WHERE center_id = $1 AND stream = $2 AND state = 'open' AND cutoff_at > $3),
	(SELECT extract(epoch FROM max(cutoff_at)) FROM windows WHERE center_id = $1 AND stream = $2 AND state IN ('sealed', 'empty')),
	(SELECT coalesce(extract(epoch FROM $3 - min(cutoff_at)), 0) FROM windows WHERE center_id = $1 AND stream = $2 AND state IN ('open', 'sealing') AND cutoff_at <= $3),
	(SELECT extract(epoch FROM min(deadline_at)) FROM f WHERE state <> 'delivered'),
	(SELECT count(*)::float8 FROM f WHERE state <> 'delivered'),
	(SELECT count(*)::float8 FROM f WHERE state = 'unknown_delivery'),
	(SELECT coalesce(sum(records), 0)::float8 FROM f WHERE state = 'delivered'),
	(SELECT coalesce(extract(epoch FROM $3 - min(delivered_at)), 0) FROM f WHERE state = 'delivered'),
	(SELECT extract(epoch FROM max(fetched_at)) FROM replies WHERE center_id = $1),
	(SELECT count(*)::float8 FROM replies WHERE center_id = $1 AND state = 'quarantined')`

// scrapeTimeout bounds the reading of the gauges.
const scrapeTimeout = 5 * time.Second

// Collect implements prometheus.Collector. What cannot be read is left out.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	seen := map[string]bool{}
	for _, s := range m.night.centers {
		m.collectCenter(ctx, s, out)
		calendar := s.Plan.Calendar
		if !seen[calendar.Name()] {
			seen[calendar.Name()] = true
			out <- prometheus.MustNewConstMetric(horizon, prometheus.GaugeValue, float64(calendar.Horizon().UTC().Unix()), calendar.Name())
		}
	}
}

func (m *metrics) collectCenter(ctx context.Context, s *station, out chan<- prometheus.Metric) {
	descs := []*prometheus.Desc{cutoffNext, cutoffSealed, cutoffLate, fileDeadline, fileWaiting, fileUnknown, unreplied, unrepliedAge, replyLast, quarantined}
	values := make([]*float64, len(descs))
	targets := make([]any, len(descs))
	for i := range values {
		targets[i] = &values[i]
	}
	if err := m.night.Pool.QueryRow(ctx, scrapeNight, s.ID, s.Stream, m.night.now()).Scan(targets...); err != nil {
		m.night.Log.WarnContext(ctx, "read gauges of the night", "center", s.Name, "error", err)
		return
	}
	for i, v := range values {
		if v != nil {
			out <- prometheus.MustNewConstMetric(descs[i], prometheus.GaugeValue, *v, s.Name, s.Stream)
		}
	}
}
