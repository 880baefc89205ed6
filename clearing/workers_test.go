package clearing_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"settled/clearing"
	"settled/clearing/delivery"
	"settled/clearing/states"
	"settled/fileformats/ipm"
	"settled/internal/pcsim"

	"github.com/prometheus/client_golang/prometheus"
)

// TestTwoWorkers lets two nights work on the same rows for several days, at a center that misbehaves now and then.
func TestTwoWorkers(t *testing.T) {
	w := newWorld(t, func(p *clearing.Profile, o *pcsim.Options) { o.Replies.Twice = true })
	other, err := clearing.New(w.opt)
	check(t, err)
	random := rand.New(rand.NewPCG(1, 2))
	sold := 0
	for range 4 {
		for range 1 + random.IntN(4) {
			w.pay(byn(1+random.Int64N(10_000)), pcsim.CardApproved)
			sold++
		}
		w.cutoff()
		for range 8 {
			w.center.SetFaults([]pcsim.Faults{{}, {CutAfter: 1 + random.Int64N(900)}, {CutAfterRename: true}, {RenameLies: true}}[random.IntN(4)])
			var both sync.WaitGroup
			for _, n := range []*clearing.Night{w.night, other} {
				both.Go(func() { _, _ = n.Step(t.Context()) })
			}
			both.Wait()
			_, err := w.center.Process(t.Context(), w.Clock.Now())
			check(t, err)
			w.Clock.Advance(2 * time.Minute)
		}
	}
	w.heal()
	w.acceptedOnce(sold)
	if n := query[int](w, `SELECT count(*) FROM (SELECT 1 FROM postings WHERE source = 3 GROUP BY merchant_id, source_id, line HAVING count(*) > 1) x`); n != 0 {
		t.Errorf("%d postings twice", n)
	}
	numbers := query[string](w, `SELECT string_agg(scope || '/' || sequence, ' ' ORDER BY file_id) FROM files`)
	if want := "2026-03-02/1 2026-03-03/1 2026-03-04/1 2026-03-05/1"; numbers != want {
		t.Errorf("numbers %s, want %s", numbers, want)
	}
}

// TestFencedWorkerStops takes the file away from a worker before each of its commits.
func TestFencedWorkerStops(t *testing.T) {
	for _, point := range []string{"after upload", "before commit"} {
		t.Run(point, func(t *testing.T) {
			w := newWorld(t, nil)
			f := w.released()
			w.night.AtCrashPoint(func(p string) {
				if p == point {
					_, err := w.Pool.Exec(t.Context(), `UPDATE files SET token = 'another worker'`)
					check(t, err)
				}
			})
			if err := w.night.Delivery.Deliver(t.Context(), f.ID); !errors.Is(err, delivery.ErrFenced) {
				t.Errorf("got %v", err)
			}
			if got := w.file(); got.State != states.FileSending {
				t.Errorf("file is %s", got.State)
			}
			names, err := w.center.List(pcsim.InDir)
			check(t, err)
			if moved := len(names) == 1 && names[0] == f.Name; moved != (point == "before commit") {
				t.Errorf("the center has %v", names)
			}
			w.restart()
			w.heal()
			w.acceptedOnce(1)
		})
	}
}

func TestOneOfManyAppliesAReply(t *testing.T) {
	w := newWorld(t, nil)
	f := w.delivered(100, 200, 300)
	w.put(f, "1", answer{number: 1, write: rejectOne(idOf(t, f))}.bytes(t, ipm.Profile{}))
	_, err := w.night.Inbox.Fetch(t.Context(), 1)
	check(t, err)
	id := query[int64](w, `SELECT reply_id FROM replies`)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := w.night.ApplyReply(t.Context(), id); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	w.acceptedBooks(2, 1)
}

func TestMetrics(t *testing.T) {
	w := newWorld(t, nil)
	registry := prometheus.NewPedanticRegistry()
	w.opt.Registerer = registry
	w.restart()
	w.pay(byn(100), pcsim.CardApproved)
	w.pay(byn(200), pcsim.CardSaleRefused)
	w.cutoff()
	w.settleDown()
	got := samples(t, registry)
	for name, want := range map[string]float64{
		"settled_cutoff_last_sealed_timestamp_seconds{PC-A,ipm}": float64(time.Date(2026, 3, 2, 20, 0, 0, 0, time.UTC).Unix()),
		"settled_cutoff_next_timestamp_seconds{PC-A,ipm}":        float64(time.Date(2026, 3, 3, 20, 0, 0, 0, time.UTC).Unix()),
		"settled_cutoff_overdue_seconds{PC-A,ipm}":               0,
		"settled_file_undelivered{PC-A,ipm}":                     0,
		"settled_file_delivered{PC-A,ipm}":                       1,
		"settled_batch_records{PC-A,ipm}":                        2,
		"settled_file_ack_overdue_seconds{PC-A,ipm}":             0,
		"settled_file_uploads_total{PC-A,ok}":                    1,
		"settled_replies_total{verdict,PC-A,applied}":            1,
		"settled_records_total{,PC-A,accepted}":                  1,
		"settled_records_total{unknown,PC-A,rejected}":           1,
		"settled_sftp_up{PC-A}":                                  1,
		"settled_records_unreplied{PC-A,ipm}":                    0,
		"settled_calendar_horizon_timestamp_seconds{BY-test}":    float64(time.Date(2027, 12, 31, 0, 0, 0, 0, time.UTC).Unix()),
	} {
		if value, ok := got[name]; !ok || value != want {
			t.Errorf("%s is %v (present: %t), want %v", name, value, ok, want)
		}
	}
}

// TestMetricsOfALateFile looks at the gauges while a file cannot be delivered, and while its reply does not come.
func TestMetricsOfALateFile(t *testing.T) {
	w := newWorld(t, nil)
	registry := prometheus.NewPedanticRegistry()
	w.opt.Registerer = registry
	w.restart()
	f := w.released()
	expect := func(delivered, undelivered, overdue float64) {
		t.Helper()
		got := samples(t, registry)
		have := []float64{got["settled_file_delivered{PC-A,ipm}"], got["settled_file_undelivered{PC-A,ipm}"], got["settled_file_ack_overdue_seconds{PC-A,ipm}"]}
		if want := []float64{delivered, undelivered, overdue}; !slices.Equal(have, want) {
			t.Errorf("delivered, undelivered, overdue: %v, want %v", have, want)
		}
	}
	expect(0, 1, 0)
	check(t, w.night.Delivery.Deliver(t.Context(), f.ID))
	expect(1, 0, 0)
	w.Clock.Advance(12*time.Hour + 90*time.Second)
	expect(1, 0, 90)
}

// samples returns the value of each sample by its name and the values of its labels.
func samples(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	check(t, err)
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, l.GetValue())
			}
			value := m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
			got[fmt.Sprintf("%s{%s}", f.GetName(), strings.Join(labels, ","))] = value
		}
	}
	return got
}
