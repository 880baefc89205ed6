package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"settled/clearing"
	"settled/clearing/files"
	"settled/clearing/states"
	"settled/internal/app/apptest"
	"settled/internal/config"
	"settled/internal/money"
	"settled/internal/pcsim"
	"settled/internal/postgres/local"
	"settled/internal/postgres/pgtest"
	"settled/internal/vault"
	"settled/migrations"
	"settled/settle"
	"settled/settle/epoch"
	"settled/settle/settletest"

	"github.com/jackc/pgx/v5"
	"golang.org/x/crypto/ssh"
)

var clearingText = apptest.Config(`
  - id: 1
    name: PC-A
    zone: Europe/Minsk
    environment: test
    online: {address: "127.0.0.1:1", acquirer: "00000012345"}
    capabilities: {financial_record: true, two_stage: true, refund: file}
    clearing:
      stream: ipm
      format: ipm
      mode: test
      member: "00000012345"
      acquirer_bin: "512345"
      calendar: all
      sequence: forever
      windows:
        - {no: 1, cutoff: "23:00", deadline: "23:45", days: all}
      reject_classes: [{from: 1000, to: 9999, class: format}]
      sftp:
        address: "ADDRESS"
        user: acq
        password_file: password
        host_keys: ["HOSTKEY"]
        upload_dir: /in
        reply_dir: /out
        removes_files: REMOVES
      replies: {pattern: 'PATTERN'}
`, `{center: PC-A, currencies: [BYN], terminal: TERM0001, acceptor: MERCHANT0000001, mdr_bps: 250}`)

// namesFile is a pattern of replies whose names tell what they answer.
const namesFile = `^RPY_(?P<file>.+)_[0-9]+\.ipm$`

// restorable is an installation whose database is backed up and restored: a server with a directory of its own, and a center that is
// not restored with it.
type restorable struct {
	t      *testing.T
	dir    string // of the server that runs
	server *local.Server
	center *pcsim.Center
	clock  *settletest.Clock
	o      Options
	core   *Core
	db     string // that core is on
	log    *strings.Builder
	number int

	pattern string // of replies
}

// durable keeps what a base backup needs.
var durable = map[string]string{"fsync": "off", "wal_level": "replica", "autovacuum": "off"}

func newRestorable(t *testing.T, removes bool, patterns ...string) *restorable {
	t.Helper()
	r := &restorable{t: t, pattern: append(patterns, namesFile)[0], clock: &settletest.Clock{}, log: &strings.Builder{}, dir: serverDir(t, "first")}
	r.clock.Set(time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC))
	var err error
	r.center, err = pcsim.New(pcsim.Options{Name: "PC-A", MemberID: "00000012345", Now: r.clock.Now, RemovesFiles: removes, Sequence: pcsim.SequenceForever,
		Users: []pcsim.User{{Name: "acq", Password: "secret"}}})
	must(t, err)
	must(t, r.center.Start())
	t.Cleanup(func() { must(t, r.center.Close()) })
	r.configure(removes)
	r.serve(durable)
	must(t, migrations.Up(t.Context(), r.url("postgres")))
	r.open("postgres")
	_, err = r.core.Night.PlanWindows(t.Context(), r.clock.Now())
	must(t, err)
	return r
}

// serverDir is a directory that the server's user can get to.
func serverDir(t *testing.T, name string) string {
	dir := filepath.Join("/tmp", fmt.Sprintf("settled-restore-%d-%s-%s", os.Getpid(), strings.ReplaceAll(t.Name(), "/", "_"), name))
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (r *restorable) configure(removes bool) {
	r.t.Helper()
	dir := r.t.TempDir()
	key := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(r.center.HostKey())))
	text := strings.NewReplacer("ADDRESS", r.center.SFTPAddr(), "HOSTKEY", key, "REMOVES", strconv.FormatBool(removes), "PATTERN", r.pattern).Replace(clearingText)
	path, keys := filepath.Join(dir, "settled.yaml"), filepath.Join(dir, "keys")
	must(r.t, os.WriteFile(path, []byte(text), 0o600))
	must(r.t, os.WriteFile(filepath.Join(dir, "password"), []byte("secret"), 0o600))
	must(r.t, vault.Generate(keys))
	cfg, err := config.Load(path)
	must(r.t, err)
	r.o = Options{Config: cfg, Now: r.clock.Now, ThrowAway: true, Log: slog.New(slog.NewTextHandler(io.MultiWriter(r.log), nil)),
		Environment: config.Environment{Keys: keys, Listen: "127.0.0.1:0", MetricsListen: "127.0.0.1:0", MaxConns: 6, Lanes: 1}}
}

