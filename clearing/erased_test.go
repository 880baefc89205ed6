package clearing_test

import (
	"bytes"
	"encoding/hex"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"settled/internal/pcsim"
	"settled/internal/postgres/local"
	"settled/internal/postgres/pgtest"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/audit"
	"settled/settle/order"
	"settled/settle/retention"
	"settled/settle/settletest"

	"github.com/jackc/pgx/v5"
)

// sealedBytes are the beginnings of everything sealed that the database holds.
const sealedBytes = `
SELECT substr(card, 1, 30) FROM orders WHERE card <> '' UNION SELECT substr(card, 1, 30) FROM records WHERE card <> ''
UNION SELECT substr(sealed, 1, 30) FROM credentials WHERE sealed IS NOT NULL
UNION SELECT substr(bytes, 1, 30) FROM file_chunks UNION SELECT substr(bytes, 1, 30) FROM reply_chunks`

// TestNothingSealedIsLeft of what was erased: not in a dump, and not in the files of the database when they are written anew. What is still needed is
// there, and opens; the books are as good as before.
func TestNothingSealedIsLeft(t *testing.T) {
	w := newWorld(t, nil)
	w.everyClass()
	refused := w.pay(byn(5_000), pcsim.CardSaleRefused)
	w.cutoff()
	w.settleDown()
	before := w.ciphers()
	w.Clock.Advance(100 * 24 * time.Hour)
	k := retention.New(retention.Options{Pool: w.Pool, Now: w.Books.Now, Sweeps: append(retention.Sweeps(), w.night.Sweeps()...), Log: slog.New(slog.DiscardHandler),
		Periods: retention.Periods{retention.Declined: 10, retention.Paid: 50, retention.Stored: 40, retention.Files: 20, retention.Replies: 20, retention.Personal: 60}})
	done, err := k.Run(t.Context())
	check(t, err)
	for _, r := range done {
		if r.Erased == 0 && r.Subject != "credentials" {
			t.Errorf("nothing was erased of %s %s", r.Class, r.Subject)
		}
	}
	left := w.ciphers()
	if len(left) != 1 || len(before) < 7 {
		t.Fatalf("%d sealed values before, %d after, want that of the refused order, which its record repeats", len(before), len(left))
	}
	o, err := w.Books.Order(t.Context(), settletest.Merchant, refused)
	check(t, err)
	if pan, err := w.Books.PAN(o); err != nil || pan.Reveal() != pcsim.CardSaleRefused {
		t.Errorf("the card of the refused record: %v", err)
	}
	w.absent(before, left)
	report, err := audit.Run(t.Context(), w.Pool, w.Clock.Now(), audit.Options{Vault: w.Vault})
	check(t, err)
	for _, f := range report.Broken() {
		t.Errorf("%s: %s: %v", f.Invariant, f.Title, f.Examples)
	}
}

// everyClass makes something of each class: a declined order, a paid one, one whose card is kept.
func (w *world) everyClass() {
	w.pay(byn(10_000), pcsim.CardApproved)
	p := w.Begin(w.t, settletest.Payment{Number: "declined", Amount: byn(700), Details: []byte(`{"email":"a@example.com"}`)})
	check(w.t, w.Books.Finish(w.t.Context(), p, settle.Result{ActionCode: "116", Response: "AS101"}))
	m, _ := w.Dir.Merchant(settletest.Merchant)
	o, _, err := w.Books.Open(w.t.Context(), settle.OpenRequest{Merchant: m, OrderNumber: "kept", Original: byn(900), Means: order.MeansCard, Tries: 1,
		PayBefore: w.Clock.Now().Add(time.Hour), Fingerprint: settle.Fingerprint{Kept: []byte("kept")}, Customer: "buyer-7", Keep: true})
	check(w.t, err)
	pan, err := vault.ParsePAN([]byte(settletest.Card))
	check(w.t, err)
	p, err = w.Books.Pay(w.t.Context(), settle.PayRequest{Merchant: m.ID, Order: o.ID, Means: order.MeansCard, PAN: pan, CardExpiry: "2812"})
	check(w.t, err)
	check(w.t, w.Books.Finish(w.t.Context(), p, settle.Result{Approved: true, ActionCode: "000", ApprovalCode: w.authorize(p, settletest.Card), Response: "AS000"}))
}

func (w *world) ciphers() [][]byte {
	w.t.Helper()
	rows, err := pgtest.Owner(w.t, w.Pool).Query(w.t.Context(), sealedBytes)
	check(w.t, err)
	all, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	check(w.t, err)
	return all
}

// absent looks for sealed values in a dump and in the files of the database: those that are left are found, the others are not.
func (w *world) absent(before, left [][]byte) {
	owner := pgtest.Owner(w.t, w.Pool)
	for _, sql := range []string{`VACUUM FULL orders`, `VACUUM FULL records`, `VACUUM FULL credentials`, `VACUUM FULL file_chunks`, `VACUUM FULL reply_chunks`, `CHECKPOINT`} {
		_, err := owner.Exec(w.t.Context(), sql)
		check(w.t, err)
	}
	bin, err := local.Binaries(w.t.Context())
	check(w.t, err)
	dump, err := exec.CommandContext(w.t.Context(), filepath.Join(bin, "pg_dump"), "-d", owner.Config().ConnString()).Output()
	if err != nil {
		w.t.Skipf("pg_dump: %v", err)
	}
	files := w.filesOfDatabase()
	for _, b := range before {
		stays := false
		for _, l := range left {
			stays = stays || bytes.Equal(b, l)
		}
		if in := bytes.Contains(dump, []byte(hex.EncodeToString(b))); in != stays {
			w.t.Errorf("%x is in the dump: %v", b[:8], in)
		}
		if in := bytes.Contains(files, b); len(files) > 0 && in != stays {
			w.t.Errorf("%x is in the files: %v", b[:8], in)
		}
	}
}

func (w *world) filesOfDatabase() (all []byte) {
	var directory string
	check(w.t, pgtest.Owner(w.t, w.Pool).QueryRow(w.t.Context(), `SHOW data_directory`).Scan(&directory))
	dir := filepath.Join(directory, "base", query[string](w, `SELECT oid::text FROM pg_database WHERE datname = current_database()`))
	entries, err := os.ReadDir(dir)
	if err != nil {
		w.t.Logf("the server's files are not here: %v", err)
		return nil
	}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			continue // files come and go while a server runs
		}
		all = append(all, content...)
	}
	return all
}
