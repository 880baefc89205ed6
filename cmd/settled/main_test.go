package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"settled/authorize/online"
	"settled/internal/app/demo"
	"settled/internal/config"
	"settled/internal/pcsim"
	"settled/internal/postgres/local"
	"settled/internal/postgres/pgtest"

	"github.com/jackc/pgx/v5"
	"go.yaml.in/yaml/v3"
)

// asProgram makes the test binary behave as the program itself.
const asProgram = "SETTLED_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "1" {
		main()
	}
	pgtest.Main(m)
}

// program prepares a run of the program. Nothing of the environment of the test reaches it but what it needs to run.
func program(t *testing.T, env map[string]string, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], args...)
	c.Dir = t.TempDir()
	c.Env = []string{asProgram + "=1", "PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "PG_BIN=" + os.Getenv("PG_BIN"), "TMPDIR=" + os.TempDir()}
	for name, value := range env {
		c.Env = append(c.Env, name+"="+value)
	}
	return c
}

// settled runs the program to its end.
func settled(t *testing.T, env map[string]string, args ...string) (out, errOut string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	c := program(t, env, args...)
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return stdout.String(), stderr.String(), c.ProcessState.ExitCode()
}

// durable starts a server whose settings hold money.
func durable(t *testing.T) *local.Server {
	t.Helper()
	s, err := local.Start(t.Context(), local.Config{})
	if errors.Is(err, local.ErrNoServer) && os.Getenv("SETTLED_REQUIRE_ALL") != "1" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop() })
	return s
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// shopPassword is that of the merchant of the small configuration.
const shopPassword = "Heron7Meadow21"

// small is a configuration of one single-message center and one merchant, with changes.
func small(t *testing.T, address string, changes ...func(*config.File)) string {
	t.Helper()
	hash, _, code := settledWith(t, shopPassword+"\n", "password-hash")
	if code != exitOK {
		t.Fatalf("password-hash: exit code %d", code)
	}
	f := config.File{Ledger: config.LedgerFile{Zone: "Europe/Minsk"}, Calendars: map[string]config.CalendarFile{"all": {Horizon: "2099-12-31"}},
		Centers: []config.CenterFile{{ID: 1, Name: "PC-C", Zone: "Europe/Minsk", Capabilities: config.CapabilitiesFile{Refund: "online"},
			Online: online.Settings{Address: address, Acquirer: "123456", Timeout: 10 * time.Second}}},
		Merchants: []config.MerchantFile{{ID: 7, Name: "Shop", Street: "Nemiga 1", City: "Minsk", Postal: "220030", Country: "BLR", MCC: "5411",
			Currency: "BYN", Login: "merchant_7", PasswordHash: strings.TrimSpace(hash),
			Routes: []config.RouteFile{{Center: "PC-C", Currencies: []string{"BYN"}, Terminal: "T1", Acceptor: "A1"}}}}}
	for _, change := range changes {
		change(&f)
	}
	text, err := yaml.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, filepath.Join(t.TempDir(), "settled.yaml"), string(text))
}

func settledWith(t *testing.T, stdin string, args ...string) (out, errOut string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = execute(t.Context(), args, strings.NewReader(stdin), &stdout, &stderr)
	return stdout.String(), stderr.String(), code
}

func TestUsage(t *testing.T) {
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--help"}, exitOK, "Take payments"},
		{nil, exitOK, "Available Commands"},
		{[]string{"settle"}, exitUsage, `there is no command "settle"`},
		{[]string{"batch", "burn"}, exitUsage, `settled batch has no command "burn"`},
		{[]string{"demo", "--orders", "many"}, exitUsage, "invalid argument"},
		{[]string{"order", "show"}, exitUsage, "takes 1 arguments, got 0"},
		{[]string{"serve", "now"}, exitUsage, "takes 0 arguments, got 1"},
		{[]string{"demo", "--sed", "7"}, exitUsage, "unknown flag"},
	} {
		out, errOut, code := settledWith(t, "", tt.args...)
		if code != tt.code || !strings.Contains(out+errOut, tt.want) {
			t.Errorf("settled %v: exit code %d, want %d; %q in\n%s%s", tt.args, code, tt.code, tt.want, out, errOut)
		}
	}
}

