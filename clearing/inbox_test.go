package clearing_test

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"settled/clearing"
	"settled/clearing/states"
	"settled/fileformats/ipm"
	"settled/internal/pcsim"

	"github.com/jackc/pgx/v5"
)

// inbox lists what stands in the directory of replies.
func (w *world) inbox() []string {
	w.t.Helper()
	names, err := w.center.List(pcsim.OutDir)
	check(w.t, err)
	return names
}

func removing(p *clearing.Profile, _ *pcsim.Options) { p.RemoveReplies = true }

func (w *world) fetch() {
	w.t.Helper()
	_, err := w.night.Inbox.Fetch(w.t.Context(), 1)
	check(w.t, err)
}

// TestOnlyWhatIsDecidedIsRemoved: not when it is stored, and not when it waits for a person.
func TestOnlyWhatIsDecidedIsRemoved(t *testing.T) {
	w := newWorld(t, removing)
	f := w.delivered(100)
	w.put(f, "1", answer{number: 1, write: func(r *ipm.ReplyWriter) error {
		return r.Write(&ipm.Reply{Kind: ipm.PositionDetail, Position: *position(idOf(t, f), 1, 99)})
	}}.bytes(t, ipm.Profile{}))
	w.take()
	w.fetch()
	if got := w.inbox(); len(got) != 1 {
		t.Fatalf("a quarantined reply was removed: %v", got)
	}
	w.put(f, "2", yes(t, f, 2))
	w.fetch()
	w.fetch()
	if got := w.inbox(); len(got) != 2 {
		t.Fatalf("a reply was removed before it was read: %v", got)
	}
	w.take()
	w.fetch()
	if got := w.inbox(); len(got) != 1 || !strings.HasSuffix(got[0], "_1.ipm") {
		t.Errorf("left: %v, want the quarantined one", got)
	}
}

// TestIgnoredNamesAreFetchedOnceTheyMatch: the pattern was wrong when the reply came.
func TestIgnoredNamesAreFetchedOnceTheyMatch(t *testing.T) {
	w := newWorld(t, removing)
	right := w.opt.Profiles[1].ReplyName
	w.reconfigure(func(p *clearing.Profile) { p.ReplyName = regexp.MustCompile(`^REPLY_.*$`) })
	f := w.delivered(100)
	w.put(f, "1", yes(t, f, 1))
	w.take()
	w.reconfigure(func(p *clearing.Profile) { p.ReplyName = right })
	w.take()
	if got := w.file(); got.State != states.FileReplied {
		t.Errorf("file is %s, replies in the inbox: %v", got.State, w.inbox())
	}
	w.fetch()
	if got := w.inbox(); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
}

// TestHalfWrittenRepliesAreLeft: neither taken nor removed, however often they are seen, until they are whole.
func TestHalfWrittenRepliesAreLeft(t *testing.T) {
	w := newWorld(t, removing)
	f := w.delivered(100)
	data := yes(t, f, 1)
	name := path.Join(pcsim.OutDir, "RPY_"+strings.TrimSuffix(f.Name, ".ipm")+"_1.ipm")
	for _, k := range []int{1, len(data) / 2, len(data) - 30} {
		check(t, w.center.WriteFile(name, data[:k]))
		for range 5 {
			w.take()
			w.Clock.Advance(time.Minute)
		}
		if got := w.inbox(); len(got) != 1 || query[int](w, `SELECT count(*) FROM replies`) != 0 {
			t.Fatalf("%d of %d bytes: taken, or removed: %v", k, len(data), got)
		}
	}
	check(t, w.center.WriteFile(name, data))
	w.take()
	w.fetch()
	if got := w.file(); got.State != states.FileReplied || len(w.inbox()) != 0 {
		t.Errorf("file is %s, left %v", got.State, w.inbox())
	}
}

// TestAStalledReplyIsShown: one that stays half is quarantined for a person, stays where it is, and its whole is applied.
func TestAStalledReplyIsShown(t *testing.T) {
	w := newWorld(t, removing)
	f := w.delivered(100)
	data := yes(t, f, 1)
	w.put(f, "1", data[:len(data)/2])
	w.take()
	w.Clock.Advance(16 * time.Minute)
	w.take()
	w.fetch()
	if state := query[string](w, `SELECT state FROM replies`); state != "quarantined" || len(w.inbox()) != 1 {
		t.Errorf("%s, left %v", state, w.inbox())
	}
	w.put(f, "1", data)
	w.take()
	if got := w.file(); got.State != states.FileReplied {
		t.Errorf("file is %s", got.State)
	}
}

// TestSecondVersionOfTheSameSecond: size and time of a reply are those of the one that was stored; its bytes are not.
func TestSecondVersionOfTheSameSecond(t *testing.T) {
	for _, remove := range []bool{false, true} {
		for _, pause := range []time.Duration{0, time.Second, 40 * time.Second} {
			w := newWorld(t, func(p *clearing.Profile, _ *pcsim.Options) { p.RemoveReplies = remove })
			f := w.delivered(100)
			wrong := answer{number: 1, write: func(r *ipm.ReplyWriter) error {
				return r.Write(&ipm.Reply{Kind: ipm.PositionDetail, Position: *position(idOf(t, f), 1, 101)})
			}}
			written := w.Clock.Now()
			w.put(f, "1", wrong.bytes(t, ipm.Profile{}))
			w.take()
			w.Clock.Set(written)
			w.put(f, "1", yes(t, f, 1))
			w.Clock.Set(written.Add(pause))
			w.fetch()
			w.Clock.Advance(time.Hour)
			w.take()
			if got := w.file(); got.State != states.FileReplied {
				t.Errorf("remove %t, after %v: file is %s; the second version was not read", remove, pause, got.State)
			}
		}
	}
}