// serve starts the server on its directory.
func (r *restorable) serve(settings map[string]string) {
	r.t.Helper()
	var err error
	r.server, err = local.Start(r.t.Context(), local.Config{Dir: r.dir, Settings: settings})
	must(r.t, err)
	server := r.server
	r.t.Cleanup(func() { _ = server.Stop() })
	r.writable()
}

// writable waits until the server takes writes: one that recovers a backup answers readers before it has ended its recovery.
func (r *restorable) writable() {
	conn, err := pgx.Connect(r.t.Context(), r.url("postgres"))
	must(r.t, err)
	defer conn.Close(r.t.Context())
	for recovering := true; recovering; time.Sleep(10 * time.Millisecond) {
		must(r.t, conn.QueryRow(r.t.Context(), `SELECT pg_is_in_recovery()`).Scan(&recovering))
	}
}

func (r *restorable) url(db string) string { return r.server.URL(db) }

// open starts a process on a database.
func (r *restorable) open(db string) {
	r.t.Helper()
	r.db, r.o.Environment.DatabaseURL = db, r.url(db)
	var err error
	r.core, err = Open(r.t.Context(), r.o)
	must(r.t, err)
	r.t.Cleanup(r.core.Close)
}

// begin asks for a payment.
func (r *restorable) begin() (*settle.Payment, error) {
	r.number++
	m, _ := r.o.Config.Directory.Merchant(7)
	pan, err := vault.ParsePAN(settletest.Card)
	must(r.t, err)
	p, _, err := r.core.Books.Begin(r.t.Context(), settle.Intent{Merchant: m, OrderNumber: strconv.Itoa(r.number), Amount: money.Amount{Minor: 1000, Currency: money.BYN},
		PAN: pan, CardExpiry: "2812", Fingerprint: settle.Fingerprint{Kept: []byte(strconv.Itoa(r.number))}})
	return p, err
}

// pay makes n payments, and returns their bill numbers and exchanges.
func (r *restorable) pay(n int) (numbers []int64) {
	r.t.Helper()
	for range n {
		p, err := r.begin()
		must(r.t, err)
		must(r.t, r.core.Books.Finish(r.t.Context(), p, settle.Result{Approved: true, ActionCode: "000", ApprovalCode: "A1B2C3", Response: "AS000"}))
		numbers = append(numbers, p.Order, p.Exchange)
	}
	return numbers
}

// night plays the cut-off of the day, the center, and its reply.
func (r *restorable) night() {
	r.t.Helper()
	now := r.clock.Now()
	r.clock.Set(time.Date(now.Year(), now.Month(), now.Day(), 20, 1, 0, 0, time.UTC))
	for range 2 {
		_ = r.core.Step(r.t.Context()) // what it could not do shows at the center
		_, err := r.center.Process(r.t.Context(), r.clock.Now())
		must(r.t, err)
		r.clock.Advance(time.Hour)
	}
}

// sent are the names of the files that the center got, in order, and the id in each.
func (r *restorable) sent() (files []string) {
	for _, report := range r.center.Reports() {
		files = append(files, report.Name)
	}
	return files
}

func (r *restorable) stop() {
	r.t.Helper()
	r.core.Close()
	must(r.t, r.server.Stop())
}

