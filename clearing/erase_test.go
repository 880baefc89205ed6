package clearing_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"settled/clearing/files"
	"settled/clearing/states"
	"settled/clearing/store"
	"settled/internal/postgres"
	"settled/settle/retention"

	"github.com/jackc/pgx/v5"
)

// erase lets retention run over the night's bytes, which are kept for 20 days, and returns what it did.
func (w *world) erase() map[string]retention.Run {
	w.t.Helper()
	k := retention.New(retention.Options{Pool: w.Pool, Now: w.Books.Now, Periods: retention.Periods{retention.Files: 20, retention.Replies: 20},
		Sweeps: w.night.Sweeps(), Log: slog.New(slog.DiscardHandler)})
	done, err := k.Run(w.t.Context())
	check(w.t, err)
	out := map[string]retention.Run{}
	for _, r := range done {
		out[r.Subject] = r
	}
	return out
}

// TestBytesGoWhenTheirTimeIsOver, and everything else of file and reply stays. Who asks for them hears of it.
func TestBytesGoWhenTheirTimeIsOver(t *testing.T) {
	w := newWorld(t, nil)
	f := w.released()
	w.settleDown()
	w.Clock.Advance(19 * 24 * time.Hour)
	if got := w.erase(); got["files"].Erased != 0 || got["replies"].Erased != 0 {
		t.Errorf("erased before their time: %+v", got)
	}
	check(t, w.night.FileBytes(t.Context(), f.ID, io.Discard))
	w.Clock.Advance(2 * 24 * time.Hour)
	got := w.erase()
	if got["files"].Erased != 1 || got["files"].Bytes != *f.Bytes || got["replies"].Erased != 1 || !got["files"].Ended {
		t.Errorf("erased: %+v", got)
	}
	if n := query[int](w, `SELECT (SELECT count(*) FROM file_chunks) + (SELECT count(*) FROM reply_chunks)`); n != 0 {
		t.Errorf("%d chunks are left", n)
	}
	var out bytes.Buffer
	for what, err := range map[string]error{"export": w.night.FileBytes(t.Context(), f.ID, &out), "export of the reply": w.night.ReplyBytes(t.Context(), 1, &out)} {
		if !errors.Is(err, states.ErrErased) || out.Len() > 0 {
			t.Errorf("%s: %v, %d bytes", what, err, out.Len())
		}
	}
	if _, err := w.night.VerifyFile(t.Context(), f.ID, false); !errors.Is(err, states.ErrErased) {
		t.Errorf("verify: %v", err)
	}
	if _, err := w.night.Delivery.Resend(t.Context(), f.ID, "a test"); !errors.Is(err, states.ErrErased) {
		t.Errorf("resend: %v", err)
	}
	if now := w.file(); now.ErasedAt == nil || now.SHA256.String() != f.SHA256.String() || now.State != states.FileReplied || *now.Messages != *f.Messages {
		t.Errorf("the file is %+v", now)
	}
	w.audited()
	if got := w.erase(); got["files"].Erased != 0 {
		t.Errorf("erased again: %+v", got)
	}
}

// TestBytesThatAreNeededStay: of a file without a final reply, one that was sent again, and a reply that a person must look at.
func TestBytesThatAreNeededStay(t *testing.T) {
	w := newWorld(t, nil)
	f := w.released()
	w.Clock.Advance(100 * 24 * time.Hour)
	if got := w.erase()["files"]; got.Erased != 0 || len(got.Held) != 1 || got.Held[0].Why != "open" {
		t.Errorf("a file that was not sent: %+v", got)
	}
	w.settleDown()
	w.Clock.Advance(30 * 24 * time.Hour)
	w.lose(f)
	_, err := w.night.Delivery.Resend(t.Context(), f.ID, "they lost it")
	check(t, err)
	w.exec(`UPDATE replies SET state = 'quarantined'`)
	got := w.erase()
	if got["files"].Erased != 0 || got["replies"].Erased != 0 || got["replies"].Held[0].Why != "open" {
		t.Errorf("sent again, in quarantine: %+v", got)
	}
	check(t, w.night.FileBytes(t.Context(), f.ID, io.Discard))
}

// TestTheDatabaseKeepsWhatIsNeeded, whoever calls its functions, and however.
func TestTheDatabaseKeepsWhatIsNeeded(t *testing.T) {
	w := newWorld(t, nil)
	f := w.released()
	w.exec(`UPDATE files SET erased_at = now()`)
	if n := query[int](w, `SELECT erase_file_chunks($1, 10)`, f.ID); n != 0 {
		t.Errorf("%d chunks of a file without a verdict", n)
	}
	if n := query[int](w, `SELECT erase_record_cards(array_agg(window_id), array_agg(record_id), array_agg(merchant_id)) FROM records`); n != 0 {
		t.Errorf("%d cards of records without a verdict", n)
	}
	w.exec(`UPDATE files SET erased_at = NULL`)
	w.settleDown()
	if n := query[int](w, `SELECT erase_file_chunks($1, 10)`, f.ID); n != 0 {
		t.Errorf("%d chunks of a file that is not marked", n)
	}
	if n := query[int](w, `SELECT erase_record_cards(array_agg(window_id), array_agg(record_id), array_agg(merchant_id)) FROM records`); n != 1 {
		t.Errorf("%d cards of a record with a verdict, want 1", n)
	}
}

// TestALargeFileGoesInParts, and whoever reads it meanwhile never takes a part for the whole.
func TestALargeFileGoesInParts(t *testing.T) {
	w := newWorld(t, nil)
	f := w.released()
	w.settleDown()
	w.grow(f, 150)
	reader := store.Open(w.Pool, w.Vault, store.Files, f.ID)
	_, err := reader.Next(t.Context())
	check(t, err)
	w.Clock.Advance(30 * 24 * time.Hour)
	if got := w.erase()["files"]; got.Erased != 1 {
		t.Errorf("erased: %+v", got)
	}
	if n := query[int](w, `SELECT count(*) FROM file_chunks`); n != 0 {
		t.Errorf("%d chunks are left", n)
	}
	if _, err := reader.Next(t.Context()); !errors.Is(err, states.ErrErased) {
		t.Errorf("who was reading meanwhile: %v", err)
	}
}

// grow gives a file more chunks, all of one message.
func (w *world) grow(f files.File, chunks int) {
	w.t.Helper()
	err := postgres.InTx(w.t.Context(), w.Pool, postgres.Key{Name: "grow"}, func(tx pgx.Tx) error {
		_, err := tx.Exec(w.t.Context(), `INSERT INTO file_chunks SELECT file_id, plain_offset, n, first_message, bytes FROM file_chunks, generate_series(1, $2) n WHERE file_id = $1`, f.ID, chunks)
		return err
	})
	check(w.t, err)
}
