package clearing_test

import (
	"crypto/ed25519"
	"errors"
	"testing"
	"time"

	"settled/clearing"
	"settled/clearing/dial"
	"settled/clearing/files"
	"settled/clearing/remote"
	"settled/clearing/states"
	"settled/internal/pcsim"
	"settled/settle/settletest"

	"golang.org/x/crypto/ssh"
)

// released seals and builds a night of one payment, and returns its file.
func (w *world) released() files.File {
	w.t.Helper()
	w.pay(byn(10_000), pcsim.CardApproved)
	w.cutoff()
	_, err := w.night.SealDue(w.t.Context(), w.Clock.Now())
	check(w.t, err)
	_, err = w.night.BuildDue(w.t.Context(), w.Clock.Now())
	check(w.t, err)
	return w.file()
}

// file is the newest file.
func (w *world) file() files.File {
	w.t.Helper()
	files, err := w.night.Files(w.t.Context(), clearing.Query{})
	check(w.t, err)
	if len(files.Rows) == 0 {
		w.t.Fatal("no file")
	}
	return files.Rows[0]
}

// acceptedOnce checks that the center has processed every record that was sent exactly once, and that the books know.
func (w *world) acceptedOnce(records int) {
	w.t.Helper()
	accepted := 0
	for _, r := range w.center.Reports() {
		accepted += r.Accepted
	}
	if accepted != records {
		w.t.Errorf("the center accepted %d records, want %d: %+v", accepted, records, w.center.Reports())
	}
	got := query[int](w, `SELECT coalesce(sum(sales_count + credits_count), 0) FROM batches WHERE state = 'replied'`)
	if got != records {
		w.t.Errorf("%d records have a verdict, want %d", got, records)
	}
	w.audited()
}

// heal takes the faults away and lets time and the night go on until every file has its verdict.
func (w *world) heal() {
	w.t.Helper()
	w.center.SetFaults(pcsim.Faults{})
	for range 200 {
		w.Clock.Advance(time.Minute)
		_, _ = w.night.Step(w.t.Context())
		_, err := w.center.Process(w.t.Context(), w.Clock.Now())
		check(w.t, err)
		if query[int](w, `SELECT count(*) FROM files WHERE state NOT IN ('replied', 'rejected')`) == 0 {
			return
		}
	}
	w.t.Fatalf("not healed: %+v", w.file())
}

func TestDeliveryFaults(t *testing.T) {
	tests := []struct {
		name   string
		faults pcsim.Faults
		class  remote.Class
		state  states.FileState
		frozen bool
	}{
		{"cut at the first byte", pcsim.Faults{CutAfter: 1}, remote.Connection, states.FileReleased, false},
		{"cut before the rename", pcsim.Faults{CutBeforeRename: true}, remote.Connection, states.FileSending, false},
		{"cut after the rename", pcsim.Faults{CutAfterRename: true}, remote.Connection, states.FileSending, false},
		{"disk full", pcsim.Faults{DiskFullAt: 100}, remote.DiskFull, states.FileReleased, false},
		{"rename moves nothing", pcsim.Faults{RenameLies: true}, remote.Mismatch, states.FileReleased, false},
		{"rename loses a byte", pcsim.Faults{RenameTruncates: true}, remote.Mismatch, states.FileReleased, true},
		{"rename refused", pcsim.Faults{RenameRefused: true}, remote.Permission, states.FileReleased, false},
		{"close loses a byte", pcsim.Faults{CloseTruncates: true}, remote.Mismatch, states.FileReleased, false},
		{"read-only account", pcsim.Faults{ReadOnly: true}, remote.Permission, states.FileReleased, false},
		{"login refused", pcsim.Faults{RefuseLogin: true}, remote.Auth, states.FileReleased, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			f := w.released()
			w.center.SetFaults(tt.faults)
			err := w.night.Delivery.Deliver(t.Context(), f.ID)
			if remote.ClassOf(err) != tt.class || err == nil {
				t.Errorf("got %v of class %s, want class %s", err, remote.ClassOf(err), tt.class)
			}
			f = w.file()
			if f.State != tt.state || f.Frozen != tt.frozen || f.ErrorClass != string(tt.class) {
				t.Errorf("file is %s, frozen %t, class %q", f.State, f.Frozen, f.ErrorClass)
			}
			pause := 15 * time.Second
			if tt.class == remote.DiskFull {
				pause = 10 * time.Minute
			}
			if want := w.Clock.Now().Add(pause); !f.NextAttemptAt.Equal(want) {
				t.Errorf("next attempt at %s, want %s", f.NextAttemptAt, want)
			}
			if f.Frozen {
				return // a person has the center remove what it has; see TestForeignFileUnderOurName
			}
			w.heal()
			w.acceptedOnce(1)
			names, err := w.center.List(pcsim.InDir)
			check(t, err)
			if len(names) != 1 || names[0] != f.Name {
				t.Errorf("the center has %v, want only %s", names, f.Name)
			}
		})
	}
}

