package clearing_test

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"sync"
	"testing"
	"time"

	"settled/clearing"
	"settled/clearing/delivery"
	"settled/clearing/files"
	"settled/clearing/states"
	"settled/fileformats/ipm"
	"settled/internal/pcsim"
	"settled/internal/postgres/pgtest"

	"github.com/prometheus/client_golang/prometheus"
)

// lose takes a file away from the center behind everybody's back.
func (w *world) lose(f files.File) {
	w.t.Helper()
	check(w.t, w.center.Remove(path.Join(pcsim.InDir, f.Name)))
}

func (w *world) there(f files.File) bool {
	names, err := w.center.List(pcsim.InDir)
	check(w.t, err)
	return slices.Contains(names, f.Name)
}

// TestResendFromEveryState: a built file goes again from wherever it stands after its release, and ends where it was.
func TestResendFromEveryState(t *testing.T) {
	for name, reach := range map[string]func(w *world, f files.File){
		"released":  func(*world, files.File) {},
		"frozen":    func(w *world, _ files.File) { w.exec(`UPDATE files SET frozen = true`) },
		"sending":   func(w *world, f files.File) { w.failed(f, pcsim.Faults{CutBeforeRename: true}) },
		"delivered": func(w *world, f files.File) { check(w.t, w.night.Delivery.Deliver(w.t.Context(), f.ID)); w.lose(f) },
		"by person": func(w *world, f files.File) {
			check(w.t, w.night.Delivery.MarkDelivered(w.t.Context(), f.ID, "told by phone"))
		},
		"unknown_delivery": func(w *world, f files.File) {
			w.exec(`UPDATE files SET state = 'unknown_delivery', unknown_since = now()`)
		},
		"replied": func(w *world, f files.File) {
			w.settleDown()
			w.lose(f)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			f := w.released()
			reach(w, f)
			before := w.file()
			_, err := w.night.Delivery.Resend(t.Context(), f.ID, "a test")
			check(t, err)
			check(t, w.night.Delivery.Deliver(t.Context(), f.ID))
			if got := w.file(); got.Name != f.Name || got.Sequence != f.Sequence || got.SHA256.String() != f.SHA256.String() || got.Resends != 1 {
				t.Errorf("before %+v\nafter %+v", before, got)
			}
			if got := w.file(); before.State == states.FileReplied && got.State != before.State {
				t.Errorf("file is %s, its verdict stands", got.State)
			}
			w.heal()
			w.audited()
		})
	}
}

func (w *world) exec(sql string) {
	w.t.Helper()
	_, err := pgtest.Owner(w.t, w.Pool).Exec(w.t.Context(), sql)
	check(w.t, err)
}

// failed makes an attempt that fails.
func (w *world) failed(f files.File, faults pcsim.Faults) {
	w.t.Helper()
	w.center.SetFaults(faults)
	if err := w.night.Delivery.Deliver(w.t.Context(), f.ID); err == nil {
		w.t.Fatal("delivered in spite of the fault")
	}
	w.center.SetFaults(pcsim.Faults{})
}