// TestRemovedIsExactlyWhatWasStored: other bytes under the name at the moment of the removal are another reply.
func TestRemovedIsExactlyWhatWasStored(t *testing.T) {
	w := newWorld(t, removing)
	f := w.delivered(100)
	written := w.Clock.Now()
	w.put(f, "1", yes(t, f, 1))
	w.take() // applied, and due for removal
	w.put(f, "1", yes(t, f, 1))
	w.Clock.Advance(time.Hour)
	now := w.Clock.Now()
	w.Clock.Set(written)
	w.put(f, "1", yes(t, f, 2))
	w.Clock.Set(now)
	w.fetch()
	if got := query[int](w, `SELECT count(*) FROM replies`); got != 2 || len(w.inbox()) != 1 {
		t.Errorf("%d replies, left %v: the second was removed unread", got, w.inbox())
	}
	w.take()
	w.fetch()
	if len(w.inbox()) != 0 {
		t.Errorf("left %v", w.inbox())
	}
}

// TestTwoCentersInOneDirectory: each takes and removes only what is its own.
func TestTwoCentersInOneDirectory(t *testing.T) {
	w := newWorld(t, removing)
	f := w.delivered(100)
	stranger := path.Join(pcsim.OutDir, "RPY_ACQ_PC-B_ipm_20260302_000001_1of1_1.ipm")
	check(t, w.center.WriteFile(stranger, answer{number: 9, write: func(r *ipm.ReplyWriter) error {
		other := idOf(t, f)
		other.Member = 777
		return r.Write(&ipm.Reply{Kind: ipm.PositionDetail, Position: *position(other, 1, 100)})
	}}.bytes(t, ipm.Profile{})))
	w.put(f, "1", yes(t, f, 1))
	for range 3 {
		w.take()
	}
	if got := w.inbox(); !slices.Equal(got, []string{path.Base(stranger)}) {
		t.Errorf("left: %v, want the reply to the other center", got)
	}
}

// TestTooLargeRepliesOpenABreakOnce: a reply that nobody would read is told with name and size, once, and no more when it is gone or can be read;
// others are taken all the while.
func TestTooLargeRepliesOpenABreakOnce(t *testing.T) {
	w := newWorld(t, removing)
	w.reconfigure(func(p *clearing.Profile) { p.MaxReplyBytes = 3000 })
	f := w.delivered(100)
	large := "RPY_" + strings.Repeat("9", 12) + ".ipm"
	w.reconfigure(func(p *clearing.Profile) { p.ReplyName = regexp.MustCompile(`^RPY_.*$`) })
	check(t, w.center.WriteFile(path.Join(pcsim.OutDir, large), make([]byte, 3001)))
	open := func() (notes []string) { return w.breaks("B-30") }
	w.put(f, "1", yes(t, f, 1))
	for range 3 {
		w.take()
	}
	if got := w.file(); got.State != states.FileReplied {
		t.Errorf("the reply beside it was not taken: file is %s", got.State)
	}
	if got := open(); len(got) != 1 || !strings.Contains(got[0], large) || !strings.Contains(got[0], "3001 bytes, 3000 at most") {
		t.Errorf("breaks %q", got)
	}
	check(t, w.center.WriteFile(path.Join(pcsim.OutDir, large), make([]byte, 3002)))
	w.fetch()
	if got := open(); len(got) != 1 || !strings.Contains(got[0], "3002 bytes") {
		t.Errorf("of another size: breaks %q", got)
	}
	check(t, w.center.Remove(path.Join(pcsim.OutDir, large)))
	w.fetch()
	if got := open(); len(got) != 0 {
		t.Errorf("the file is gone: breaks %q", got)
	}
	check(t, w.center.WriteFile(path.Join(pcsim.OutDir, large), make([]byte, 3001)))
	w.fetch()
	if got := open(); len(got) != 1 {
		t.Errorf("it came again: breaks %q", got)
	}
	w.reconfigure(func(p *clearing.Profile) { p.MaxReplyBytes, p.ReplyName = 1<<20, regexp.MustCompile(`^RPY_.*$`) })
	w.fetch()
	if got := open(); len(got) != 0 {
		t.Errorf("it can be read: breaks %q", got)
	}
}

// breaks are the notes of the open breaks of a category.
func (w *world) breaks(category string) []string {
	w.t.Helper()
	rows, err := w.Pool.Query(w.t.Context(), `SELECT note FROM breaks WHERE category = $1 AND closed_at IS NULL`, category)
	check(w.t, err)
	notes, err := pgx.CollectRows(rows, pgx.RowTo[string])
	check(w.t, err)
	return notes
}
