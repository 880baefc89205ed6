package clearing_test

import (
	"bytes"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"settled/clearing"
	"settled/clearing/files"
	"settled/clearing/states"
	"settled/fileformats/ipm"
	"settled/internal/pcsim"
	"settled/settle/settletest"

	"github.com/prometheus/client_golang/prometheus"
)

// no is the refusal of a whole file.
func no(t testing.TB, f files.File, number uint32) []byte {
	return answer{number: number, write: func(r *ipm.ReplyWriter) error {
		return r.Write(&ipm.Reply{Kind: ipm.FileReject, Exception: *refusalOf(idOf(t, f), 1, 530, nil)})
	}}.bytes(t, ipm.Profile{})
}

// yes accepts one sale of 1.00.
func yes(t testing.TB, f files.File, number uint32) []byte {
	return answer{number: number, write: func(r *ipm.ReplyWriter) error {
		return r.Write(&ipm.Reply{Kind: ipm.PositionDetail, Position: *position(idOf(t, f), 1, 100)})
	}}.bytes(t, ipm.Profile{})
}

// rebuilt delivers a file that is refused, and then a second build of it.
func (w *world) rebuilt() (first, second files.File) {
	w.t.Helper()
	first = w.delivered(100)
	if r := w.answers(first, "1", no(w.t, first, 1)); r.State != "applied" {
		w.t.Fatalf("%+v", r)
	}
	_, err := w.night.Rebuild(w.t.Context(), first.Batch)
	check(w.t, err)
	w.Clock.Advance(time.Hour)
	w.buildAll()
	_, err = w.night.Delivery.DeliverDue(w.t.Context(), settletest.FileCenter, w.Clock.Now())
	check(w.t, err)
	return first, w.file()
}

// TestLateWordsAboutAnEarlierBuild: both builds have one number, and so one id at the center.
func TestLateWordsAboutAnEarlierBuild(t *testing.T) {
	named, unnamed := `^RPY_(?P<file>[A-Za-z0-9_-]+)_\d+\.ipm$`, `^RPY_[A-Za-z0-9_-]+_\d+\.ipm$`
	tests := []struct {
		name, pattern string
		first         bool   // the reply is named for the first build
		written       string // before or after the second delivery
		data          func(t testing.TB, f files.File) []byte
		state         string
	}{
		{"refusal again, its name tells", named, true, "after", func(t testing.TB, f files.File) []byte { return no(t, f, 2) }, "duplicate"},
		{"refusal again, the same reply in another form", unnamed, true, "after", func(t testing.TB, f files.File) []byte { return append(no(t, f, 1), 0, 0, 0, 0) }, "duplicate"},
		{"refusal again, nothing tells", unnamed, true, "after", func(t testing.TB, f files.File) []byte { return no(t, f, 2) }, "quarantined"},
		{"refusal again, its time tells", unnamed, true, "before", func(t testing.TB, f files.File) []byte { return no(t, f, 2) }, "duplicate"},
		{"acceptance of the first build", named, true, "after", func(t testing.TB, f files.File) []byte { return yes(t, f, 2) }, "quarantined"},
		{"acceptance of the first build, its time tells", unnamed, true, "before", func(t testing.TB, f files.File) []byte { return yes(t, f, 2) }, "quarantined"},
		{"refusal of the second build", named, false, "after", func(t testing.TB, f files.File) []byte { return no(t, f, 2) }, "applied"},
		{"acceptance of the second build", unnamed, false, "after", func(t testing.TB, f files.File) []byte { return yes(t, f, 2) }, "applied"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(p *clearing.Profile, o *pcsim.Options) {
				p.ReuseNumber, o.ReuseRejected, p.ReplyName = true, true, regexp.MustCompile(tt.pattern)
			})
			first, second := w.rebuilt()
			if first.LogicalID != second.LogicalID {
				t.Fatal("the builds have different numbers")
			}
			about := second
			if tt.first {
				about = first
			}
			if tt.written == "before" {
				now := w.Clock.Now()
				w.Clock.Set(now.Add(-30 * time.Minute))
				w.put(about, "7", tt.data(t, about))
				w.Clock.Set(now)
				w.take()
			} else {
				w.put(about, "7", tt.data(t, about))
				w.take()
			}
			if state := query[string](w, `SELECT state FROM replies ORDER BY reply_id DESC LIMIT 1`); state != tt.state {
				t.Errorf("the reply is %s, want %s: %s", state, tt.state, query[string](w, `SELECT reason FROM replies ORDER BY reply_id DESC LIMIT 1`))
			}
			if got := w.file(); (got.State != states.FileDelivered) != (tt.state == "applied") {
				t.Errorf("the second build is %s", got.State)
			}
			w.audited()
		})
	}
}

// TestLateRefusalOfAResentFile: the refusal of the first delivery, told again after the second, does not act on it; a person
// may let it.
func TestLateRefusalOfAResentFile(t *testing.T) {
	w := newWorld(t, nil)
	f := w.delivered(100)
	w.answers(f, "1", no(t, f, 1))
	w.lose(f)
	_, err := w.night.Delivery.Resend(t.Context(), f.ID, "refused for an earlier number")
	check(t, err)
	check(t, w.night.Delivery.Deliver(t.Context(), f.ID))
	r := w.answers(f, "2", no(t, f, 2))
	if r.State != "quarantined" || w.file().State != states.FileDelivered {
		t.Fatalf("reply %s (%s), file %s", r.State, r.Reason, w.file().State)
	}
	if got := w.answers(f, "3", yes(t, f, 3)); got.State != "applied" {
		t.Errorf("%+v", got)
	}
	w.audited()
}

