package app

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"settled/authorize/tenants"
	"settled/clearing/remote"
	"settled/internal/config"
	"settled/internal/pcsim"
	"settled/internal/postgres/pgtest"
	"settled/settle/events"
	"settled/settle/settletest"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"golang.org/x/crypto/ssh"
)

// changing is a process whose configuration is changed while it works, at a center that is real enough to be paid at and to be sent files.
type changing struct {
	t      *testing.T
	center *pcsim.Center
	clock  *settletest.Clock
	path   string
	hash   string
	says   map[string]string // what stands in the configuration, by the words of changingText
	log    *strings.Builder
	o      Options
	*Server
}

const changingText = `
ledger: {zone: Europe/Minsk}
PUBLICcalendars: {all: {horizon: HORIZON}}
rates:
  - {from: USD, to: BYN, rate: "RATE", source: Bank}
centers:
  - id: 1
    name: PC-A
    zone: Europe/Minsk
    online: {address: "ONLINE", acquirer: "00000012345"TLS}
    capabilities: {financial_record: true, two_stage: true, refund: file}
    clearing:
      stream: ipm
      member: "00000012345"
      acquirer_bin: "512345"
      calendar: all
      windows: [{no: 1, cutoff: "CUTOFF", deadline: "23:45", days: all}]
      sftp: {address: "SFTP", user: acq, password_file: password, host_keys: ["PIN"]}
      replies: {pattern: '^RPY_(?P<file>.+)_[0-9]+\.ipm$'}
merchants:
MERCHANTS`

const shopText = `
  - id: %d
    name: %s
    street: Nemiga 1
    city: Minsk
    postal: "220030"
    country: BLR
    mcc: "5411"
    currency: BYN
    login: merchant_%[1]d
    password_hash: %[3]s
    page: {return_hosts: [shop.example]}
    routes: [{center: PC-A, currencies: [BYN], terminal: TERM%04[1]d, acceptor: A%[1]d}]
`

func newChanging(t *testing.T, url string) *changing {
	t.Helper()
	w := &changing{t: t, clock: &settletest.Clock{}, log: &strings.Builder{}, hash: tenants.HashPassword("password1")}
	w.clock.Set(time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC))
	var err error
	w.center, err = pcsim.New(pcsim.Options{Name: "PC-A", MemberID: "00000012345", Now: w.clock.Now, Users: []pcsim.User{{Name: "acq", Password: "secret"}}})
	must(t, err)
	must(t, w.center.Start())
	t.Cleanup(func() { must(t, w.center.Close()) })
	w.o = options(t, url, "127.0.0.1:1")
	dir := filepath.Dir(w.o.Environment.Keys)
	w.path = filepath.Join(dir, "changing.yaml")
	w.says = map[string]string{"HORIZON": "2099-12-31", "RATE": "3.0", "ONLINE": w.center.OnlineAddr(), "SFTP": w.center.SFTPAddr(), "CUTOFF": "23:00", "PUBLIC": "", "TLS": "",
		"PIN": pin(w.center.HostKey()), "MERCHANTS": w.shop(7)}
	must(t, os.WriteFile(filepath.Join(dir, "password"), []byte("secret\n"), 0o600))
	must(t, os.WriteFile(w.path, []byte(w.text()), 0o600))
	w.o.Config, err = config.Load(w.path)
	must(t, err)
	w.o.Now, w.o.Log = w.clock.Now, slog.New(slog.NewTextHandler(&locked{to: w.log}, nil))
	w.Server = w.start()
	return w
}

// start makes a process of the installation.
func (w *changing) start() *Server {
	w.t.Helper()
	core, err := Open(w.t.Context(), w.o)
	must(w.t, err)
	w.t.Cleanup(core.Close)
	_, err = core.Night.PlanWindows(w.t.Context(), w.clock.Now())
	must(w.t, err)
	s, err := Start(w.t.Context(), core, Roles{Serve: true})
	must(w.t, err)
	w.t.Cleanup(func() { must(w.t, s.Stop(context.WithoutCancel(w.t.Context()))) })
	must(w.t, s.Ready(w.t.Context()))
	return s
}

