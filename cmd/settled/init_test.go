package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"settled/internal/app/install"
	"settled/internal/postgres/local"
)

// production reads the commands of a document that a user follows to an installation: its first block of sh.
func production(t *testing.T, document string) string {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```sh\n")
	block, _, there := strings.Cut(rest, "```")
	if !there {
		t.Fatalf("%s has no block of sh", document)
	}
	return block
}

// session is a shell that is typed into. It ends at the first command that fails.
type session struct {
	*exec.Cmd
	in   io.Writer
	out  *bufio.Reader
	errs bytes.Buffer
}

func openSession(t *testing.T, dir string, env ...string) *session {
	t.Helper()
	s := &session{Cmd: exec.CommandContext(t.Context(), "sh", "-e")}
	s.Dir, s.Env, s.Stderr, s.WaitDelay = dir, env, &s.errs, 10*time.Second
	s.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := s.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.in, s.out = in, bufio.NewReader(out)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-s.Process.Pid, syscall.SIGTERM) // with all that it left running
		_ = s.Wait()
	})
	return s
}

// typed types lines and returns what they print, which has to end well.
func (s *session) typed(t *testing.T, lines string) (printed string) {
	t.Helper()
	const done, ended = "== these lines are done\n", "== the shell has ended\n" // what it started may keep its output open
	if _, err := io.WriteString(s.in, "trap \"echo '"+strings.TrimSpace(ended)+"'\" EXIT\n"+lines+"\necho '"+strings.TrimSpace(done)+"'\n"); err != nil {
		t.Fatal(err)
	}
	for {
		line, err := s.out.ReadString('\n')
		if err != nil || line == ended {
			t.Fatalf("the shell ended (%v) at\n%s\n%s%s", err, lines, printed, s.errs.String())
		}
		last, over := strings.CutSuffix(line, done)
		if printed += last; over {
			return printed
		}
	}
}

// built are the programs as README.md builds them, and those of PostgreSQL, as a PATH.
func built(t *testing.T, command string) string {
	t.Helper()
	postgres, err := local.Binaries(t.Context())
	if err == nil {
		_, err = os.Stat(filepath.Join(postgres, "psql"))
	}
	if err == nil {
		_, err = exec.LookPath("curl")
	}
	if err != nil && os.Getenv("SETTLED_REQUIRE_ALL") != "1" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	c := exec.CommandContext(t.Context(), "sh", "-c", command)
	c.Dir, c.Env = filepath.Join("..", ".."), append(os.Environ(), "GOBIN="+bin)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return bin + ":" + postgres + ":" + os.Getenv("PATH")
}

// byPassword starts a server that asks everybody for a password who comes by TCP, and returns where that is, and what an administrator on the machine
// has in his environment.
func byPassword(t *testing.T) (address string, administrator []string) {
	t.Helper()
	server, err := local.Start(t.Context(), local.Config{TCP: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	runSQL(t, server.URL("postgres"), `DO $$ BEGIN
		EXECUTE format($q$COPY (VALUES ('local all settled trust'), ('host all all 127.0.0.1/32 scram-sha-256')) TO %L$q$, current_setting('hba_file'));
		PERFORM pg_reload_conf(); END $$`)
	u, err := url.Parse(server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	port := u.Query().Get("port")
	return "127.0.0.1:" + port, []string{"PGHOST=" + u.Query().Get("host"), "PGPORT=" + port, "PGUSER=" + u.User.Username()}
}

// free are addresses of this host that nobody listens at.
func free(t *testing.T, n int) (all []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		all = append(all, l.Addr().String())
	}
	return all
}

// move rewrites the files of an installation, as the addresses that it would have may be somebody else's on this host.
func move(t *testing.T, dir string, addresses *strings.Replacer) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		write(t, name, addresses.Replace(string(text)))
	}
}

