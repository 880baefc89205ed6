package clearing_test

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"testing"
	"time"

	"settled/clearing"
	"settled/clearing/files"
	"settled/clearing/remote"
	"settled/clearing/states"
	"settled/internal/pcsim"
)

// TestServersThatTellLittle delivers to servers that answer in their own ways. A proof is never better than what was seen.
func TestServersThatTellLittle(t *testing.T) {
	tests := []struct {
		name   string
		faults pcsim.Faults
		hides  bool // the profile says that the server hides sizes
		proof  string
	}{
		{"failure for missing", pcsim.Faults{MissingFails: true}, false, files.ProofHash},
		{"denied for missing", pcsim.Faults{MissingDenied: true}, false, files.ProofHash},
		{"failure for missing, no listing", pcsim.Faults{MissingFails: true, ListDenied: true}, false, files.ProofHash},
		{"denied for missing, no listing, no reading", pcsim.Faults{MissingDenied: true, ListDenied: true, ReadDenied: true}, false, files.ProofSize},
		{"no size", pcsim.Faults{HidesSizes: true}, false, files.ProofHash},
		{"no size at all", pcsim.Faults{HidesSizes: true, ListHidesSizes: true}, false, files.ProofHash},
		{"size in the listing only, no reading", pcsim.Faults{HidesSizes: true, ReadDenied: true}, false, files.ProofSize},
		{"nothing told", pcsim.Faults{HidesSizes: true, ListHidesSizes: true, ReadDenied: true}, false, ""},
		{"nothing told, as agreed", pcsim.Faults{HidesSizes: true, ListHidesSizes: true, ReadDenied: true}, true, files.ProofWritten},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(p *clearing.Profile, _ *pcsim.Options) { p.HidesSizes = tt.hides })
			f := w.released()
			w.center.SetFaults(tt.faults)
			err := w.night.Delivery.Deliver(t.Context(), f.ID)
			if f = w.file(); f.Proof != tt.proof || (err == nil) != (tt.proof != "") {
				t.Errorf("proof %q, want %q: %v", f.Proof, tt.proof, err)
			}
			if tt.proof == "" {
				return
			}
			w.center.SetFaults(pcsim.Faults{})
			w.heal()
			w.acceptedOnce(1)
		})
	}
}

// TestLostRenameAtVagueServers: the answer to the rename is lost; the next attempt finds the file or its absence.
func TestLostRenameAtVagueServers(t *testing.T) {
	for name, cut := range map[string]pcsim.Faults{"before": {CutBeforeRename: true}, "after": {CutAfterRename: true}} {
		for _, list := range []bool{true, false} {
			t.Run(fmt.Sprint(name, " listing ", list), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, nil)
				f := w.released()
				cut.MissingFails, cut.ListDenied = true, !list
				w.center.SetFaults(cut)
				if err := w.night.Delivery.Deliver(t.Context(), f.ID); err == nil {
					t.Fatal("delivered")
				}
				w.center.SetFaults(pcsim.Faults{MissingFails: true, ListDenied: !list})
				w.Clock.Advance(time.Minute)
				check(t, w.night.Delivery.Deliver(t.Context(), f.ID))
				if names, _ := w.center.List(pcsim.InDir); len(names) != 1 || names[0] != f.Name {
					t.Errorf("the center has %v", names)
				}
				w.heal()
				w.acceptedOnce(1)
			})
		}
	}
}

// TestWriteOnlyDropBox: what an attempt leaves there may not be removed, and blocks nothing.
func TestWriteOnlyDropBox(t *testing.T) {
	w := newWorld(t, nil)
	f := w.released()
	w.failed(f, pcsim.Faults{CutAfter: 50, RemoveDenied: true})
	w.center.SetFaults(pcsim.Faults{RemoveDenied: true, ReadDenied: true})
	w.Clock.Advance(time.Minute)
	check(t, w.night.Delivery.Deliver(t.Context(), f.ID))
	names, err := w.center.List(pcsim.InDir)
	check(t, err)
	if len(names) != 2 {
		t.Errorf("the center has %v", names)
	}
	if n := query[int](w, `SELECT count(*) FROM delivery_attempts WHERE left_over = 'kept'`); n != 1 {
		t.Errorf("%d left over by what we know", n)
	}
	w.heal()
	w.acceptedOnce(1)
}