// locked is a log that is read while it is written.
type locked struct {
	mu sync.Mutex
	to io.Writer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(p)
}

func pin(key ssh.PublicKey) string { return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) }

func (w *changing) shop(id int) string { return fmt.Sprintf(shopText, id, "Shop", w.hash) }

func (w *changing) text() string {
	text := changingText
	for word, value := range w.says {
		text = strings.ReplaceAll(text, word, value)
	}
	return text
}

// say changes the configuration file, in pairs of word and value, and has it looked at at once.
func (w *changing) say(pairs ...string) {
	w.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		w.says[pairs[i]] = pairs[i+1]
	}
	must(w.t, os.WriteFile(w.path, []byte(w.text()), 0o600))
	w.Reload(w.t.Context())
}

// pay pays an order of 10 USD at a handler of the API. It returns what was paid, or the answer of a refusal.
func (w *changing) pay(api http.Handler, merchant int, number string) string {
	form := paymentForm(number)
	form.Set("Merchant_ID", fmt.Sprint(merchant))
	form.Set("Login", fmt.Sprintf("merchant_%d", merchant))
	form.Set("OrderAmount", "10.00")
	form.Set("OrderCurrency", "USD")
	r := httptest.NewRequest(http.MethodPost, "/pay/silentpay.cfm", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	api.ServeHTTP(answer, r)
	var told struct {
		Silentpay struct {
			Response string `json:"responsecode"`
			Amount   json.Number
			Currency string
		}
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &told); err != nil || told.Silentpay.Response == "" {
		return fmt.Sprintf("%d %s", answer.Code, answer.Body)
	}
	return told.Silentpay.Response + " " + told.Silentpay.Amount.String() + " " + told.Silentpay.Currency
}

// pays wants a payment to be approved for an amount in BYN.
func (w *changing) pays(api http.Handler, merchant int, number, amount string) {
	w.t.Helper()
	if got, want := w.pay(api, merchant, number), "AS000 "+amount+" BYN"; got != want {
		w.t.Errorf("merchant %d, order %s: %s, want %s", merchant, number, got, want)
	}
}

// logged counts the lines of the log that have a text.
func (w *changing) logged(text string) int { return strings.Count(w.log.String(), text) }

// metric is the value of a metric without labels, as the process shows it.
func (w *changing) metric(name string) string {
	w.t.Helper()
	_, page := get(w.t, "http://"+w.MetricAddr+"/metrics")
	for line := range strings.Lines(page) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(rest)
		}
	}
	return "none"
}

// takings are the events of configurations: what changed in each.
func (w *changing) takings() (all [][]string) {
	w.t.Helper()
	rows, err := w.Pool.Query(w.t.Context(), `SELECT coalesce(after->>'changes', 'null') FROM events WHERE kind = $1 ORDER BY day, no`, events.ConfigTakeUp)
	must(w.t, err)
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	must(w.t, err)
	for _, text := range texts {
		var changes []string
		must(w.t, json.Unmarshal([]byte(text), &changes))
		all = append(all, changes)
	}
	return all
}