// TestProductionWordByWord follows README.md on a fresh server whose database has an ordinary owner: the programs as it builds them, each command as
// it stands there but for ports and the password that init showed, up to the first payment. What init prints as next is what README.md says. Last the
// processes run apart, each as its own login.
func TestProductionWordByWord(t *testing.T) {
	block := production(t, filepath.Join("..", "..", "README.md"))
	build, commands, _ := strings.Cut(block, "\n")
	path := built(t, build)
	host, administrator := byPassword(t)
	f := free(t, 5)
	addresses := strings.NewReplacer("127.0.0.1/settled", host+"/settled", "127.0.0.1:8080", f[0], "127.0.0.1:9180", f[1], "127.0.0.1:7583", f[2], "127.0.0.1:7022", f[3])
	work := t.TempDir()
	sh := openSession(t, work, append(administrator, "PATH="+path, "HOME="+work, "SETTLED_METRICS_LISTEN="+f[1], "PCSIM_STATUS=127.0.0.1:0", "PCSIM_BANK=127.0.0.1:0", "PCSIM_THREEDS=127.0.0.1:0")...)

	first, rest, found := strings.Cut(commands, "# The administrator makes roles")
	if !found {
		t.Fatal("README.md does not say when the administrator makes roles")
	}
	printed := sh.typed(t, addresses.Replace(first))
	password := regexp.MustCompile(`password +(\w{26})\n`).FindStringSubmatch(printed)
	if password == nil {
		t.Fatalf("init showed no password:\n%s", printed)
	}
	said := nextOf(strings.ReplaceAll(printed, password[1], "PASSWORD"))
	if want := slices.DeleteFunc(strings.Split(strings.TrimSpace("#"+rest), "\n"), func(line string) bool { return strings.HasPrefix(line, "#") }); !slices.Equal(said, want) {
		t.Errorf("init prints as next\n%s\nREADME.md says\n%s", strings.Join(said, "\n"), strings.Join(want, "\n"))
	}
	move(t, filepath.Join(work, "settled"), addresses)
	rest = strings.ReplaceAll(addresses.Replace("#"+rest), "PASSWORD", password[1])
	printed = sh.typed(t, rest)
	for _, want := range []string{"settled.yaml: test, 1 centers, 1 merchants, ", "settled_settled_app_1 works as settled_settled_app, which may", ", 0 bad, 3 unchecked", "ready",
		"BYN at PC-A", `"responsecode":"AS000"`, "number       FIRST-1", "state        Approved"} {
		if !strings.Contains(printed, want) {
			t.Errorf("%q is not in\n%s", want, printed)
		}
	}
	if warned := regexp.MustCompile(`(?m)^(\w+) +warning`).FindAllStringSubmatch(printed, -1); !slices.Equal(seconds(warned), []string{"workers", "schedules", "windows"}) {
		t.Errorf("before its start the doctor warns of %v", seconds(warned))
	}
	later := sh.typed(t, "settled audit; settled doctor --centers; settled doctor --json; DATABASE_URL='postgres://settled_owner:choose-one-1@"+host+"/settled' settled migrate")
	for _, want := range []string{", 0 violations", ", 0 bad, 1 unchecked", "\"check\": \"rights\",\n      \"state\": \"good\"", "nothing to apply\n"} {
		if !strings.Contains(later, want) {
			t.Errorf("%q is not in\n%s", want, later)
		}
	}
	apart(t, sh, regexp.MustCompile("curl .*silentpay.*").FindString(rest), []string{f[1], f[4]})
}

func seconds(matches [][]string) (all []string) {
	for _, m := range matches {
		all = append(all, m[1])
	}
	return all
}

// nextOf are the commands that init prints as next, without their remarks.
func nextOf(printed string) (all []string) {
	_, text, _ := strings.Cut(printed, "Now, word by word:\n")
	for line := range strings.Lines(text) {
		command, _, _ := strings.Cut(strings.TrimSpace(line), " #")
		all = append(all, command)
	}
	return all
}

