package retention

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// Metrics tell how the last run of each sweep ended: read from what it noted, at each scrape.
type Metrics struct {
	Pool *pgxpool.Pool
	Log  *slog.Logger
}

var (
	lastEnd = prometheus.NewDesc("settled_retention_last_end_timestamp_seconds", "When the last run began that came to its end; absent before the first.",
		[]string{"class", "subject"}, nil)
	heldAtEnd = prometheus.NewDesc("settled_retention_held", "What was due at the end of the last run and still needed, or locked.", []string{"class", "subject"}, nil)
	leftSince = prometheus.NewDesc("settled_retention_left_since_timestamp_seconds", "From when on anything is left to erase, as the last run saw it.",
		[]string{"class", "subject"}, nil)
)

// Describe implements prometheus.Collector.
func (m Metrics) Describe(out chan<- *prometheus.Desc) {
	out <- lastEnd
	out <- heldAtEnd
	out <- leftSince
}

// A sweep's last end is found by the index, going from one sweep to the next.
const lastEnds = `
WITH RECURSIVE sweep AS (
	(SELECT class, subject FROM erasures ORDER BY class, subject LIMIT 1)
	UNION ALL
	SELECT n.class, n.subject FROM sweep s, LATERAL (SELECT class, subject FROM erasures e WHERE (e.class, e.subject) > (s.class, s.subject)
		ORDER BY class, subject LIMIT 1) n
)
SELECT s.class, s.subject, e.run_at, e.held, e.left_from FROM sweep s, LATERAL (SELECT run_at, held, left_from FROM erasures e
	WHERE e.class = s.class AND e.subject = s.subject AND held IS NOT NULL ORDER BY erasure_id DESC LIMIT 1) e`

// scrapeTimeout bounds the reading.
const scrapeTimeout = 5 * time.Second

// Collect implements prometheus.Collector. What cannot be read is left out.
func (m Metrics) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	rows, err := m.Pool.Query(ctx, lastEnds)
	if err == nil {
		var n Name
		var at, left time.Time
		var held []Standing
		_, err = pgx.ForEachRow(rows, []any{&n.Class, &n.Subject, &at, &held, &left}, func() error {
			tell := func(d *prometheus.Desc, v float64) {
				out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, string(n.Class), n.Subject)
			}
			tell(lastEnd, float64(at.Unix()))
			tell(heldAtEnd, float64(rowsOf(held)))
			tell(leftSince, float64(left.Unix()))
			held = nil
			return nil
		})
	}
	if err != nil {
		m.Log.WarnContext(ctx, "read how retention ended", slog.Any("error", err))
	}
}
