package work

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river"
)

// scrapeTimeout bounds the reading of the gauges.
const scrapeTimeout = 5 * time.Second

func gauge(name, help, label string) *prometheus.Desc {
	return prometheus.NewDesc("settled_"+name, help, []string{label}, nil)
}

var (
	perQueue = []*prometheus.Desc{
		gauge("queue_depth", "Jobs that wait for a worker and whose time has come.", "queue"),
		gauge("queue_oldest_age_seconds", "How long the oldest such job has waited; 0 when none does.", "queue"),
	}
	jobInterval = gauge("job_interval_seconds", "Time from the next slot of a recurring job to the one after it.", "job")
	jobLast     = gauge("job_last_success_timestamp_seconds", "When a recurring job last ended without an error; absent before the first time.", "job")
)

func newRescued() prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: "settled_jobs_rescued_total",
		Help: "Jobs of workers that vanished, taken over from them."})
}

// newMended counts what stood in the future because a clock was ahead.
func newMended() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "settled_clock_mended_total",
		Help: "Rows whose instant stood too far in the future, because a clock was ahead, and was put right."}, []string{"of"})
}

// A job that is to be repeated later waits for its time, not for a worker. The queue is shown when nothing waits, too.
const (
	scrapeQueues = `
WITH waiting AS (
	SELECT queue, count(*) AS depth, extract(epoch FROM now() - min(scheduled_at)) AS age FROM river_job
	WHERE state IN ('available', 'retryable', 'scheduled') AND scheduled_at <= now() GROUP BY queue
)
SELECT queue, array[coalesce(depth, 0), coalesce(age, 0)]::float8[]
FROM (SELECT unnest($1::text[]) AS queue) known FULL JOIN waiting USING (queue)`
	scrapeJobs = `SELECT name, array[extract(epoch FROM last_ok_at)]::float8[] FROM schedules WHERE name = ANY ($1) AND last_ok_at IS NOT NULL`
)

// Describe implements prometheus.Collector.
func (r *Runner) Describe(out chan<- *prometheus.Desc) {
	for _, d := range append([]*prometheus.Desc{jobInterval, jobLast}, perQueue...) {
		out <- d
	}
	r.mended.Describe(out)
	r.rescued.Describe(out)
}

// Collect implements prometheus.Collector: it shows the queue and the recurring jobs. What cannot be read is left out.
func (r *Runner) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	r.mended.Collect(out)
	r.rescued.Collect(out)
	var names []string
	for _, s := range r.Schedules {
		names = append(names, s.Name)
		if next, ok := s.Spec.Next(r.Now()); ok {
			if after, ok := s.Spec.Next(next.At); ok {
				out <- prometheus.MustNewConstMetric(jobInterval, prometheus.GaugeValue, after.At.Sub(next.At).Seconds(), s.Name)
			}
		}
	}
	r.collect(ctx, out, []*prometheus.Desc{jobLast}, scrapeJobs, names)
	r.collect(ctx, out, perQueue, scrapeQueues, []string{river.QueueDefault, notifyQueue})
}

// collect turns each row, a label and an array of values, into gauges.
func (r *Runner) collect(ctx context.Context, out chan<- prometheus.Metric, descs []*prometheus.Desc, sql string, arg any) {
	rows, err := r.Pool.Query(ctx, sql, arg)
	if err == nil {
		var label string
		var values []float64
		_, err = pgx.ForEachRow(rows, []any{&label, &values}, func() error {
			for i, v := range values {
				out <- prometheus.MustNewConstMetric(descs[i], prometheus.GaugeValue, v, label)
			}
			return nil
		})
	}
	if err != nil {
		r.Log.WarnContext(ctx, "read gauges of the queue", slog.Any("err", err))
	}
}