// run runs a program of PostgreSQL.
func (r *restorable) run(program string, args ...string) {
	r.t.Helper()
	bin, err := local.Binaries(r.t.Context())
	must(r.t, err)
	path := filepath.Join(bin, program)
	if _, err := os.Stat(path); err != nil {
		r.t.Skip("no ", program, " beside the server")
	}
	if out, err := exec.CommandContext(r.t.Context(), path, args...).CombinedOutput(); err != nil {
		r.t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// dump makes a logical backup, and returns what restores it into a new database.
func (r *restorable) dump() (restore func()) {
	file := filepath.Join(r.t.TempDir(), "dump")
	r.run("pg_dump", "-Fc", "-f", file, r.url("postgres"))
	return func() {
		r.core.Close()
		r.run("createdb", "--maintenance-db="+r.url("postgres"), "restored")
		r.run("pg_restore", "-d", r.url("restored"), file)
		must(r.t, migrations.Up(r.t.Context(), r.url("restored"))) // roles are those of a database's name
		r.open("restored")
	}
}

// twice are the numbers of b that are in a, too.
func twice(a, b []int64) (out []int64) {
	for _, n := range b {
		if slices.Contains(a, n) {
			out = append(out, n)
		}
	}
	return out
}

// sql runs a statement with the rights of the owner.
func (r *restorable) sql(statement string, args ...any) {
	r.t.Helper()
	conn, err := pgx.Connect(r.t.Context(), r.url(r.db))
	must(r.t, err)
	defer conn.Close(r.t.Context())
	_, err = conn.Exec(r.t.Context(), statement, args...)
	must(r.t, err)
}

// files are the files in the books, with their states.
func (r *restorable) files() (out []files.File) {
	r.t.Helper()
	found, err := r.core.Night.Files(r.t.Context(), clearing.Query{})
	must(r.t, err)
	slices.Reverse(found.Rows)
	return found.Rows
}

func (r *restorable) audited(want ...string) {
	r.t.Helper()
	report, err := r.core.Audit(r.t.Context())
	must(r.t, err)
	var got []string
	for _, f := range report.Broken() {
		got = append(got, f.Invariant)
		if !slices.Contains(want, f.Invariant) {
			r.t.Errorf("%s: %v", f.Title, f.Examples)
		}
	}
	if len(got) != len(want) {
		r.t.Errorf("broken: %v, want %v", got, want)
	}
}

// TestRestoredDumpGivesNoNumberTwice restores a dump from before a delivery. The center has taken the file away: nothing there tells of it
// but the reply. Nothing is taken or sent until a person has named what was found; then numbers go on above it.
func TestRestoredDumpGivesNoNumberTwice(t *testing.T) {
	r := newRestorable(t, true)
	r.pay(2)
	restore := r.dump()
	backup := r.clock.Now()
	lost := r.pay(70) // more than the numbers that were reserved before the dump
	r.night()
	if names := r.sent(); len(names) != 1 {
		t.Fatalf("the center got %v", names)
	}
	restore()
	r.sql(`UPDATE epochs SET since = $1, begun_at = $2 WHERE epoch = 2`, backup, r.clock.Now()) // the clock of the test is not the database's
	if p, err := r.begin(); !errors.Is(err, settle.ErrHeld) {
		t.Errorf("a payment is taken: %+v, %v; given before: %v", p, err, twice(lost, []int64{p.Order, p.Exchange}))
	}
	r.night()
	if names := r.sent(); len(names) != 1 {
		t.Errorf("the center got %v", names)
	}
	r.audited("INV-37")
	r.resumed(lost, r.sent()[0])
}

// TestRepliesAreReadForLostFiles: neither the center's directory nor the names of its replies tell of the file.
func TestRepliesAreReadForLostFiles(t *testing.T) {
	r := newRestorable(t, true, `^RPY_.+_[0-9]+\.ipm$`)
	restore := r.dump()
	backup := r.clock.Now()
	lost := r.pay(1)
	r.night()
	restore()
	r.sql(`UPDATE epochs SET since = $1, begun_at = $2 WHERE epoch = 2`, backup, r.clock.Now())
	r.clock.Set(backup)
	r.number = 100
	r.resumed(lost, r.center.Reports()[0].FileID)
}

// TestAStoredReplyThatCannotBeReadIsNoLook: a reply tells of a lost file, and our own store does not give it back. That the look found nothing
// is then no proof that there is nothing.
func TestAStoredReplyThatCannotBeReadIsNoLook(t *testing.T) {
	r := newRestorable(t, true, `^RPY_.+_[0-9]+\.ipm$`)
	restore := r.dump()
	r.pay(1)
	r.night()
	restore()
	v, err := r.core.Night.Survey(t.Context(), 1)
	if err != nil || len(v.Lost) != 1 {
		t.Fatalf("%+v, %v", v, err)
	}
	r.sql(`UPDATE reply_chunks SET bytes = overlay(bytes PLACING '\x00000000' FROM 20)`)
	if v, err := r.core.Night.Survey(t.Context(), 1); err == nil {
		t.Errorf("looked at, and found %+v", v)
	}
}

// resumed lets the books go on as a person does, and plays the next nights.
func (r *restorable) resumed(lost []int64, name string) {
	t := r.t
	t.Helper()
	report, err := r.core.Resume(t.Context(), ResumeOptions{DryRun: true})
	must(t, err)
	if len(report.Centers) != 1 || len(report.Centers[0].Lost) != 1 || report.Centers[0].Lost[0].Name != name || len(report.Open) != 2 || len(report.Jumps) != 4 {
		t.Fatalf("found: %+v", report)
	}
	for _, o := range []ResumeOptions{{Reason: "x"}, {Reason: "x", Lost: []string{name}}, {Reason: "x", Asked: []int16{1}}} {
		if _, err := r.core.Resume(t.Context(), o); !errors.Is(err, ErrOpen) {
			t.Fatalf("resumed with %+v: %v", o, err)
		}
	}
	if _, err := r.core.Resume(t.Context(), ResumeOptions{Lost: []string{name}, Asked: []int16{1}}); !errors.Is(err, ErrResumeReason) {
		t.Fatalf("resumed without a reason: %v", err)
	}
	_, err = r.core.Resume(t.Context(), ResumeOptions{Reason: "dump of the morning", Lost: []string{name}, Asked: []int16{1}})
	must(t, err)
	if _, err := r.core.Resume(t.Context(), ResumeOptions{Reason: "x"}); !errors.Is(err, epoch.ErrNotHeld) {
		t.Errorf("resumed twice: %v", err)
	}
	if again := twice(lost, r.pay(70)); len(again) > 0 {
		t.Errorf("given twice: %v", again)
	}
	r.night()
	f := r.files()
	if len(f) != 1 || f[0].Sequence != 2 || !f[0].Frozen || len(r.sent()) != 1 {
		t.Fatalf("after it was resumed: %+v, the center got %v", f, r.sent())
	}
	must(t, r.core.Night.Delivery.MarkDelivered(t.Context(), f[0].ID, "the center has all of it in the lost file"))
	r.clock.Advance(12 * time.Hour)
	r.pay(1)
	r.night()
	if got := r.sent(); len(got) != 2 || !strings.Contains(got[1], "_000003_") {
		t.Errorf("the center got %v", got)
	}
	r.audited()
}

// copied copies the files of the server while it is stopped, and returns what starts it on the copy instead.
func (r *restorable) copied(signals ...string) (restore func(settings map[string]string)) {
	r.t.Helper()
	backup := serverDir(r.t, "copy")
	r.stop()
	if out, err := exec.CommandContext(r.t.Context(), "cp", "-a", r.dir, backup).CombinedOutput(); err != nil {
		r.t.Fatalf("copy: %v\n%s", err, out)
	}
	for _, name := range signals {
		if out, err := exec.CommandContext(r.t.Context(), "cp", "-a", filepath.Join(backup, "PG_VERSION"), filepath.Join(backup, name)).CombinedOutput(); err != nil {
			r.t.Fatalf("signal: %v\n%s", err, out)
		}
	}
	r.serve(durable)
	r.open("postgres")
	return func(settings map[string]string) {
		r.stop()
		r.dir = backup
		all := maps.Clone(durable)
		maps.Copy(all, settings)
		r.serve(all)
	}
}

// found expects that the center is held because it has a file that the books lack, while payments go on with numbers of their own.
func (r *restorable) found(cause epoch.Cause, lost []int64) {
	t := r.t
	t.Helper()
	e, err := epoch.Newest(t.Context(), r.core.Pool)
	must(t, err)
	if e.Cause != cause || e.Held() {
		t.Fatalf("epoch %+v", e)
	}
	if again := twice(lost, r.pay(70)); len(again) > 0 {
		t.Errorf("given twice: %v", again)
	}
	before := r.sent()
	r.night()
	if got := r.sent(); len(got) != len(before) || len(r.files()) != 0 {
		t.Errorf("the center got %v, the books have %v", got, r.files())
	}
	if !strings.Contains(r.log.String(), "books_lack_files") {
		t.Error("nobody was paged")
	}
	r.audited()
}

// TestRecoveredBaseBackupIsLookedAt recovers a base backup from before a delivery, as a fail-over to a standby that lagged does: a new
// timeline begins. It is not old, so payments go on; the center shows the file that is missing.
func TestRecoveredBaseBackupIsLookedAt(t *testing.T) {
	r := newRestorable(t, false)
	r.pay(2)
	restore := r.copied("recovery.signal")
	lost := r.pay(70)
	r.night()
	restore(map[string]string{"restore_command": "/bin/false"})
	r.clock.Advance(-3 * time.Hour)
	r.open("postgres")
	r.number = 100
	r.found(epoch.Promoted, lost)
}

// TestCopiedFilesAreLookedAt starts a copy of the files from before a delivery: nothing in it tells that it is one, but that nobody saw the
// database for a while.
func TestCopiedFilesAreLookedAt(t *testing.T) {
	r := newRestorable(t, false)
	r.pay(2)
	restore := r.copied()
	lost := r.pay(70)
	r.night()
	restore(nil)
	r.sql(`UPDATE epochs SET alive_at = alive_at - interval '10 minutes', since = since - interval '10 minutes'`) // what the test does not wait for
	r.clock.Advance(-3 * time.Hour)
	r.open("postgres")
	r.number = 100
	r.found(epoch.Silence, lost)
	report, err := r.core.Resume(t.Context(), ResumeOptions{DryRun: true})
	must(t, err)
	name := r.sent()[0]
	if len(report.Open) != 1 || !strings.Contains(report.Open[0], name) {
		t.Errorf("open: %q", report.Open)
	}
	_, err = r.core.Resume(t.Context(), ResumeOptions{Reason: "a copy of the files", Lost: []string{name}})
	must(t, err)
	r.night()
	if f := r.files(); len(f) != 1 || f[0].Sequence != 2 || !f[0].Frozen {
		t.Errorf("after it was resumed: %+v", f)
	}
}

// TestNightAfterADowntimeGoesOn: nothing is missing, so nobody is asked, whatever the center shows.
func TestNightAfterADowntimeGoesOn(t *testing.T) {
	r := newRestorable(t, false)
	r.pay(2)
	r.night()
	r.core.Close()
	r.sql(`UPDATE epochs SET alive_at = alive_at - interval '10 hours', since = since - interval '10 hours'`)
	r.open("postgres")
	r.clock.Advance(12 * time.Hour)
	r.pay(1)
	r.night()
	if e, err := epoch.Newest(t.Context(), r.core.Pool); err != nil || e.No != 2 || e.Cause != epoch.Silence {
		t.Errorf("epoch %+v, %v", e, err)
	}
	if got := r.sent(); len(got) != 2 {
		t.Errorf("the center got %v", got)
	}
	r.audited()
}

// TestFileThatBothHaveIsAdopted restores a dump from between the build of a file and its delivery: the file stands at the center with the
// bytes that the books have, so it is delivered, and not sent.
func TestFileThatBothHaveIsAdopted(t *testing.T) {
	r := newRestorable(t, false)
	r.pay(2)
	r.clock.Set(time.Date(2026, 11, 20, 20, 1, 0, 0, time.UTC))
	for _, step := range []func(context.Context, time.Time) (int, error){r.core.Night.SealDue, r.core.Night.BuildDue} {
		_, err := step(t.Context(), r.clock.Now())
		must(t, err)
	}
	restore := r.dump()
	r.night()
	restore()
	report, err := r.core.Resume(t.Context(), ResumeOptions{Reason: "dump of the evening"})
	if err != nil || len(report.Centers[0].Lost) != 0 || len(report.Centers[0].Waiting) != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	r.night()
	if f := r.files(); len(f) != 1 || f[0].Proof != files.ProofPresent || f[0].State != states.FileReplied || len(r.sent()) != 1 {
		t.Errorf("%+v, the center got %v", f, r.sent())
	}
	r.audited()
}

// TestHeldServerTakesNothing: a server on a restored database answers that it may be asked again, says why it is not ready, and its jobs
// do nothing, until it is resumed.
func TestHeldServerTakesNothing(t *testing.T) {
	center, err := pcsim.New(pcsim.Options{Name: "PC-C", MemberID: "00000123456", Model: pcsim.SingleMessage})
	must(t, err)
	must(t, center.Start())
	defer center.Close()
	core, err := Open(t.Context(), options(t, pgtest.URL(t), center.OnlineAddr()))
	must(t, err)
	defer core.Close()
	_, err = pgtest.Owner(t, core.Pool).Exec(t.Context(), `UPDATE epochs SET identity = '1' || identity`)
	must(t, err)
	s, err := Start(t.Context(), core, Roles{Serve: true})
	must(t, err)
	defer func() { must(t, s.Stop(context.WithoutCancel(t.Context()))) }()
	jobs := s.Jobs()
	did := false
	must(t, s.unlessHeld(func(context.Context) error { did = true; return nil })(t.Context()))
	if next, err := jobs.Next(t.Context()); err != nil || did || len(next.Seal) > 0 {
		t.Errorf("next %+v, %v; a job was done: %t", next, err, did)
	}
	if code, body := get(t, "http://"+s.MetricAddr+"/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "settled resume") {
		t.Errorf("ready: %d %s", code, body)
	}
	if code, body := get(t, "http://"+s.APIAddr+"/orderstate/orderstate.cfm"); code != http.StatusServiceUnavailable {
		t.Errorf("a request: %d %s", code, body)
	}
	if _, page := get(t, "http://"+s.MetricAddr+"/metrics"); !strings.Contains(page, "\nsettled_held 1\n") {
		t.Error("settled_held is not 1")
	}
	_, err = core.Resume(t.Context(), ResumeOptions{Reason: "a test"})
	must(t, err)
	must(t, core.epochs.Check(t.Context()))
	if code, _ := get(t, "http://"+s.MetricAddr+"/readyz"); code != http.StatusOK {
		t.Errorf("not ready after it was resumed: %d", code)
	}
}
