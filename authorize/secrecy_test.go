package authorize_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"settled/internal/pcsim"
	"settled/internal/postgres/pgtest"
)

// testPAN makes a card number of a test range with a valid check digit.
func testPAN(r *rand.Rand) string {
	digits := fmt.Sprintf("400000%09d", r.IntN(1_000_000_000))
	sum := 0
	for i := range digits {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return digits + fmt.Sprint((10-sum%10)%10)
}

// Card numbers and verification codes that went through every service, refused requests included, are nowhere in the
// database's rows, its files and its write-ahead log, nor in any log line or answer. Codes are sought together with what
// stands next to them, because three digits alone are everywhere.
func TestCardDataStaysSecret(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	random := rand.New(rand.NewPCG(1, 2))
	var needles []string
	var seen strings.Builder
	for i := range 40 {
		pan, cvv := testPAN(random), fmt.Sprintf("%04d", random.IntN(10000))
		needles = append(needles, pan, hex.EncodeToString([]byte(pan)), "Cvc2="+cvv, `"Cvc2":"`+cvv, "<cvc2>"+cvv, "0092004"+cvv)
		p := payment(fmt.Sprintf("A-%d", i)).with(params{"Cardnumber": pan, "Cvc2": cvv, "Delay": []string{"", "1"}[i%2]})
		switch i % 8 {
		case 2:
			p["OrderAmount"] = "x"
		case 3:
			p["Expireyear"] = "1999"
		case 4:
			p["OrderCurrency"] = "USD"
		case 5:
			p = p.with(otherCredentials())
		}
		post := []func(string, params) reply{w.form, w.json, w.soap}[i%3]
		r := post(pay, p)
		fmt.Fprintln(&seen, r.header, r.body, post(pay, p).body)
		fmt.Fprintln(&seen, post(pay, p.with(params{"Cardnumber": pan + "0"})).body, post(pay, p.with(params{pan: cvv, "Cvc2": cvv + "x"})).body)
		fmt.Fprintln(&seen, post(cancel, p.with(params{"Billnumber": cvv + pan})).body, post(orderResult, p).body)
	}
	w.call(pay, payment("silent").with(params{"Cardnumber": pcsim.CardSilentBooked}))
	w.settleOwed()
	control := map[string]bool{} // where the name on the card, which is kept, was found
	seek := func(where string, content []byte) {
		for _, n := range append(needles, password) {
			if bytes.Contains(content, []byte(n)) {
				t.Errorf("%q is in %s", n, where)
			}
		}
	}
	seek("an answer", []byte(seen.String()))
	seek("the log", []byte(w.logs.String()))
	w.sweepDatabase(func(where string, content []byte) {
		seek(where, content)
		for _, kind := range []string{"table orders", "pg_wal", "base"} {
			control[kind] = control[kind] || strings.Contains(where, kind) && bytes.Contains(content, []byte("TEST CARD"))
		}
	})
	for kind, found := range control {
		if !found {
			t.Errorf("the sweep of %s does not find what is there", kind)
		}
	}
}

// sweepDatabase shows every row and every file of the test's database server.
func (w *world) sweepDatabase(seek func(string, []byte)) {
	owner := pgtest.Owner(w.t, w.Pool)
	rows, err := owner.Query(w.t.Context(), `SELECT tablename FROM pg_tables WHERE schemaname = 'public'`)
	check(w.t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	check(w.t, err)
	if len(tables) < 10 {
		w.t.Fatalf("only %d tables", len(tables))
	}
	for _, table := range tables {
		rows, err := owner.Query(w.t.Context(), `SELECT t::text FROM `+pgx.Identifier{table}.Sanitize()+` t`)
		check(w.t, err)
		texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
		check(w.t, err)
		seek("table "+table, []byte(strings.Join(texts, "\n")))
	}
	_, err = owner.Exec(w.t.Context(), `CHECKPOINT`)
	check(w.t, err)
	var dir string
	check(w.t, owner.QueryRow(w.t.Context(), `SHOW data_directory`).Scan(&dir))
	if _, err := os.Stat(dir); err != nil {
		w.t.Logf("the server's files are not here: %v", err)
		return
	}
	w.sweepFiles(dir, seek)
}

func (w *world) sweepFiles(dir string, seek func(string, []byte)) {
	wal := 0
	err := filepath.WalkDir(dir, func(name string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil // files come and go while a server runs
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return nil
		}
		if strings.Contains(name, "pg_wal") {
			wal++
		}
		seek(name, content)
		return nil
	})
	check(w.t, err)
	if wal == 0 {
		w.t.Error("no write-ahead log was looked at")
	}
}
