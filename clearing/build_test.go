package clearing_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"settled/clearing"
	"settled/clearing/files"
	"settled/clearing/states"
	"settled/internal/pcsim"
	"settled/internal/postgres/pgtest"
	"settled/settle"
	"settled/settle/settletest"
)

var update = flag.Bool("update", false, "write the golden files")

// goldenNight is a small night with a sale, a reduced sale, a void, and a credit of the night before.
func goldenNight(t *testing.T, change func(*clearing.Profile, *pcsim.Options)) *world {
	w := newWorld(t, change)
	sold := w.Pay(t, settletest.Payment{Number: "sold", Amount: byn(12345)})
	w.cutoff()
	w.buildAll()
	w.Pay(t, settletest.Payment{Number: "sale", Amount: byn(5000), Card: "5413330089010442"})
	for _, change := range []struct {
		number string
		back   int64
	}{{"reduced", 600}, {"void", 1000}} {
		id := w.Pay(t, settletest.Payment{Number: change.number, Amount: byn(1000)})
		back := byn(change.back)
		_, err := w.Books.Cancel(t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: id, Amount: &back, Actor: settle.ByMerchant})
		check(t, err)
	}
	back := byn(2345)
	_, err := w.Books.Cancel(t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: sold, Amount: &back, Actor: settle.ByMerchant})
	check(t, err)
	w.cutoff()
	w.buildAll()
	return w
}

func (w *world) bytesOf(f files.File) []byte {
	w.t.Helper()
	var b bytes.Buffer
	check(w.t, w.night.FileBytes(w.t.Context(), f.ID, &b))
	return b.Bytes()
}

// TestFilesAreStoredSealed: what the database, and so a backup, holds of a file shows no card number, in neither of its alphabets.
func TestFilesAreStoredSealed(t *testing.T) {
	w := goldenNight(t, nil)
	f := w.file()
	plain, pan := w.bytesOf(f), []byte("5413330089010442")
	stored := query[[]byte](w, `SELECT string_agg(bytes, NULL ORDER BY chunk_no) FROM file_chunks WHERE file_id = $1`, f.ID)
	for _, wanted := range [][]byte{pan, ebcdic(pan)} {
		if bytes.Contains(stored, wanted) {
			t.Errorf("%x is in the stored bytes", wanted)
		}
	}
	if !bytes.Contains(plain, pan) && !bytes.Contains(plain, ebcdic(pan)) {
		t.Error("the file itself does not hold the number: nothing was looked for")
	}
}

// ebcdic writes digits as IBM's code pages do.
func ebcdic(digits []byte) (out []byte) {
	for _, d := range digits {
		out = append(out, d-'0'+0xf0)
	}
	return out
}

func TestGoldenFile(t *testing.T) {
	w := goldenNight(t, nil)
	got := w.bytesOf(w.file())
	const golden = "testdata/night.ipm"
	if *update {
		check(t, os.MkdirAll("testdata", 0o755))
		check(t, os.WriteFile(golden, got, 0o644))
	}
	want, err := os.ReadFile(golden)
	check(t, err)
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

func TestTheSameBatchGivesTheSameBytes(t *testing.T) {
	w := newWorld(t, nil)
	w.bulk(5000)
	w.cutoff()
	w.buildAll()
	first := w.file()
	owner := pgtest.Owner(t, w.Pool)
	for _, sql := range []string{
		`DELETE FROM file_chunks`,
		`UPDATE files SET state = 'planned', sha256 = NULL, bytes = NULL`,
	} {
		_, err := owner.Exec(t.Context(), sql)
		check(t, err)
	}
	check(t, w.night.BuildBatch(t.Context(), first.Batch))
	second := w.file()
	if !bytes.Equal(first.SHA256, second.SHA256) || *first.Bytes != *second.Bytes {
		t.Error("another build has other bytes")
	}
	check(t, w.night.BuildBatch(t.Context(), first.Batch)) // a built file stays as it is
}

// TestBuildRefusesWhatDisagrees changes what the batch says it holds: nothing is built.
func TestBuildRefusesWhatDisagrees(t *testing.T) {
	for _, sql := range []string{
		`UPDATE batches SET sales_amount = sales_amount + 1`,
		`UPDATE batches SET sales_count = sales_count - 1`,
		`UPDATE batches SET credits_amount = 1`,
		`UPDATE records SET amount = amount + 1 WHERE record_id = (SELECT min(record_id) FROM records)`,
		`DELETE FROM records WHERE record_id = (SELECT min(record_id) FROM records)`,
		`UPDATE records SET kind = 2 WHERE record_id = (SELECT min(record_id) FROM records)`,
	} {
		t.Run(sql, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			w.Pay(t, settletest.Payment{Number: "1", Amount: byn(100)})
			w.Pay(t, settletest.Payment{Number: "2", Amount: byn(200)})
			w.cutoff()
			_, err := w.night.SealDue(t.Context(), w.Clock.Now())
			check(t, err)
			_, err = pgtest.Owner(t, w.Pool).Exec(t.Context(), sql)
			check(t, err)
			if n, err := w.night.BuildDue(t.Context(), w.Clock.Now()); n != 0 || !errors.Is(err, files.ErrTotals) || !errors.Is(err, states.ErrRecorded) {
				t.Errorf("built %d, %v", n, err)
			}
			if f := w.file(); f.State != states.FilePlanned || f.ErrorClass != "totals" || !f.NextAttemptAt.Equal(w.Clock.Now().Add(time.Minute)) {
				t.Errorf("file is %s, class %q, next attempt at %s", f.State, f.ErrorClass, f.NextAttemptAt)
			}
			if n := query[int](w, `SELECT count(*) FROM file_chunks`); n != 0 {
				t.Errorf("%d chunks left", n)
			}
		})
	}
}