func TestBadInputSaysWhereAndWhy(t *testing.T) {
	good := small(t, "127.0.0.1:1")
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	broken := func(old, new string) string {
		if !bytes.Contains(text, []byte(old)) {
			t.Fatalf("the configuration lacks %q", old)
		}
		return write(t, filepath.Join(t.TempDir(), "broken.yaml"), strings.Replace(string(text), old, new, 1))
	}
	unsafe, unmigrated := pgtest.URL(t), pgtest.Empty(t)
	live := small(t, "online.pc-c.by:7001", safe(t))
	remote := map[string]string{"SETTLED_CONFIG": live, "DATABASE_URL": "postgres://settled:swordfish@db.invalid/books?sslmode=require"}
	for _, tt := range []struct {
		name string
		env  map[string]string
		args []string
		want string
	}{
		{"no configuration", map[string]string{"DATABASE_URL": unsafe}, []string{"serve"}, "settled.yaml: no such file or directory (SETTLED_CONFIG names another)"},
		{"malformed YAML", map[string]string{"SETTLED_CONFIG": broken("centers:", "centers: [")}, []string{"config", "check"}, "broken.yaml:"},
		{"unknown key", map[string]string{"SETTLED_CONFIG": broken("mcc:", "mmc:")}, []string{"config", "check"}, `unknown key "mmc"`},
		{"unknown zone", map[string]string{"SETTLED_CONFIG": broken("Europe/Minsk", "Europe/Mink")}, []string{"work"}, `broken.yaml:2: ledger.zone: "Europe/Mink" is no IANA time zone`},
		{"no database", map[string]string{"SETTLED_CONFIG": good}, []string{"run"}, "DATABASE_URL is not set"},
		{"nobody at the database", map[string]string{"SETTLED_CONFIG": good, "DATABASE_URL": "postgres://x@127.0.0.1:1/x"}, []string{"audit"}, "database"},
		{"missing migrations", map[string]string{"SETTLED_CONFIG": good, "DATABASE_URL": unmigrated}, []string{"audit"}, "run settled migrate"},
		{"fsync off", map[string]string{"SETTLED_CONFIG": good, "DATABASE_URL": unsafe}, []string{"serve"}, "fsync"},
		{"a database that need not prove itself", remote, []string{"config", "check"}, "host db.invalid: its sslmode does not check"},
		{"migration of one", remote, []string{"migrate"}, "write sslmode=verify-full into DATABASE_URL"},
		{"start on one", remote, []string{"serve"}, "write sslmode=verify-full into DATABASE_URL"},
		{"open API in live", map[string]string{"SETTLED_CONFIG": live, "SETTLED_LISTEN": ":8080"}, []string{"config", "check"}, `SETTLED_LISTEN=":8080": a live installation takes no plain HTTP`},
		{"open metrics in live", map[string]string{"SETTLED_CONFIG": live, "SETTLED_METRICS_LISTEN": "0.0.0.0:9180"}, []string{"config", "check"}, "SETTLED_METRICS_NETWORKS"},
		{"no certificate", map[string]string{"SETTLED_CONFIG": good, "SETTLED_TLS_CERT": "none.crt", "SETTLED_TLS_KEY": "none.key"}, []string{"config", "check"}, "none.crt: no such file"},
		{"certificate without a key", map[string]string{"SETTLED_CONFIG": good, "SETTLED_TLS_CERT": "none.crt"}, []string{"config", "check"}, "SETTLED_TLS_KEY: one is given without the other"},
		{"wrong variable", map[string]string{"SETTLED_LANES": "none"}, []string{"config", "check"}, `SETTLED_LANES="none"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, errOut, code := settled(t, tt.env, tt.args...)
			if code != exitConfig || !strings.Contains(errOut, tt.want) {
				t.Errorf("exit code %d, want %d; %q in\n%s", code, exitConfig, tt.want, errOut)
			}
		})
	}
}

func TestSetUpFromNothing(t *testing.T) {
	server := durable(t)
	env := map[string]string{"DATABASE_URL": server.URL("postgres"), "SETTLED_CONFIG": small(t, "127.0.0.1:1"), "SETTLED_KEYS": filepath.Join(t.TempDir(), "keys")}
	_, errOut, code := settled(t, env, "migrate")
	if code != exitOK {
		t.Fatalf("migrate: exit code %d\n%s", code, errOut)
	}
	if out, _, _ := settled(t, env, "migrate"); out != "nothing to apply\n" {
		t.Errorf("second migrate: %q", out)
	}
	if _, errOut, code = settled(t, env, "audit"); code != exitConfig || !strings.Contains(errOut, "settled keys new") {
		t.Errorf("audit without keys: exit code %d\n%s", code, errOut)
	}
	if _, errOut, code = settled(t, env, "keys", "new"); code != exitOK {
		t.Fatalf("keys new: exit code %d\n%s", code, errOut)
	}
	out, errOut, code := settled(t, env, "audit", "--json")
	if code != exitOK || !strings.Contains(out, `"INV-1"`) {
		t.Errorf("audit: exit code %d\n%s%s", code, out, errOut)
	}
	if out, _, _ = settled(t, env, "config", "check"); !strings.Contains(out, ": test, 1 centers, 1 merchants, 10 schedules: good") {
		t.Errorf("config check: %q", out)
	}
	if _, _, code = settled(t, env, "order", "show", "500000700000001"); code != exitNotFound {
		t.Errorf("order show of an order that is not there: exit code %d", code)
	}
}

// running is the program while it runs.
type running struct {
	*exec.Cmd
	errOut *lines
}

// lines collects what a process prints and can be waited for.
type lines struct{ all chan string }

func (l *lines) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		select {
		case l.all <- line:
		default:
		}
	}
	return len(p), nil
}

// await returns the first line that contains the text.
func (l *lines) await(t *testing.T, text string) string {
	t.Helper()
	deadline := time.After(3 * time.Minute) // a slow machine is no failure
	for {
		select {
		case line := <-l.all:
			if strings.Contains(line, text) {
				return line
			}
		case <-deadline:
			t.Fatalf("%q was not printed", text)
		}
	}
}

func start(t *testing.T, env map[string]string, out *lines, args ...string) *running {
	t.Helper()
	r := &running{Cmd: program(t, env, args...), errOut: &lines{make(chan string, 10_000)}}
	r.Stderr = r.errOut
	if out != nil {
		r.Stdout = out
	}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	return r
}

func field(t *testing.T, line, name string) string {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(line), &m); err != nil {
		t.Fatalf("log line %q: %v", line, err)
	}
	s, _ := m[name].(string)
	return s
}

func TestSIGTERMFinishesWhatIsInProcess(t *testing.T) {
	center, err := pcsim.New(pcsim.Options{Name: "PC-C", MemberID: "00000123456", Model: pcsim.SingleMessage, Behavior: pcsim.Behavior{LateBy: time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	if err := center.Start(); err != nil {
		t.Fatal(err)
	}
	defer center.Close()
	server := durable(t)
	env := map[string]string{"DATABASE_URL": server.URL("postgres"), "SETTLED_CONFIG": small(t, center.OnlineAddr()), "SETTLED_KEYS": filepath.Join(t.TempDir(), "keys"),
		"SETTLED_LISTEN": "127.0.0.1:0", "SETTLED_METRICS_LISTEN": "127.0.0.1:0"}
	for _, args := range [][]string{{"migrate"}, {"keys", "new"}} {
		if _, errOut, code := settled(t, env, args...); code != exitOK {
			t.Fatalf("%v: %s", args, errOut)
		}
	}
	p := start(t, env, nil, "run")
	line := p.errOut.await(t, `"started"`)
	api, metrics := "http://"+field(t, line, "api"), "http://"+field(t, line, "metrics")
	awaitMetric(t, metrics+"/metrics", `settled_center_connections{pc="PC-C"} 2`)
	answer := make(chan string, 1)
	go func() {
		response, err := http.PostForm(api+"/pay/silentpay.cfm", url.Values{"Merchant_ID": {"7"}, "Login": {"merchant_7"}, "Password": {shopPassword}, "Format": {"5"},
			"OrderNumber": {"A-1"}, "OrderAmount": {"12.30"}, "Cardnumber": {pcsim.CardLate}, "Expiremonth": {"12"}, "Expireyear": {"2035"}, "Cvc2": {"123"}})
		if err != nil {
			answer <- err.Error()
			return
		}
		defer response.Body.Close()
		var b bytes.Buffer
		_, _ = b.ReadFrom(response.Body)
		answer <- b.String()
	}()
	awaitReceived(t, center)
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := <-answer; !strings.Contains(got, `"responsecode":"AS000"`) {
		t.Errorf("the payment in process was answered with %s", got)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("the program ended with %v", err)
	}
	if _, err := http.Get(api); err == nil {
		t.Error("the API still answers")
	}
}

// TestSIGTERMWhileStarting stops the program while it waits for a database that takes connections and says nothing.
func TestSIGTERMWhileStarting(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	env := map[string]string{"DATABASE_URL": "postgres://nobody@" + silent.Addr().String() + "/none?sslmode=disable",
		"SETTLED_CONFIG": small(t, "127.0.0.1:1"), "SETTLED_KEYS": filepath.Join(t.TempDir(), "keys")}
	p := start(t, env, nil, "run")
	line, err := silent.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.errOut.await(t, "stopped before it had started")
	if err := p.Wait(); err != nil {
		t.Errorf("the program ended with %v", err)
	}
}

func awaitMetric(t *testing.T, page, want string) {
	t.Helper()
	eventually(t, want, func() bool {
		response, err := http.Get(page)
		if err != nil {
			return false
		}
		defer response.Body.Close()
		var b bytes.Buffer
		_, _ = b.ReadFrom(response.Body)
		return strings.Contains(b.String(), want)
	})
}

func awaitReceived(t *testing.T, c *pcsim.Center) {
	t.Helper()
	eventually(t, "a payment at the center", func() bool { return c.Books().Requests > 0 })
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come", what)
		}
	}
}

// TestOperatorsAtWork keeps a demo running and asks it everything that an operator can ask.
func TestOperatorsAtWork(t *testing.T) {
	durable(t) // skips where no server can be started
	report := filepath.Join(t.TempDir(), "report.json")
	out := &lines{make(chan string, 10_000)}
	p := start(t, nil, out, "demo", "--orders", "80", "--seed", "3", "--keep", "--report", report)
	out.await(t, "Everything agrees.")
	out.await(t, "export DATABASE_URL")
	text, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	var r demo.Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"DATABASE_URL": r.DatabaseURL, "SETTLED_CONFIG": r.ConfigFile, "SETTLED_KEYS": r.KeyFile}
	t.Run("commands", func(t *testing.T) { operate(t, env) })
	t.Run("goes on", func(t *testing.T) { payKept(t, r, env) })
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("the demo ended with %v", err)
	}
	if _, err := os.Stat(filepath.Dir(r.ConfigFile)); !os.IsNotExist(err) {
		t.Errorf("%s is left behind (%v)", filepath.Dir(r.ConfigFile), err)
	}
	if _, err := pgx.Connect(context.Background(), r.DatabaseURL); err == nil {
		t.Error("the database is left running")
	}
}

// operate runs every command in both forms.
func operate(t *testing.T, env map[string]string) {
	var files []struct {
		File  int64  `json:"file"`
		State string `json:"state"`
	}
	read := func(into any, args ...string) {
		t.Helper()
		out, errOut, code := settled(t, env, append(args, "--json")...)
		if code != exitOK {
			t.Fatalf("settled %v: exit code %d\n%s", args, code, errOut)
		}
		if err := json.Unmarshal([]byte(out), into); err != nil {
			t.Fatalf("settled %v: %v\n%s", args, err, out)
		}
	}
	readParts(t, read)
	read(&files, "file", "list")
	if len(files) == 0 || files[0].State != "replied" {
		t.Fatalf("files: %+v", files)
	}
	file := strconv.FormatInt(files[0].File, 10)
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"batch", "list"}, exitOK, "2026-03-02"},
		{[]string{"batch", "list", "--center", "PC-B", "--from", "2026-03-03", "--state", "replied"}, exitOK, "PC-B"},
		{[]string{"batch", "list", "--center", "PC-X"}, exitUsage, `there is no center "PC-X"`},
		{[]string{"batch", "show", "1"}, exitOK, "interchange"},
		{[]string{"batch", "show", "999"}, exitNotFound, "no such row"},
		{[]string{"batch", "preview", "PC-A"}, exitOK, "window"},
		{[]string{"batch", "seal-now", "PC-A"}, exitUsage, "repeat with --yes"},
		{[]string{"file", "list", "--center", "PC-A"}, exitOK, "ACQ_PC-A_ipm_20260302_000001"},
		{[]string{"file", "show", file}, exitOK, "delivered"},
		{[]string{"file", "verify", file}, exitOK, "ok"},
		{[]string{"file", "release", file, "--reason", "a call"}, exitConflict, "is not built"},
		{[]string{"file", "retry", file, "--reason", "a call"}, exitConflict, "not possible in this state"},
		{[]string{"file", "release", file}, exitUsage, "say why with --reason"},
		{[]string{"file", "retry", file, "--reason", "4111 1111 1111 1111"}, exitUsage, "holds a card number"},
		{[]string{"batch", "seal-now", "PC-A", "--yes"}, exitUsage, "say why with --reason"},
		{[]string{"file", "resend", file}, exitUsage, "--reason"},
		{[]string{"file", "mark-delivered", file}, exitUsage, "--evidence"},
		{[]string{"file", "mark-delivered", file, "--evidence", "a call"}, exitConflict, "not possible in this state"},
		{[]string{"batch", "rebuild", "1", "--reason", "a call"}, exitConflict, "batch 1 is replied"},
		{[]string{"reply", "reconsider", "1", "--reason", "a call"}, exitConflict, "is not quarantined"},
		{[]string{"center", "unpark", "PC-A"}, exitOK, "PC-A"},
		{[]string{"order", "retry", "5730001000000001", "1", "--reason", "a call"}, exitConflict, "is not parked"},
		{[]string{"order", "refuse", "5730001000000001"}, exitConflict, "cannot be paid any more"},
		{[]string{"reply", "list"}, exitOK, "applied"},
		{[]string{"reply", "show", "1"}, exitOK, "RPY_"},
		{[]string{"reject", "list", "--all"}, exitOK, "record"},
		{[]string{"reject", "list", "--all"}, exitOK, "total"},
		{[]string{"reject", "list", "--limit", "0"}, exitUsage, "limit is out of bounds"},
		{[]string{"reject", "list", "--limit", "10001"}, exitUsage, "not within 1 and 10000"},
		{[]string{"reject", "list", "--after", "1"}, exitUsage, "not a key of this list"},
		{[]string{"subscription", "list", "--all", "--limit", "2"}, exitOK, "more: --after subscription/2026-03-0"},
		{[]string{"subscription", "list", "--merchant", "-1"}, exitUsage, "no merchant has the number -1"},
		{[]string{"subscription", "list", "--all"}, exitOK, "declines"},
		{[]string{"subscription", "show", "5730001000000001"}, exitNotFound, "began no subscription"},
		{[]string{"subscription", "cancel", "5730001000000001"}, exitNotFound, "began no subscription"},
		{[]string{"reject", "represent", "5730001000000001", "1", "--reason", "a call"}, exitNotFound, "was not refused"},
		{[]string{"reject", "abandon", "5730001000000001", "1", "--reason", "a call"}, exitNotFound, "was not refused"},
		{[]string{"record", "show", "5730001000000001", "x"}, exitUsage, "is no number of a record"},
		{[]string{"record", "hold", "5730001000000001", "1", "--reason", "a call"}, exitNotFound, "no such order"},
		{[]string{"record", "release", "5730001000000001", "1", "--reason", "a call"}, exitNotFound, "no such order"},
		{[]string{"break", "list", "--all"}, exitOK, "category"},
		{[]string{"break", "show", "999999"}, exitNotFound, "no such break"},
		{[]string{"break", "comment", "999999", "--words", "x"}, exitNotFound, "no such break"},
		{[]string{"break", "assign", "999999", "--to", "ann"}, exitNotFound, "no such break"},
		{[]string{"recon", "authorizations", "list"}, exitOK, "PC-A"},
		{[]string{"recon", "authorizations", "run", "PC-A"}, exitUsage, "--from and --until"},
		{[]string{"recon", "authorizations", "approve", "999", "--reason", "a call"}, exitConflict, "held"},
		{[]string{"recon", "authorizations", "retry", "PC-A", "1", "--reason", "a call"}, exitConflict, "is no unknown approval"},
		{[]string{"retention", "preview"}, exitOK, "declined"},
		{[]string{"retention", "run"}, exitUsage, "nothing was erased"},
		{[]string{"retention", "run", "--yes"}, exitOK, "held back"},
		{[]string{"retention", "report"}, exitOK, "held back"},
		{[]string{"retention", "report", "--from", "monday"}, exitUsage, "is no date"},
		{[]string{"version"}, exitOK, "settled"},
		{[]string{"events", "list"}, exitOK, "outcome"},
		{[]string{"events", "list", "--kind", "file.release", "--object", "file/" + file}, exitOK, "refused"},
		{[]string{"events", "list", "--kind", "center.unpark"}, exitOK, "done"},
		{[]string{"events", "list", "--actor", "operator of the demo"}, exitOK, "batch.rebuild"},
		{[]string{"events", "list", "--kind", "batch.burn"}, exitUsage, `no event has the kind "batch.burn"`},
		{[]string{"events", "list", "--since", "monday"}, exitUsage, "is no date"},
		{[]string{"events", "list", "--object", "/7"}, exitUsage, "an object without its kind"},
		{[]string{"events", "verify"}, exitOK, "0 faults"},
		{[]string{"events", "verify", "--head", "none"}, exitError, "no such file"},
		{[]string{"events", "head"}, exitOK, "20"},
		{[]string{"keys", "list"}, exitOK, "fingerprints"},
		{[]string{"keys", "revoke", "--links", "0"}, exitUsage, "--reason"},
		{[]string{"keys", "revoke", "--reason", "seen in a log"}, exitUsage, "say one of"},
		{[]string{"keys", "revoke", "--fingerprints", "0", "--reason", "seen in a log"}, exitUsage, "nothing was revoked"},
		{[]string{"keys", "rotate", "--links", "--fingerprints"}, exitUsage, "one at a time"},
		{[]string{"keys", "renew"}, exitOK, "stored cards and consents renewed"},
		{[]string{"audit"}, exitOK, "0 violations"},
		{[]string{"ledger", "trial-balance"}, exitOK, "Center receivable: accepted"},
		{[]string{"ledger", "trial-balance", "--as-of", "2026-03-02"}, exitOK, "as of 2026-03-02"},
		{[]string{"ledger", "trial-balance", "--as-of", "monday"}, exitUsage, "is no date"},
		{[]string{"order", "show", "x"}, exitUsage, "is no bill number"},
		{[]string{"order", "show", "5730001000000001"}, exitOK, "PC-"},
	} {
		out, errOut, code := settled(t, env, tt.args...)
		if code != tt.code || !strings.Contains(out+errOut, tt.want) {
			t.Errorf("settled %v: exit code %d, want %d; %q in\n%s%s", tt.args, code, tt.code, tt.want, out, errOut)
		}
		if tt.code != exitOK {
			continue
		}
		var v any
		read(&v, tt.args...)
	}
}

// readParts reads a list in one piece, which is an array, and in parts, which say what comes next.
func readParts(t *testing.T, read func(into any, args ...string)) {
	t.Helper()
	type line struct {
		Order int64 `json:"order"`
		Max   int64 `json:"max"`
	}
	list := []string{"subscription", "list", "--all"}
	var whole, parts []line
	read(&whole, list...)
	for args := append(list, "--limit", "2"); ; {
		var part struct {
			Rows []line `json:"rows"`
			Next string `json:"next"`
		}
		read(&part, args...)
		parts = append(parts, part.Rows...)
		if part.Next == "" {
			break
		}
		args = append(list, "--limit", "2", "--after", part.Next)
	}
	if len(whole) < 3 || !slices.Equal(whole, parts) {
		t.Errorf("%d subscriptions in one piece, %d in parts", len(whole), len(parts))
	}
	var rejects struct {
		Rows   []line      `json:"rows"`
		Totals []totalLine `json:"totals"`
	}
	read(&rejects, "reject", "list", "--all", "--limit", "1000")
	if len(rejects.Rows) == 0 || len(rejects.Totals) == 0 || rejects.Totals[0].Rows == 0 || rejects.Totals[0].Amount == 0 {
		t.Errorf("rejects: %+v", rejects)
	}
}

// payKept pays, over HTTP, at the demo that goes on, and looks the order up.
func payKept(t *testing.T, r demo.Report, env map[string]string) {
	i := slices.IndexFunc(r.Merchants, func(m demo.MerchantDoor) bool { return m.Center == "PC-A" })
	m := r.Merchants[i]
	response, err := http.PostForm(r.APIURL+"/pay/silentpay.cfm", url.Values{"Merchant_ID": {strconv.Itoa(int(m.Merchant))}, "Login": {m.Login},
		"Password": {m.Password}, "Format": {"5"}, "OrderNumber": {"KEPT-1"}, "OrderAmount": {"10.00"}, "OrderCurrency": {"BYN"},
		"Cardnumber": {r.Cards[0].Number}, "Expiremonth": {"12"}, "Expireyear": {"2030"}, "Cvc2": {"123"}})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Payment struct {
			Bill     string `json:"billnumber"`
			Response string `json:"responsecode"`
		} `json:"silentpay"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.Payment.Response != "AS000" {
		t.Fatalf("payment: %+v (%v)", answer, err)
	}
	bill, _, _ := strings.Cut(answer.Payment.Bill, ".")
	out, errOut, code := settled(t, env, "order", "show", bill)
	if code != exitOK || !strings.Contains(out, "KEPT-1") {
		t.Errorf("order show: exit code %d\n%s%s", code, out, errOut)
	}
	out, errOut, code = settled(t, env, "batch", "seal-now", "PC-A", "--yes", "--reason", "a test")
	if code == exitConflict && strings.Contains(errOut, "the open window is of business date") {
		return // it is between PC-A's cut-off and midnight: what was sold now is dated tomorrow
	}
	if code != exitOK || !strings.Contains(out, "is sealed") {
		t.Errorf("seal-now: exit code %d\n%s%s", code, out, errOut)
	}
	eventually(t, "the center's reply to the file", func() bool {
		since := time.Now().AddDate(0, 0, -1).Format(time.DateOnly)
		out, _, _ := settled(t, env, "file", "list", "--center", "PC-A", "--state", "replied", "--from", since)
		return strings.Contains(out, "ACQ_PC-A")
	})
}
