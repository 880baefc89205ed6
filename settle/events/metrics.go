package events

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// Metrics shows to Prometheus how many events there are, read at each scrape: a row per kind, by its index. Register it once per process.
type Metrics struct {
	Pool *pgxpool.Pool
	Log  *slog.Logger
}

var (
	written = prometheus.NewDesc("settled_events_written", "Events that were ever written, of acts that were done, refused and failed.", []string{"kind"}, nil)
	lastAt  = prometheus.NewDesc("settled_event_last_timestamp_seconds", "When the newest event was: of the last act of a person that changed something, or was refused.", nil, nil)
)

// scrapeTimeout bounds the reading of the metrics.
const scrapeTimeout = 5 * time.Second

const counted = `
SELECT kind, l.of_kind, l.at FROM unnest($1::text[]) kind, LATERAL (SELECT of_kind, at FROM events e WHERE e.kind = kind.kind ORDER BY day DESC, no DESC LIMIT 1) l`

// Describe is of prometheus.Collector.
func (m Metrics) Describe(out chan<- *prometheus.Desc) {
	out <- written
	out <- lastAt
}

// Collect is of prometheus.Collector.
func (m Metrics) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	var kinds []string
	for _, k := range Kinds {
		kinds = append(kinds, string(k.Kind))
	}
	var newest, at time.Time
	var kind string
	var n int64
	rows, err := m.Pool.Query(ctx, counted, kinds)
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&kind, &n, &at}, func() error {
			out <- prometheus.MustNewConstMetric(written, prometheus.GaugeValue, float64(n), kind)
			if at.After(newest) {
				newest = at
			}
			return nil
		})
	}
	switch {
	case err != nil:
		m.Log.WarnContext(ctx, "read metrics of events", slog.Any("error", err))
	case !newest.IsZero():
		out <- prometheus.MustNewConstMetric(lastAt, prometheus.GaugeValue, float64(newest.UnixMilli())/1000)
	}
}
