package work

import (
	"fmt"
	"testing"
	"time"

	"settled/internal/postgres/pgtest"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

func samples(t *testing.T, r *Runner) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(r)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			if len(m.Label) == 0 {
				continue
			}
			out[fmt.Sprintf("%s{%s}", f.GetName(), m.Label[0].GetValue())] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return out
}

func TestMetrics(t *testing.T) {
	db, c := pgtest.DB(t), &clock{}
	c.set(start)
	r := newRunner(t, db, c, idle(), map[string]string{"audit": "*/15 * * * *", "expire": "* * * * *"})
	if err := r.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{
		"settled_queue_depth{default}": 0, "settled_queue_oldest_age_seconds{default}": 0,
		"settled_queue_depth{notify}": 0, "settled_queue_oldest_age_seconds{notify}": 0,
		"settled_job_interval_seconds{audit}": 900, "settled_job_interval_seconds{expire}": 60,
	}
	if diff := cmp.Diff(want, samples(t, r)); diff != "" {
		t.Errorf("before the first slot (-want +have):\n%s", diff)
	}
	c.set(start.Add(time.Minute))
	if err := r.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{`UPDATE river_job SET scheduled_at = now() - interval '100 s'`, `UPDATE schedules SET last_ok_at = to_timestamp(5) WHERE name = 'audit'`} {
		if _, err := db.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	have := samples(t, r)
	if age := have["settled_queue_oldest_age_seconds{default}"]; age < 100 || age > 200 {
		t.Errorf("the oldest job has waited for %v s, want about 100", age)
	}
	delete(have, "settled_queue_oldest_age_seconds{default}")
	delete(want, "settled_queue_oldest_age_seconds{default}")
	want["settled_queue_depth{default}"], want["settled_job_last_success_timestamp_seconds{audit}"] = 1, 5
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("with a job that waits (-want +have):\n%s", diff)
	}
}