// TestMerchantsAndRatesAreTakenUp: each request is served to its end under the configuration that it began with, the next one under the new.
func TestMerchantsAndRatesAreTakenUp(t *testing.T) {
	w := newChanging(t, pgtest.URL(t))
	w.pays(w.uptake, 7, "1", "30.00")
	before := w.uptake.now.Load().api
	w.say("RATE", "3.5")
	w.pays(w.uptake, 7, "2", "35.00")
	w.pays(before, 7, "begun before", "30.00")
	if got := w.pay(w.uptake, 8, "1"); !strings.HasPrefix(got, "401") && !strings.HasPrefix(got, "200 {\"fault") && !strings.Contains(got, "wrong merchant") {
		t.Errorf("a merchant that is not there: %s", got)
	}
	w.say("MERCHANTS", w.shop(7)+w.shop(8))
	w.pays(w.uptake, 8, "1", "35.00")
	w.say("MERCHANTS", w.shop(8))
	if got := w.pay(w.uptake, 7, "3"); !strings.Contains(got, "wrong merchant") {
		t.Errorf("a merchant that is closed: %s", got)
	}
	w.say("MERCHANTS", strings.ReplaceAll(w.shop(8), w.hash, tenants.HashPassword("password2")))
	if got := w.pay(w.uptake, 8, "3"); !strings.Contains(got, "wrong merchant") {
		t.Errorf("a password from before a change: %s", got)
	}
	for _, text := range []string{"rates[USD to BYN].rate: 3.0 → 3.5", "merchants[8]: added", "merchants[7]: taken away", "merchants[8].password_hash: changed"} {
		if w.logged(text) != 1 {
			t.Errorf("%q is logged %d times", text, w.logged(text))
		}
	}
	if strings.Contains(w.log.String(), "argon2id") {
		t.Error("a password hash is in the log")
	}
	want := [][]string{nil, {"rates[USD to BYN].rate: 3.0 → 3.5"}, {"merchants[8]: added"}, {"merchants[7]: taken away"}, {"merchants[8].password_hash: changed"}}
	if diff := cmp.Diff(want, w.takings()); diff != "" {
		t.Errorf("events (- want, + got)\n%s", diff)
	}
	o, err := w.Books.ByNumber(t.Context(), 7, "1")
	if err != nil || o.Amount.Minor != 3000 {
		t.Errorf("what was paid before the changes: %+v, %v", o, err)
	}
	if report, err := w.current().Audit(t.Context()); err != nil || report.Violations() != 0 {
		t.Errorf("%d violations: %+v, %v", report.Violations(), report.Broken(), err)
	}
}

// TestPinsAndCutoffsAreTakenUp: the next connection wants the new key, and windows that are planned stay where they are.
func TestPinsAndCutoffsAreTakenUp(t *testing.T) {
	w := newChanging(t, pgtest.URL(t))
	fetch := w.Jobs().FetchReplies
	must(t, fetch(t.Context()))
	other, err := ssh.NewPublicKey(ed25519.PublicKey(make([]byte, ed25519.PublicKeySize)))
	must(t, err)
	w.say("PIN", pin(other))
	if err := fetch(t.Context()); remote.ClassOf(err) != remote.HostKey {
		t.Errorf("a server that does not show the pinned key: %v", err)
	}
	w.say("PIN", pin(w.center.HostKey()))
	w.clock.Advance(2 * time.Minute)
	if err := fetch(t.Context()); err != nil {
		t.Errorf("a server that shows the pinned key: %v", err)
	}
	planned := func() (cutoffs []string) {
		rows, err := w.Pool.Query(t.Context(), `SELECT DISTINCT to_char(cutoff_at AT TIME ZONE 'Europe/Minsk', 'HH24:MI') FROM windows ORDER BY 1`)
		must(t, err)
		cutoffs, err = pgx.CollectRows(rows, pgx.RowTo[string])
		must(t, err)
		return cutoffs
	}
	w.say("CUTOFF", "22:00")
	must(t, w.Jobs().PlanWindows(t.Context()))
	if got := planned(); !slices.Equal(got, []string{"23:00"}) {
		t.Errorf("planned windows were moved: cut-offs at %v", got)
	}
	if w.logged("planned windows differ from the calendar") == 0 || w.metric(`settled_windows_differing{pc="PC-A",stream="ipm"}`) == "0" {
		t.Error("nobody is told that windows differ")
	}
	w.clock.Advance(48 * time.Hour)
	must(t, w.Jobs().PlanWindows(t.Context()))
	if got := planned(); !slices.Equal(got, []string{"22:00", "23:00"}) {
		t.Errorf("further windows: cut-offs at %v", got)
	}
}

