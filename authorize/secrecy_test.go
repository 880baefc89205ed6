package authorize_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"settled/authorize/tenants"
	"settled/internal/pcsim"
	"settled/internal/postgres/pgtest"
	"settled/settle"
	"settled/settle/settletest"
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
	w.keeps()
	random := rand.New(rand.NewPCG(1, 2))
	var needles, tokens []string
	var seen strings.Builder
	for i := range 40 {
		pan, cvv := testPAN(random), fmt.Sprintf("%04d", random.IntN(10000))
		needles = append(needles, pan, hex.EncodeToString([]byte(pan)), "Cvc2="+cvv, `"Cvc2":"`+cvv, "<cvc2>"+cvv, "0092004"+cvv)
		p := paymentOf(fmt.Sprintf("A-%d", i)).with(params{"Cardnumber": pan, "Cvc2": cvv, "Delay": []string{"", "1"}[i%2]})
		switch i % 8 {
		case 2:
			p["OrderAmount"] = "x"
		case 3:
			p["Expireyear"] = "1999"
		case 4:
			p["OrderCurrency"] = "USD"
		case 5:
			p = p.with(otherCredentials())
		case 6:
			p["CustomerNumber"] = "buyer-7"
		case 7:
			p = p.with(recurring(p["OrderNumber"])).with(params{"Cardnumber": pan, "Cvc2": cvv})
		}
		post := []func(string, params) reply{w.form, w.json, w.soap}[i%3]
		r := post(pay, p)
		fmt.Fprintln(&seen, r.header, r.body, post(pay, p).body)
		fmt.Fprintln(&seen, post(pay, p.with(params{"Cardnumber": pan + "0"})).body, post(pay, p.with(params{pan: cvv, "Cvc2": cvv + "x"})).body)
		fmt.Fprintln(&seen, post(tokenPay, tokenPayment("T"+p["OrderNumber"], anyToken.FindString(r.body), "buyer-7").with(params{"Cvc2": cvv})).body)
		tokens = append(tokens, anyToken.FindAllString(r.body, -1)...)
		fmt.Fprintln(&seen, post(cancel, p.with(params{"Billnumber": cvv + pan})).body, post(orderResult, p).body)
	}
	w.call(pay, paymentOf("silent").with(params{"Cardnumber": pcsim.CardSilentBooked}))
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
	for _, token := range tokens {
		if strings.Contains(w.logs.String(), token) {
			t.Errorf("token %s is in the log", token)
		}
	}
	if len(tokens) == 0 {
		t.Error("no card was kept")
	}
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

// The scanner finds cards however they are written, and leaves what only looks like one.
func TestCardsAreFound(t *testing.T) {
	for text, want := range map[string]bool{"card 4111111111111111.": true, `"n":"4111 1111 1111 1111"`: true, "4111-1111-1111-1111": true, "411111****1111": false,
		"4111111111111112": false, "<n>5413339999003017</n>": true, "5100001000000001": false, "a4111111111111111": false, "n=378282246310005&": true} {
		found := number.FindStringSubmatch(text)
		got := found != nil && luhn(strings.NewReplacer(" ", "", "-", "").Replace(found[1])) && !strings.HasPrefix(found[1], "510000")
		if got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// What customers type on the page, what their banks ask them, what shops prove their orders with and what shops are told:
// neither cards nor codes, passwords or secret words of it are in the database, its files and log, in our log, in any page,
// answer, header or metric, or in what the shop's server is told.
func TestPageStaysSecret(t *testing.T) {
	const word, typedPassword = "CanaryWord7312", "CanaryGuess8891"
	w, _ := newSecurePage(t)
	s := newShop(t)
	m, _ := w.Dir.Merchant(settletest.Merchant)
	m.Notify = settle.Notify{Payments: true, Confirmations: true, Cancellations: true}
	w.shop(func(m *tenants.Merchant) {
		m.Proofs.SecretWord, m.Page.ShowResult, m.Page.OneClick = word, true, true
		m.Notify = tenants.Notify{URL: s.URL, AllowPrivate: true}
	})
	w.registry = prometheus.NewRegistry()
	w.options.Registerer = w.registry
	w.open()
	random := rand.New(rand.NewPCG(3, 4))
	needles := []string{word, typedPassword, password}
	var seen strings.Builder
	for i := range 24 {
		w.Clock.Advance(30 * time.Second) // one source may not post so much at a time
		pan, cvv := testPAN(random), fmt.Sprintf("%03d", random.IntN(1000))
		if i%4 == 0 {
			pan = pcsim.CardChallenge
		}
		grouped := pan[:4] + " " + pan[4:8] + " " + pan[8:12] + " " + pan[12:]
		needles = append(needles, pan, grouped, hex.EncodeToString([]byte(pan)), base64.StdEncoding.EncodeToString([]byte(pan)), "Cvc2="+cvv+"&", `"cvc2":"`+cvv, `value="`+cvv+`"`, "0092004"+cvv)
		path := w.opened(shopOrder(fmt.Sprint("C-", i)).with(params{"CustomerNumber": fmt.Sprint("buyer-", i%3)}))
		card := typed(grouped).with(params{"Cvc2": cvv, "SaveCard": "1"})
		fmt.Fprintln(&seen, w.submit(path, card.with(params{"Expiry": "1"})), w.submit(path, card.with(params{"Cvc2": cvv + "x"})), w.submit(path, card.with(params{"Cardnumber": grouped + "0"})))
		fmt.Fprintln(&seen, w.submit(path, card), w.follow(path))
		if i%4 == 0 {
			code := formOf(t, w.visitBank(formOf(t, w.follow(path).body)))
			code.fields.Set("code", pcsim.ChallengeCode)
			fmt.Fprintln(&seen, w.bringBack(formOf(t, w.visitBank(code))))
		}
		fmt.Fprintln(&seen, w.follow(path), w.json(orderResult, credentials().with(params{"OrderNumber": fmt.Sprint("C-", i)})))
		fmt.Fprintln(&seen, w.from("guesser", orderState, syntaxes["form"].kind, credentials().with(params{"OrderNumber": "C-0", "Password": typedPassword}).encode()))
		fmt.Fprintln(&seen, w.form(payRequest, shopOrder("P").with(params{"Checkvalue": word})), w.form(payRequest, shopOrder("P").with(params{"Cardnumber": pan, "Cvc2": cvv})))
		fmt.Fprintln(&seen, w.send("GET", path+"&Cardnumber="+pan+"&cvc2="+cvv, ""))
	}
	w.tell()
	told := s.heard()
	if len(told) == 0 {
		t.Error("the shop was told nothing")
	}
	families, err := w.registry.Gather()
	check(t, err)
	places := map[string]string{"an answer": seen.String(), "the log": w.logs.String(), "a notification": strings.Join(told, "\n"), "a metric": fmt.Sprint(families)}
	found := map[string]int{}
	seek := func(where string, content []byte) {
		for _, n := range needles {
			if bytes.Contains(content, []byte(n)) && found[where] < 3 {
				found[where]++
				t.Errorf("%q is in %s", n, where)
			}
		}
	}
	for where, text := range places {
		seek(where, []byte(text))
		noCards(t, where, text)
	}
	w.sweepDatabase(seek)
}