func TestResendIsRefused(t *testing.T) {
	w := newWorld(t, func(p *clearing.Profile, _ *pcsim.Options) { p.Release = clearing.ManualRelease })
	f := w.released()
	refused := func(what string, want error) {
		t.Helper()
		if _, err := w.night.Delivery.Resend(t.Context(), f.ID, "a test"); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	if _, err := w.night.Delivery.Resend(t.Context(), f.ID, " "); !errors.Is(err, delivery.ErrReason) {
		t.Errorf("without a reason: %v", err)
	}
	refused("not released", states.ErrState)
	check(t, w.night.Delivery.Release(t.Context(), f.ID))
	check(t, w.night.Delivery.Deliver(t.Context(), f.ID))
	refused("the center has it", states.ErrState)
	check(t, w.center.WriteFile(pcsim.InDir+"/"+f.Name, []byte("something else")))
	refused("the center has another file", states.ErrState)
	if data, _ := w.center.ReadFile(pcsim.InDir + "/" + f.Name); string(data) != "something else" {
		t.Error("the other file was overwritten")
	}
	w.center.SetFaults(pcsim.Faults{RefuseLogin: true})
	if _, err := w.night.Delivery.Resend(t.Context(), f.ID, "a test"); err == nil {
		t.Error("sent again without a look at the center")
	}
	if n := query[int](w, `SELECT count(*) FROM file_resends`); n != 0 {
		t.Errorf("%d resends are noted", n)
	}
}

// TestResendOfAReplacedBuildIsRefused: the newer build stands in for it.
func TestResendOfAReplacedBuildIsRefused(t *testing.T) {
	w := newWorld(t, nil)
	f := w.delivered(100)
	w.lose(f)
	no := answer{number: 1, write: func(r *ipm.ReplyWriter) error {
		return r.Write(&ipm.Reply{Kind: ipm.FileReject, Exception: *refusalOf(idOf(t, f), 1, 530, nil)})
	}}
	w.answers(f, "1", no.bytes(t, ipm.Profile{}))
	_, err := w.night.Rebuild(t.Context(), f.Batch)
	check(t, err)
	if _, err := w.night.Delivery.Resend(t.Context(), f.ID, "a test"); !errors.Is(err, states.ErrState) {
		t.Errorf("got %v", err)
	}
}

// TestManyResendsMakeOneDelivery: people and workers who all want the file sent again, at once.
func TestManyResendsMakeOneDelivery(t *testing.T) {
	w := newWorld(t, func(p *clearing.Profile, o *pcsim.Options) { p.RemovesFiles, o.RemovesFiles = true, true })
	f := w.released()
	check(t, w.night.Delivery.Deliver(t.Context(), f.ID))
	w.lose(f)
	other, err := clearing.New(w.opt)
	check(t, err)
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			n := []*clearing.Night{w.night, other}[i%2]
			_, _ = n.Delivery.Resend(t.Context(), f.ID, fmt.Sprint("person ", i))
			_ = n.Delivery.Deliver(t.Context(), f.ID)
		})
	}
	all.Wait()
	if !w.there(f) {
		_, _ = w.night.Step(t.Context())
	}
	_, err = w.center.Process(t.Context(), w.Clock.Now())
	check(t, err)
	w.heal()
	if n := len(w.center.Reports()); n != 1 {
		t.Errorf("the center took %d files", n)
	}
	w.acceptedOnce(1)
}

// TestATakenFileThatWasLost: the center takes files away, so one that is lost at the rename looks taken. That proof is weak:
// the missing reply is noticed soon, and the file goes again.
func TestATakenFileThatWasLost(t *testing.T) {
	w := newWorld(t, func(p *clearing.Profile, o *pcsim.Options) { p.RemovesFiles, o.RemovesFiles = true, true })
	registry := prometheus.NewPedanticRegistry()
	w.opt.Registerer = registry
	w.restart()
	f := w.released()
	w.center.SetFaults(pcsim.Faults{RenameLoses: true})
	check(t, w.night.Delivery.Deliver(t.Context(), f.ID))
	w.center.SetFaults(pcsim.Faults{})
	if got := w.file(); got.Proof != files.ProofTaken {
		t.Fatalf("proof %q", got.Proof)
	}
	w.Clock.Advance(2*time.Hour - time.Second)
	_, err := w.night.Step(t.Context())
	check(t, err)
	overdue := func(want int) {
		t.Helper()
		breaks := query[int](w, `SELECT count(*) FROM breaks WHERE category = 'B-03' AND closed_at IS NULL AND note LIKE '%proven by: taken'`)
		if shown := samples(t, registry)["settled_file_weak_proof_overdue{PC-A,ipm}"]; breaks != want || shown != float64(want) {
			t.Errorf("%d breaks and %v shown, want %d", breaks, shown, want)
		}
	}
	overdue(0)
	w.Clock.Advance(time.Second)
	_, err = w.night.Step(t.Context())
	check(t, err)
	overdue(1)
	_, err = w.night.Delivery.Resend(t.Context(), f.ID, "the center never got it")
	check(t, err)
	overdue(0)
	w.heal()
	w.acceptedOnce(1)
}
