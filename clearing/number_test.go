package clearing_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"settled/clearing"
	"settled/internal/pcsim"
	"settled/settle/settletest"
)

// numbered is a profile that counts for ever, with a center that does so too.
func numbered(width int, after clearing.AfterLast, last int) func(*clearing.Profile, *pcsim.Options) {
	return func(p *clearing.Profile, o *pcsim.Options) {
		p.Sequence, p.SequenceWidth, p.AfterLast = clearing.Forever, width, after
		o.Sequence, o.LastSequence = pcsim.SequenceForever, last
	}
}

// nights seals a window with a payment each, on days of their own, and says how many.
func (w *world) nights(n int) {
	w.t.Helper()
	for range n {
		w.pay(byn(1_000), pcsim.CardApproved)
		w.cutoff()
		_, err := w.night.PlanWindows(w.t.Context(), w.Clock.Now())
		check(w.t, err)
		w.settleDown()
	}
}

// filesByAge are all files, oldest first, as state and number.
func (w *world) filesByAge() []string {
	w.t.Helper()
	var out []string
	for _, id := range w.ids(`SELECT file_id FROM files ORDER BY file_id`) {
		v, err := w.night.File(w.t.Context(), id)
		check(w.t, err)
		out = append(out, fmt.Sprintf("%s %d", v.State, v.Sequence))
	}
	return out
}

func (w *world) wantFiles(from int, want ...string) {
	w.t.Helper()
	if got := w.filesByAge(); fmt.Sprint(got[from:]) != fmt.Sprint(want) {
		w.t.Errorf("files from the %d. on: %v, want %v", from+1, got[from:], want)
	}
}

// openBreaks counts open breaks about numbers; what is "file" or "numbers".
func (w *world) openBreaks(what string) int {
	w.t.Helper()
	return query[int](w, `SELECT count(*) FROM breaks WHERE closed_at IS NULL AND starts_with(fingerprint, 'B-28/' || $1 || '/')`, what)
}

// given makes the counter stand at a number, as after years.
func (w *world) given(last int32) {
	w.t.Helper()
	_, err := w.Pool.Exec(w.t.Context(), `INSERT INTO file_sequences (center_id, stream, scope, last) VALUES ($1, 'ipm', '', $2)`, settletest.FileCenter, last)
	check(w.t, err)
}

// TestNumbersBeginAgain: the center takes one digit, and 1 after 9.
func TestNumbersBeginAgain(t *testing.T) {
	w := newWorld(t, numbered(1, clearing.WrapAfterLast, 9))
	w.nights(11)
	w.wantFiles(7, "replied 8", "replied 9", "replied 1", "replied 2")
	if n := query[int](w, `SELECT base FROM file_sequences`); n != 9 {
		t.Errorf("the round began after %d files", n)
	}
	if n := w.openBreaks("file") + w.openBreaks("numbers"); n != 0 {
		t.Errorf("%d breaks", n)
	}
	w.acceptedOnce(11)
	w.audited()
}

// TestNumbersEnd: after the last number batches are sealed and their files wait, until the center takes more digits.
func TestNumbersEnd(t *testing.T) {
	for name, change := range map[string]func(*clearing.Profile){
		"wider":       func(p *clearing.Profile) { p.SequenceWidth = 2 },
		"begin again": func(p *clearing.Profile) { p.AfterLast = clearing.WrapAfterLast },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			last := map[string]int{"wider": 99, "begin again": 9}[name]
			w := newWorld(t, numbered(1, clearing.StopAfterLast, last))
			w.nights(7)
			if n := w.openBreaks("numbers"); n != 0 {
				t.Fatalf("%d breaks while two numbers are left", n)
			}
			w.nights(1)
			if n := w.openBreaks("numbers"); n != 1 {
				t.Errorf("%d breaks while one number is left", n)
			}
			w.nights(3)
			w.wantFiles(8, "replied 9", "unnumbered 10", "unnumbered 11")
			if n := w.openBreaks("file"); n != 2 {
				t.Errorf("%d breaks, want one for each file that waits", n)
			}
			if n := query[int](w, `SELECT count(*) FROM windows WHERE state = 'sealing'`); n != 0 {
				t.Errorf("%d windows are not sealed", n)
			}
			w.batchesAreTheirRecords()
			w.audited()
			w.reconfigure(change)
			w.settleDown()
			if n := query[int](w, `SELECT count(*) FROM files WHERE state <> 'replied'`); n != 0 {
				t.Errorf("%d files do not go on: %v", n, w.filesByAge())
			}
			if n := w.openBreaks("file") + w.openBreaks("numbers"); n != 0 {
				t.Errorf("%d breaks are still open", n)
			}
			w.acceptedOnce(11)
			w.audited()
		})
	}
}