// apart stops settled run, starts settled serve and settled work, each as its own login, and pays once more.
func apart(t *testing.T, sh *session, payment string, metrics []string) {
	t.Helper()
	const ready = "curl -sS --retry 60 --retry-delay 1 --retry-all-errors http://"
	printed := sh.typed(t, `kill $!; wait $! || true
(set -a; . settled/serve.env; exec settled serve) 2> serve.log &
(set -a; . settled/work.env; SETTLED_METRICS_LISTEN=`+metrics[1]+` exec settled work) 2> work.log &
`+ready+metrics[0]+`/readyz
`+ready+metrics[1]+`/readyz
(set -a; . settled/serve.env; settled doctor)
(set -a; . settled/work.env; settled doctor)
`+strings.Replace(payment, "FIRST-1", "APART-1", 1))
	for _, want := range []string{"settled_settled_api_1 works as settled_settled_api, which may", "settled_settled_work_1 works as settled_settled_work, which may", `"responsecode":"AS000"`} {
		if !strings.Contains(printed, want) {
			t.Errorf("%q is not in\n%s", want, printed)
		}
	}
}

// TestInstallPageSaysTheSame: README.md and docs/install.md have the same commands.
func TestInstallPageSaysTheSame(t *testing.T) {
	if production(t, filepath.Join("..", "..", "README.md")) != production(t, filepath.Join("..", "..", "docs", "install.md")) {
		t.Error("the commands of docs/install.md are not those of README.md")
	}
}

// TestInitRefuses: without a word it asks nobody here, and what is wrong is told before anything is written.
func TestInitRefuses(t *testing.T) {
	work := t.TempDir()
	there := filepath.Join(work, "there")
	if err := os.Mkdir(there, 0o700); err != nil {
		t.Fatal(err)
	}
	full := []string{"--dir", filepath.Join(work, "new"), "--database", "postgres://nobody@127.0.0.1:1/none", "--country", "BLR", "--currency", "BYN", "--zone", "Europe/Minsk", "--merchant-name", "North Star"}
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--dir", filepath.Join(work, "new")}, exitUsage, "nobody was there to be asked; say --database, --country, --currency, --zone, --merchant-name"},
		{[]string{"--yes", "--environment", "live"}, exitUsage, "--database, --center, --center-address,"},
		{append(slices.Clone(full), "--currency", "BYX"), exitUsage, "--currency: "},
		{append(slices.Clone(full), "--dir", there), exitConflict, "is there already"},
		{full, exitConfig, "database"},
	} {
		out, errOut, code := settled(t, nil, append([]string{"init"}, tt.args...)...)
		if code != tt.code || out != "" || !strings.Contains(errOut, tt.want) {
			t.Errorf("init %v: exit code %d\n%s%s", tt.args, code, out, errOut)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(work, "*")); !slices.Equal(left, []string{there}) {
		t.Errorf("left behind: %v", left)
	}
}

// TestInitAsks answers at a terminal: nothing, something wrong, and the end of the input.
func TestInitAsks(t *testing.T) {
	a := install.Answers{Environment: "test", URL: "http://127.0.0.1:8080", Country: "BLR", Zone: "Europe/Minsk", Merchant: "7"}
	var asked bytes.Buffer
	answers := "postgres://me@/db\n\n\n\n\n\n\n\nBYX\nBYN\n\nNorth Star\n\n\n\n\n\n\n"
	if err := a.Complete(askAt(t.Context(), strings.NewReader(answers), &asked)); err != nil {
		t.Fatalf("%v\n%s", err, asked.String())
	}
	if a.Currency != "BYN" || a.Name != "North Star" || a.Center != install.CenterSim || a.MCC != "5999" {
		t.Errorf("%+v", a)
	}
	for _, want := range []string{"on this host (pcsim, dual-message, single-message) [pcsim]: ", `"BYX"`, "an answer is needed"} {
		if !strings.Contains(asked.String(), want) {
			t.Errorf("%q was not said:\n%s", want, asked.String())
		}
	}
	short := install.Answers{}
	if err := short.Complete(askAt(t.Context(), strings.NewReader("test\n"), &asked)); !errors.Is(err, errUnanswered) || !errors.Is(err, install.ErrAnswers) {
		t.Errorf("the end of the input: %v", err)
	}
}

// TestInitStops: who is asked can be interrupted.
func TestInitStops(t *testing.T) {
	silent, _ := io.Pipe()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := new(install.Answers).Complete(askAt(ctx, silent, io.Discard)); !errors.Is(err, ctx.Err()) || ctx.Err() == nil {
		t.Errorf("%v", err)
	}
}