// TestWrongConfigurationsChangeNothing: of a file that is wrong in one place, or needs a restart, nothing is taken up, and that is said once.
func TestWrongConfigurationsChangeNothing(t *testing.T) {
	w := newChanging(t, pgtest.URL(t))
	good := map[string]string{}
	for k, v := range w.says {
		good[k] = v
	}
	for i, tt := range []struct {
		name  string
		says  []string
		wants string
	}{
		{"half a file", []string{"MERCHANTS", "  - id: 7\n    name: \"Sh"}, "yaml"},
		{"no merchant", []string{"MERCHANTS", ""}, "merchants, of which none would be left"},
		{"an unknown key", []string{"MERCHANTS", w.shop(7) + "    colour: red\n"}, `unknown key \"colour\"`},
		{"a secret that is not there", []string{"MERCHANTS", w.shop(7) + "    secret_word_file: nowhere\n"}, "nowhere: no such file"},
		{"a hash that is none", []string{"MERCHANTS", w.shop(7) + strings.ReplaceAll(w.shop(8), w.hash, "$argon2id$nothing")}, "merchant 8"},
		{"a calendar that ends", []string{"HORIZON", "2026-11-25"}, "it ends 2026-11-25"},
		{"an installation that is mixed", []string{"PUBLIC", "environment: live\n"}, "the center is for test, the installation for live"},
		{"a restart", []string{"PUBLIC", "public_url: https://pay.settled.test\n"}, "needs a restart: public_url"},
		{"a link that becomes another", []string{"TLS", `, tls: {pins: ["sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]}`}, "needs a restart: centers[PC-A].online.tls"},
		{"a center that is not the same", []string{"ONLINE", "127.0.0.1:9"}, "needs a restart: centers[PC-A].online.address"},
	} {
		for k, v := range good {
			w.says[k] = v
		}
		content := w.uptake.metrics.content
		lines := w.logged("is not taken up")
		for j := 0; j < len(tt.says); j += 2 {
			w.says[tt.says[j]] = tt.says[j+1]
		}
		w.says["RATE"] = "4.0"
		must(t, os.WriteFile(w.path, []byte(w.text()), 0o600))
		for range 5 {
			w.lookAtConfig(t.Context(), false)
		}
		w.pays(w.uptake, 7, fmt.Sprint("order ", i), "30.00")
		if n := w.logged("is not taken up") - lines; n != 1 || w.logged(tt.wants) != 1 {
			t.Errorf("%s: told %d times, %q is logged %d times\n%s", tt.name, n, tt.wants, w.logged(tt.wants), w.log)
		}
		if w.metric("settled_config_refused") != "1" || w.metric("settled_config_refusals_total") != fmt.Sprint(i+1) || w.uptake.metrics.content != content {
			t.Errorf("%s: refused %s, %s times", tt.name, w.metric("settled_config_refused"), w.metric("settled_config_refusals_total"))
		}
	}
	for k, v := range good {
		w.says[k] = v
	}
	w.say()
	if w.metric("settled_config_refused") != "0" || w.logged("says what the process has, again") != 1 {
		t.Error("the file says again what the process has, and nobody is told")
	}
}

