package telemetry

import (
	"runtime/debug"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// NewRegistry returns a registry that already tells of the Go runtime, the process and the build: settled_build_info,
// always 1, with the labels version and revision.
func NewRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		buildInfo(),
	)
	return registry
}

func buildInfo() prometheus.Collector {
	labels := prometheus.Labels{"version": "unknown", "revision": "unknown"}
	if info, ok := debug.ReadBuildInfo(); ok {
		labels["version"] = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				labels["revision"] = s.Value
			}
		}
	}
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "settled_build_info", Help: "What runs; always 1.", ConstLabels: labels,
	})
	gauge.Set(1)
	return gauge
}

// poolMetric is one figure of a pool.
type poolMetric struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(*pgxpool.Stat) float64
}

type poolCollector struct {
	stat    func() *pgxpool.Stat
	metrics []poolMetric
}

// NewPoolCollector returns a collector of the state of a database pool, labelled pool=name. Register it once per name.
func NewPoolCollector(name string, pool *pgxpool.Pool) prometheus.Collector {
	return prometheus.WrapCollectorWith(prometheus.Labels{"pool": name}, &poolCollector{pool.Stat, poolMetrics()})
}

func poolMetrics() []poolMetric {
	gauge := func(name, help string, read func(*pgxpool.Stat) float64) poolMetric {
		return poolMetric{prometheus.NewDesc("settled_postgres_"+name, help, nil, nil), prometheus.GaugeValue, read}
	}
	counter := func(name, help string, read func(*pgxpool.Stat) float64) poolMetric {
		return poolMetric{prometheus.NewDesc("settled_postgres_"+name, help, nil, nil), prometheus.CounterValue, read}
	}
	return []poolMetric{
		gauge("connections", "Open connections.", func(s *pgxpool.Stat) float64 { return float64(s.TotalConns()) }),
		gauge("connections_in_use", "Connections that somebody holds.", func(s *pgxpool.Stat) float64 { return float64(s.AcquiredConns()) }),
		gauge("connections_limit", "Most connections that the pool may open.", func(s *pgxpool.Stat) float64 { return float64(s.MaxConns()) }),
		counter("acquires_total", "Connections taken from the pool.", func(s *pgxpool.Stat) float64 { return float64(s.AcquireCount()) }),
		counter("acquires_waited_total", "Connections that had to be waited for.", func(s *pgxpool.Stat) float64 { return float64(s.EmptyAcquireCount()) }),
		counter("acquires_canceled_total", "Waits for a connection that were given up.", func(s *pgxpool.Stat) float64 { return float64(s.CanceledAcquireCount()) }),
		counter("acquire_wait_seconds_total", "Time spent waiting for connections.", func(s *pgxpool.Stat) float64 { return s.EmptyAcquireWaitTime().Seconds() }),
		counter("connections_opened_total", "Connections opened.", func(s *pgxpool.Stat) float64 { return float64(s.NewConnsCount()) }),
	}
}

// Describe implements prometheus.Collector.
func (c *poolCollector) Describe(out chan<- *prometheus.Desc) {
	for _, m := range c.metrics {
		out <- m.desc
	}
}

// Collect implements prometheus.Collector.
func (c *poolCollector) Collect(out chan<- prometheus.Metric) {
	stat := c.stat()
	for _, m := range c.metrics {
		out <- prometheus.MustNewConstMetric(m.desc, m.kind, m.read(stat))
	}
}