func TestCardOfAnotherOrderDoesNotOpen(t *testing.T) {
	w := newWorld(t, nil)
	w.Pay(t, settletest.Payment{Number: "1", Amount: byn(100)})
	w.Pay(t, settletest.Payment{Number: "2", Amount: byn(200)})
	w.cutoff()
	_, err := pgtest.Owner(t, w.Pool).Exec(t.Context(), `UPDATE records r SET card = (SELECT card FROM records WHERE record_id <> r.record_id)`)
	check(t, err)
	_, err = w.night.SealDue(t.Context(), w.Clock.Now())
	check(t, err)
	if n, err := w.night.BuildDue(t.Context(), w.Clock.Now()); n != 0 || err == nil {
		t.Errorf("built %d, %v", n, err)
	}
}

func TestVerifySeesChangedChunks(t *testing.T) {
	w := newWorld(t, nil)
	w.bulk(9000)
	w.cutoff()
	w.buildAll()
	f := w.file()
	v, err := w.night.VerifyFile(t.Context(), f.ID, false)
	check(t, err)
	if v.Stored != "ok" {
		t.Fatalf("%+v", v)
	}
	if n := query[int](w, `SELECT count(*) FROM file_chunks`); n < 3 {
		t.Fatalf("%d chunks: the test needs more", n)
	}
	_, err = pgtest.Owner(t, w.Pool).Exec(t.Context(), `UPDATE file_chunks SET chunk_no = 1 - chunk_no + 100 WHERE chunk_no < 2;
		UPDATE file_chunks SET chunk_no = chunk_no - 100 WHERE chunk_no >= 100`)
	check(t, err)
	if v, err := w.night.VerifyFile(t.Context(), f.ID, false); err != nil || v.Stored == "ok" {
		t.Errorf("%+v, %v", v, err)
	}
	if err := w.night.Delivery.Deliver(t.Context(), f.ID); err == nil {
		t.Error("delivered")
	}
}

// TestWhatIsSealedStays: the application's role cannot change what a batch holds, nor a stored byte.
func TestWhatIsSealedStays(t *testing.T) {
	w := newWorld(t, nil)
	w.Pay(t, settletest.Payment{Number: "1", Amount: byn(100)})
	w.cutoff()
	w.buildAll()
	for _, sql := range []string{
		`UPDATE batches SET sales_amount = 1`, `DELETE FROM batches`, `UPDATE batch_totals SET amount = 1`, `DELETE FROM files`,
		`UPDATE file_chunks SET bytes = ''`, `DELETE FROM file_chunks`, `DELETE FROM replies`, `UPDATE reply_chunks SET bytes = ''`,
		`DELETE FROM delivery_attempts`,
	} {
		if _, err := w.Pool.Exec(t.Context(), sql); err == nil {
			t.Errorf("%s: allowed", sql)
		}
	}
	text, err := json.Marshal(w.file())
	check(t, err)
	if sum := w.file().SHA256.String(); len(sum) != 64 || !strings.Contains(string(text), `"sha256":"`+sum+`"`) {
		t.Errorf("%s", text)
	}
}