// TestAFileIsReadWhenItStands: what stands for one look only, as a file that is being written, is not taken up.
func TestAFileIsReadWhenItStands(t *testing.T) {
	w := newChanging(t, pgtest.URL(t))
	for i, tt := range []struct{ rate, paid string }{{"3.1", "30.00"}, {"3.0", "30.00"}, {"3.1", "30.00"}, {"3.2", "30.00"}, {"3.2", "32.00"}, {"3.2", "32.00"}} {
		w.says["RATE"] = tt.rate
		must(t, os.WriteFile(w.path, []byte(w.text()), 0o600))
		w.lookAtConfig(t.Context(), false)
		w.pays(w.uptake, 7, fmt.Sprint("order ", i), tt.paid)
	}
	must(t, os.Remove(w.path))
	for range 3 {
		w.lookAtConfig(t.Context(), false)
	}
	if w.logged("could not be looked at") != 1 || w.metric("settled_config_refused") != "1" {
		t.Errorf("a file that went is told %d times", w.logged("could not be looked at"))
	}
	must(t, os.WriteFile(w.path, []byte(w.text()), 0o600))
	for range 2 {
		w.lookAtConfig(t.Context(), false)
	}
	if w.metric("settled_config_refused") != "0" {
		t.Error("the file is there again, and counts as refused")
	}
}

// TestChangesUnderLoad changes a process of which two look at the same file, by themselves, while merchants pay at both: no request fails.
func TestChangesUnderLoad(t *testing.T) {
	w := newChanging(t, pgtest.URL(t))
	w.o.ConfigEvery = 20 * time.Millisecond
	processes := []*Server{w.start(), w.start()}
	rates := []string{"3.0", "3.5", "4.0", "4.5"}
	var paid, wrong atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	var payers sync.WaitGroup
	for i := range 4 {
		payers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				got := w.pay(processes[i%2].uptake, 7, fmt.Sprintf("load %d %d", i, n))
				paid.Add(1)
				if !slices.Contains([]string{"AS000 30.00 BYN", "AS000 35.00 BYN", "AS000 40.00 BYN", "AS000 45.00 BYN"}, got) {
					wrong.Add(1)
					t.Errorf("payer %d, order %d: %s", i, n, got)
				}
			}
		})
	}
	for n := range 12 {
		w.says["RATE"], w.says["MERCHANTS"] = rates[n%len(rates)], w.shop(7)+strings.Repeat(w.shop(8), n%2)
		must(t, config.ReplaceFile(w.path, []byte(w.text())))
		want := "AS000 " + map[string]string{"3.0": "30.00", "3.5": "35.00", "4.0": "40.00", "4.5": "45.00"}[w.says["RATE"]] + " BYN"
		for _, p := range processes {
			await(t, func() bool { return w.pay(p.uptake, 7, fmt.Sprintf("change %d %p %d", n, p, paid.Add(1))) == want })
		}
	}
	stop()
	payers.Wait()
	t.Logf("%d payments, %d wrong", paid.Load(), wrong.Load())
	if n := len(w.takings()); n != 12 {
		t.Errorf("%d events of a start and eleven changes of three processes", n)
	}
	if a, b := processes[0].uptake.metrics.content, processes[1].uptake.metrics.content; a != b {
		t.Errorf("the processes have %s and %s", a, b)
	}
	if report, err := processes[0].current().Audit(t.Context()); err != nil || report.Violations() != 0 {
		t.Errorf("%d violations: %+v, %v", report.Violations(), report.Broken(), err)
	}
}

// TestEventsHaveRoomForManyChanges: what is beyond the room is counted.
func TestEventsHaveRoomForManyChanges(t *testing.T) {
	all := bounded(slices.Repeat([]string{strings.Repeat("é&", 2000), "rates[USD to BYN].rate: 3.0 → 3.5"}, 50))
	text, err := json.Marshal(all)
	must(t, err)
	if len(text) > events.MaxJSON || len(all) < 5 || all[1] != "rates[USD to BYN].rate: 3.0 → 3.5" || all[len(all)-1] != fmt.Sprintf("and %d more", 100-len(all)+1) {
		t.Errorf("%d changes in %d bytes, the last is %q", len(all), len(text), all[len(all)-1])
	}
	if few := []string{"a", "b"}; !slices.Equal(bounded(few), few) {
		t.Errorf("%q", bounded(few))
	}
}

// await waits until something is so.
func await(t *testing.T, so func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain")
		}
	}
}