// TestLeftOversAreBounded: a drop box is not filled without end.
func TestLeftOversAreBounded(t *testing.T) {
	w := newWorld(t, nil)
	f := w.released()
	w.center.SetFaults(pcsim.Faults{CutAfter: 50, RemoveDenied: true})
	for range 20 {
		_ = w.night.Delivery.Deliver(t.Context(), f.ID)
		w.Clock.Advance(10 * time.Minute)
	}
	count := func() int {
		names, err := w.center.List(pcsim.InDir)
		check(t, err)
		return len(names)
	}
	if f = w.file(); !f.Frozen || count() != 5 {
		t.Errorf("frozen: %t, %d left over, want 5: %s", f.Frozen, count(), f.LastError)
	}
	check(t, w.night.Delivery.Retry(t.Context(), f.ID))
	_ = w.night.Delivery.Deliver(t.Context(), f.ID)
	if count() != 6 {
		t.Errorf("%d left over after a person let it go on once", count())
	}
	w.center.SetFaults(pcsim.Faults{})
	for _, name := range must(w.center.List(pcsim.InDir))(t) {
		check(t, w.center.Remove(path.Join(pcsim.InDir, name)))
	}
	check(t, w.night.Delivery.Retry(t.Context(), f.ID))
	w.heal()
	w.acceptedOnce(1)
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		check(t, err)
		return v
	}
}

// TestPausesAreKept: nothing but a person shortens the pause after a failure.
func TestPausesAreKept(t *testing.T) {
	w := newWorld(t, nil)
	f := w.released()
	w.failed(f, pcsim.Faults{CutAfter: 1})
	for range 3 {
		if err := w.night.Delivery.Deliver(t.Context(), f.ID); !errors.Is(err, states.ErrNotDue) {
			t.Fatalf("within the pause: %v", err)
		}
		w.Clock.Advance(4 * time.Second)
	}
	if n := w.file().Attempts; n != 1 {
		t.Errorf("%d attempts", n)
	}
	check(t, w.night.Delivery.Retry(t.Context(), f.ID))
	check(t, w.night.Delivery.Deliver(t.Context(), f.ID))
	if err := w.night.Delivery.Retry(t.Context(), f.ID); !errors.Is(err, states.ErrState) {
		t.Errorf("retry of a delivered file: %v", err)
	}
}

// TestFullDiskInOtherWords: OpenSSH says "failure" and tells the room that is left only when asked.
func TestFullDiskInOtherWords(t *testing.T) {
	w := newWorld(t, nil)
	f := w.released()
	w.center.SetFaults(pcsim.Faults{DiskFullAt: 50, SaysFailure: true})
	if err := w.night.Delivery.Deliver(t.Context(), f.ID); remote.ClassOf(err) != remote.DiskFull {
		t.Errorf("class %s: %v", remote.ClassOf(err), err)
	}
	if f = w.file(); !f.NextAttemptAt.Equal(w.Clock.Now().Add(10*time.Minute)) || !strings.Contains(f.LastError, "0 bytes") {
		t.Errorf("next attempt at %s: %s", f.NextAttemptAt, f.LastError)
	}
}

// TestRefusalsOfTwoSecondsAreOne: a delivery, a look into the inbox and a delivery find a password changed; a minute later it
// is right again.
func TestRefusalsOfTwoSecondsAreOne(t *testing.T) {
	w := newWorld(t, nil)
	f := w.released()
	w.center.SetFaults(pcsim.Faults{RefuseLogin: true})
	before := w.center.Logins()
	for range 2 {
		_ = w.night.Delivery.Deliver(t.Context(), f.ID)
		_, _ = w.night.Inbox.Fetch(t.Context(), f.Center)
		w.Clock.Advance(time.Second)
	}
	if n := w.center.Logins() - before; n != 1 {
		t.Errorf("%d logins in two seconds", n)
	}
	w.center.SetFaults(pcsim.Faults{})
	w.Clock.Advance(time.Minute)
	check(t, w.night.Delivery.Deliver(t.Context(), f.ID))
}

// TestRefusalsAtTheSameTimeAreOne: logins that were under way together.
func TestRefusalsAtTheSameTimeAreOne(t *testing.T) {
	w := newWorld(t, nil)
	f := w.released()
	for i := range 3 {
		_, err := w.Pool.Exec(t.Context(), `INSERT INTO link_failures VALUES ($1, $2, 'auth', '')`, f.Center, w.Clock.Now().Add(time.Duration(i)*time.Second))
		check(t, err)
	}
	w.Clock.Advance(2 * time.Minute)
	check(t, w.night.Delivery.Deliver(t.Context(), f.ID))
}