// TestCutAnywhere cuts the upload at every kind of offset: nothing torn is ever seen under the final name.
func TestCutAnywhere(t *testing.T) {
	w := newWorld(t, nil)
	w.bulk(2000)
	w.cutoff()
	w.buildAll()
	f := w.file()
	packet := int64(32 << 10)
	for _, k := range []int64{1, packet - 1, packet, packet + 1, 7 * packet, *f.Bytes / 2, *f.Bytes - 1, *f.Bytes} {
		w.center.SetFaults(pcsim.Faults{CutAfter: k})
		w.Clock.Advance(5 * time.Minute)
		if err := w.night.Delivery.Deliver(t.Context(), f.ID); err == nil {
			t.Errorf("cut at %d: delivered", k)
		}
		if names, _ := w.center.List(pcsim.InDir); len(names) != 1 || names[0] == f.Name {
			t.Errorf("cut at %d: the center has %v", k, names)
		}
	}
	w.heal()
	if v, err := w.night.VerifyFile(t.Context(), f.ID, true); err != nil || v.Stored != "ok" || v.Remote != "ok" {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestForeignFileUnderOurName(t *testing.T) {
	w := newWorld(t, nil)
	f := w.released()
	check(t, w.center.WriteFile(pcsim.InDir+"/"+f.Name, []byte("something else")))
	if err := w.night.Delivery.Deliver(t.Context(), f.ID); remote.ClassOf(err) != remote.Mismatch {
		t.Fatalf("got %v", err)
	}
	if f = w.file(); !f.Frozen {
		t.Fatal("not stopped")
	}
	if data, _ := w.center.ReadFile(pcsim.InDir + "/" + f.Name); string(data) != "something else" {
		t.Fatal("the foreign file was overwritten")
	}
	if n, err := w.night.Delivery.DeliverDue(t.Context(), settletest.FileCenter, w.Clock.Now().Add(time.Hour)); n != 0 || err != nil {
		t.Fatalf("tried again by itself: %d, %v", n, err)
	}
	check(t, w.night.Delivery.Retry(t.Context(), f.ID))
	v, err := w.night.VerifyFile(t.Context(), f.ID, true)
	check(t, err)
	if v.Stored != "ok" || v.Remote == "ok" || v.Remote == "absent" {
		t.Errorf("%+v", v)
	}
}

func TestRefusalsAreBounded(t *testing.T) {
	other := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	key, err := ssh.NewPublicKey(other.Public())
	check(t, err)
	for name, change := range map[string]func(*clearing.Profile, *pcsim.Options){
		"hostkey": func(p *clearing.Profile, _ *pcsim.Options) { p.SFTP.HostKeys = []ssh.PublicKey{key} },
		"auth":    func(_ *clearing.Profile, o *pcsim.Options) { o.Users = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, change)
			f := w.released()
			before := w.center.Logins()
			for range 50 {
				_, _ = w.night.Step(t.Context())
				w.Clock.Advance(time.Minute)
			}
			failures := query[int](w, `SELECT count(*) FROM link_failures WHERE class = $1`, name)
			if failures != 3 {
				t.Errorf("%d refusals within an hour", failures)
			}
			if name == "hostkey" && w.center.Logins() != before {
				t.Error("logged in at a server that is not pinned")
			}
			if w.file().State == states.FileDelivered {
				t.Error("delivered")
			}
			if name != "auth" {
				return
			}
			if err := w.night.Delivery.Deliver(t.Context(), f.ID); !errors.Is(err, dial.ErrParked) {
				t.Errorf("got %v, want it left alone", err)
			}
			check(t, w.night.Delivery.Unpark(t.Context(), f.Center))
			if err := w.night.Delivery.Deliver(t.Context(), f.ID); remote.ClassOf(err) != remote.Auth {
				t.Errorf("got %v, want another try", err)
			}
		})
	}
}