// quiet counts pages and lines of the log that a person would look at.
type quiet struct {
	mu  sync.Mutex
	log bytes.Buffer
}

func (q *quiet) Write(p []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.log.Write(p)
}

// second is another process on the same database that logs into q.
func (w *world) second(q *quiet) (*clearing.Night, *prometheus.Registry) {
	w.t.Helper()
	opt := w.opt
	registry := prometheus.NewPedanticRegistry()
	opt.Registerer, opt.Log = registry, slog.New(slog.NewTextHandler(q, &slog.HandlerOptions{Level: slog.LevelInfo}))
	n, err := clearing.New(opt)
	check(w.t, err)
	return n, registry
}

// said fails when the process counted, paged or logged anything about what another did.
func (q *quiet) said(t *testing.T, registry *prometheus.Registry, names ...string) {
	t.Helper()
	if q.log.Len() > 0 {
		t.Errorf("the loser logged %s", &q.log)
	}
	for sample, value := range samples(t, registry) {
		for _, name := range names {
			if strings.HasPrefix(sample, name) && value != 0 {
				t.Errorf("the loser counted %s: %v", sample, value)
			}
		}
	}
}

var clearingCounters = []string{"settled_clearing_pages_total", "settled_replies_total", "settled_records_total", "settled_file_uploads_total"}

// TestLoserOfAReplySaysNothing: another process applies the reply between our reading of it and our judgment.
func TestLoserOfAReplySaysNothing(t *testing.T) {
	for name, data := range map[string]func(testing.TB, files.File, uint32) []byte{"verdict": yes, "refusal": no} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			var log quiet
			loser, registry := w.second(&log)
			f := w.delivered(100)
			w.put(f, "1", data(t, f, 1))
			_, err := w.night.Inbox.Fetch(t.Context(), f.Center)
			check(t, err)
			id := query[int64](w, `SELECT reply_id FROM replies`)
			loser.AtCrashPoint(func(point string) {
				if point == "reply read" {
					check(t, w.night.ApplyReply(t.Context(), id))
				}
			})
			if err := loser.ApplyReply(t.Context(), id); err != nil {
				t.Error(err)
			}
			log.said(t, registry, clearingCounters...)
			if state := query[string](w, `SELECT state FROM replies`); state != "applied" {
				t.Errorf("reply is %s", state)
			}
			w.audited()
		})
	}
}

// TestTwoNightsAreQuiet: many workers of two processes do all steps of a night at once. None says anything but what it did.
func TestTwoNightsAreQuiet(t *testing.T) {
	w := newWorld(t, nil)
	var log quiet
	other, registry := w.second(&log)
	for i := range 3 {
		w.pay(byn(int64(100+i)), pcsim.CardApproved)
		w.pay(eur(int64(100+i)), pcsim.CardApproved)
	}
	w.cutoff()
	for range 8 {
		var all sync.WaitGroup
		for i := range 6 {
			n := []*clearing.Night{w.night, other}[i%2]
			all.Go(func() {
				if _, err := n.Step(t.Context()); err != nil {
					t.Error(err)
				}
				for _, id := range w.ids(`SELECT reply_id FROM replies`) {
					if err := n.ApplyReply(t.Context(), id); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		_, err := w.center.Process(t.Context(), w.Clock.Now())
		check(t, err)
		w.Clock.Advance(time.Minute)
	}
	w.heal()
	w.acceptedOnce(6)
	if strings.Contains(log.log.String(), "level=ERROR") || strings.Contains(log.log.String(), "level=WARN") {
		t.Errorf("logged:\n%s", &log.log)
	}
	for sample, value := range samples(t, registry) {
		if strings.HasPrefix(sample, "settled_clearing_pages_total") && value != 0 {
			t.Errorf("%s: %v", sample, value)
		}
	}
}

func (w *world) ids(sql string) []int64 {
	rows, err := w.Pool.Query(w.t.Context(), sql)
	check(w.t, err)
	defer rows.Close()
	var out []int64
	for rows.Next() {
		var id int64
		check(w.t, rows.Scan(&id))
		out = append(out, id)
	}
	return out
}

// TestLoserOfADeliverySaysNothing: another process delivers the file between our look at the rows and our attempt.
func TestLoserOfADeliverySaysNothing(t *testing.T) {
	w := newWorld(t, nil)
	w.released()
	var log quiet
	loser, registry := w.second(&log)
	loser.AtCrashPoint(func(point string) {
		if point == "before upload" {
			w.exec(`UPDATE files SET token = 'another worker'`)
		}
	})
	if n, err := loser.Delivery.DeliverDue(t.Context(), settletest.FileCenter, w.Clock.Now()); err != nil || n != 0 {
		t.Errorf("%d, %v", n, err)
	}
	log.said(t, registry, clearingCounters...)
	w.heal()
	w.acceptedOnce(1)
}
