package clock

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func gauge(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("settled_clock_"+name, help, nil, nil)
}

var (
	offsetGauge = gauge("offset_seconds", "Wall clock of this host less the clock of the database.")
	stepGauge   = gauge("step_seconds", "Step of the clock of the database that is not believed yet; 0 when there is none.")
	pausedGauge = gauge("cutoffs_paused", "1 while nothing is sealed because the clocks disagree, else 0.")
	sampleGauge = gauge("sample_age_seconds", "Time since the database was last asked for the time.")
)

// Describe implements prometheus.Collector.
func (c *Clock) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{offsetGauge, stepGauge, pausedGauge, sampleGauge} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *Clock) Collect(out chan<- prometheus.Metric) {
	s := c.State()
	paused := 0.0
	if s.Err != nil {
		paused = 1
	}
	for desc, value := range map[*prometheus.Desc]float64{
		offsetGauge: s.Offset.Seconds(), stepGauge: s.Step.Seconds(), pausedGauge: paused, sampleGauge: s.Age.Seconds(),
	} {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value)
	}
}

// State is what a clock knows of itself.
type State struct {
	Offset time.Duration // of the host's wall clock: positive when it is ahead
	Step   time.Duration // of the database's clock, not believed yet; 0: none
	Age    time.Duration // of the last sample that was believed
	Err    error         // as of Check
}

// State returns what the clock knows of itself.
func (c *Clock) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	reading := c.source.Elapsed()
	return State{c.offset, c.step, reading - c.at, c.check(reading)}
}