func TestNoConnectionWithoutPinnedKey(t *testing.T) {
	w := newWorld(t, nil)
	p := w.opt.Profiles[1]
	p.SFTP.HostKeys = nil
	w.opt.Profiles[1] = p
	if _, err := clearing.New(w.opt); !errors.Is(err, clearing.ErrProfile) {
		t.Errorf("got %v", err)
	}
}

// died is what a crash point throws.
type died string

// dieAt lets the night run until it dies at the point, and reports whether it did.
func (w *world) dieAt(point string) (dead bool) {
	w.t.Helper()
	w.night.AtCrashPoint(func(p string) {
		if p == point {
			panic(died(p))
		}
	})
	defer func() {
		w.restart()
		if r := recover(); r != nil {
			if _, ours := r.(died); !ours {
				panic(r)
			}
			dead = true
		}
	}()
	for range 4 {
		_, err := w.night.Step(w.t.Context())
		check(w.t, err)
		_, err = w.center.Process(w.t.Context(), w.Clock.Now())
		check(w.t, err)
		w.Clock.Advance(2 * time.Minute)
	}
	return false
}

var crashPoints = []string{"attempt begun", "before upload", "after upload", "before rename", "after rename", "before commit",
	"after commit", "reply stored"}

// TestDeathAnywhere kills the worker at each point, under each contract that a center may have. Nothing is lost, nothing is
// presented twice; where nobody can tell, a person is asked.
func TestDeathAnywhere(t *testing.T) {
	contracts := map[string]func(*clearing.Profile, *pcsim.Options){
		"keeps files": nil,
		"removes files, dedupes": func(p *clearing.Profile, o *pcsim.Options) {
			p.RemovesFiles, p.DedupesByFileID, o.RemovesFiles = true, true, true
		},
		"removes files":                  func(p *clearing.Profile, o *pcsim.Options) { p.RemovesFiles, o.RemovesFiles = true, true },
		"keeps files, we remove replies": func(p *clearing.Profile, _ *pcsim.Options) { p.RemoveReplies = true },
	}
	for contract, change := range contracts {
		for _, point := range crashPoints {
			t.Run(contract+"/"+point, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, change)
				w.pay(byn(10_000), pcsim.CardApproved)
				w.pay(eur(900), pcsim.CardApproved)
				w.cutoff()
				if !w.dieAt(point) {
					t.Fatal("did not die")
				}
				_, err := w.center.Process(t.Context(), w.Clock.Now()) // the center takes what it finds meanwhile
				check(t, err)
				w.heal()
				w.acceptedOnce(2)
			})
		}
	}
}

func TestFilesGoInOrder(t *testing.T) {
	w := newWorld(t, nil)
	w.pay(byn(1_000), pcsim.CardApproved)
	w.pay(eur(1_000), pcsim.CardApproved)
	w.cutoff()
	_, err := w.night.SealDue(t.Context(), w.Clock.Now())
	check(t, err)
	_, err = w.night.BuildDue(t.Context(), w.Clock.Now())
	check(t, err)
	second := w.file()
	if err := w.night.Delivery.Deliver(t.Context(), second.ID); !errors.Is(err, states.ErrOrder) {
		t.Errorf("got %v", err)
	}
}