// TestAfter99999 is the end of the numbers that a file id has room for.
func TestAfter99999(t *testing.T) {
	for after, want := range map[clearing.AfterLast][]string{
		clearing.StopAfterLast: {"released 99999", "unnumbered 100000"},
		clearing.WrapAfterLast: {"released 99999", "released 1"},
	} {
		t.Run(string(after), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, numbered(0, after, 0))
			w.given(99_998)
			for range 2 {
				w.pay(byn(1_000), pcsim.CardApproved)
				w.cutoff()
				preview, err := w.night.Preview(t.Context(), settletest.FileCenter)
				check(t, err)
				w.buildAll()
				files, err := w.night.Files(t.Context(), clearing.Query{})
				check(t, err)
				if p := preview.Parts[0]; p.Name != files.Rows[0].Name {
					t.Errorf("preview says %s, the file is %s", p.Name, files.Rows[0].Name)
				}
			}
			w.wantFiles(0, want...)
		})
	}
}

// TestANumberOfADayIsGivenOnce: more files on one day than there are numbers. None is given twice, the rest wait.
func TestANumberOfADayIsGivenOnce(t *testing.T) {
	w := newWorld(t, numbered(1, clearing.WrapAfterLast, 9))
	w.given(8)
	w.pay(byn(1_000), pcsim.CardApproved)
	w.pay(eur(1_000), pcsim.CardApproved)
	w.cutoff()
	w.buildAll()
	w.wantFiles(0, "released 9", "released 1")
	w.exec(`UPDATE file_sequences SET last = 18`) // as if 2 to 9 were of the same day
	w.pay(byn(1_000), pcsim.CardApproved)
	w.exec(`UPDATE windows SET business_date = (SELECT min(business_date) FROM batches), window_no = 2
		WHERE window_id = (SELECT window_id FROM windows WHERE state = 'open' AND center_id = 1 ORDER BY cutoff_at LIMIT 1)`)
	w.cutoff()
	w.buildAll()
	w.wantFiles(2, "unnumbered 10")
	f, err := w.night.File(t.Context(), w.ids(`SELECT max(file_id) FROM files`)[0])
	check(t, err)
	if want := "was used by another file"; f.ErrorClass != "number" || !strings.Contains(f.LastError, want) {
		t.Errorf("%s: %q, want %q", f.ErrorClass, f.LastError, want)
	}
}

// TestUnnumberedFilesOfADayHoldUpNoOther: numbers that begin again each day go on.
func TestUnnumberedFilesOfADayHoldUpNoOther(t *testing.T) {
	w := newWorld(t, func(p *clearing.Profile, _ *pcsim.Options) { p.SequenceWidth = 1 })
	w.pay(byn(1_000), pcsim.CardApproved)
	day := w.Clock.Now().In(w.opt.Profiles[settletest.FileCenter].Plan.Zone).Format(time.DateOnly)
	w.exec(`INSERT INTO file_sequences (center_id, stream, scope, last) VALUES (1, 'ipm', '` + day + `', 9)`)
	w.nights(2)
	w.wantFiles(0, "unnumbered 10", "replied 1")
}

// TestNumbersLeft: the gauge, and the page before the last number.
func TestNumbersLeft(t *testing.T) {
	for after, want := range map[clearing.AfterLast]string{clearing.StopAfterLast: "99 true, 1 pages", clearing.WrapAfterLast: "0 false, 0 pages"} {
		w := newWorld(t, numbered(0, after, 0))
		w.given(99_899)
		night, registry := w.second(&quiet{})
		step := func() (string, error) {
			_, err := night.Step(t.Context())
			all := samples(t, registry)
			left, shown := all["settled_file_numbers_left{PC-A,ipm}"]
			return fmt.Sprintf("%v %t, %v pages", left, shown, all["settled_clearing_pages_total{PC-A,file_numbers_low}"]), err
		}
		first, err := step()
		check(t, err)
		if after == clearing.StopAfterLast && first != "100 true, 0 pages" {
			t.Errorf("%s while 100 are left", first)
		}
		w.pay(byn(1_000), pcsim.CardApproved)
		w.cutoff()
		for range 3 {
			if got, err := step(); err != nil || got != want {
				t.Errorf("%s: %s, want %s; %v", after, got, want, err)
			}
		}
	}
}
