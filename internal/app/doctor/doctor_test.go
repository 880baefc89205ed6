package doctor_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"settled/internal/app"
	"settled/internal/app/apptest"
	"settled/internal/app/doctor"
	"settled/internal/config"
	"settled/internal/pcsim"
	"settled/internal/postgres/pgtest"
	"settled/internal/postgres/roles"
	"settled/internal/vault"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/crypto/ssh"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var text = apptest.Config(`
  - id: 1
    name: PC-A
    zone: Europe/Minsk
    online: {address: "ONLINE", acquirer: "123456"}
    capabilities: {financial_record: true, two_stage: true, refund: file}
    clearing:
      member: "00000012345"
      acquirer_bin: "512345"
      calendar: all
      windows:
        - {no: 1, cutoff: "23:00", deadline: "23:45", days: all}
      sftp:
        address: "SFTP"
        user: acq
        password_file: sftp.password
        upload_dir: /in
        reply_dir: /out
        host_keys: ["HOSTKEY"]
`, `{center: PC-A, currencies: [BYN], terminal: T1, acceptor: A1}`)

// installation is one that runs well, but for the settings of the tests' server.
type installation struct {
	t        *testing.T
	database string // for its owner
	o        doctor.Options
	owner    *pgxpool.Pool
	center   *pcsim.Center
}

const secret = "sftp-secret-word"

func healthy(t *testing.T) *installation {
	t.Helper()
	in := &installation{t: t, database: pgtest.URL(t)}
	var err error
	in.center, err = pcsim.New(pcsim.Options{Name: "PC-A", MemberID: "00000012345", Users: []pcsim.User{{Name: "acq", Password: secret}}})
	in.must(err)
	in.must(in.center.Start())
	t.Cleanup(func() { _ = in.center.Close() })
	dir := t.TempDir()
	in.o = doctor.Options{Centers: true, Probe: true, Environment: config.Environment{DatabaseURL: pgtest.Login(t, in.database, roles.App), Config: filepath.Join(dir, "settled.yaml"),
		Keys: filepath.Join(dir, "keys"), Listen: "127.0.0.1:0", MetricsListen: "127.0.0.1:0", MaxConns: 6, Lanes: 1}}
	in.write(filepath.Join(dir, "sftp.password"), secret+"\n")
	in.write(in.o.Environment.Config, strings.NewReplacer("ONLINE", in.center.OnlineAddr(), "SFTP", in.center.SFTPAddr(),
		"HOSTKEY", strings.TrimSpace(string(ssh.MarshalAuthorizedKey(in.center.HostKey())))).Replace(text))
	in.must(vault.Generate(in.o.Environment.Keys))
	in.o.Space = func(string) (uint64, uint64, error) { return 60, 100, nil } // whatever the machine of the tests has
	in.live()
	return in
}

func (in *installation) must(err error) {
	in.t.Helper()
	if err != nil {
		in.t.Fatal(err)
	}
}

func (in *installation) write(path, text string) {
	in.t.Helper()
	in.must(os.WriteFile(path, []byte(text), 0o600))
}

// beside is a file in the directory of the configuration.
func (in *installation) beside(name string) string {
	return filepath.Join(filepath.Dir(in.o.Environment.Config), name)
}

// certificate makes one that signs itself, with its key, in PEM.
func (in *installation) certificate(ends time.Time) (certificate, key string) {
	in.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	in.must(err)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: ends, IsCA: true, BasicConstraintsValid: true}
	raw, err := x509.CreateCertificate(rand.Reader, c, c, private.Public(), private)
	in.must(err)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	in.must(err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// shows gives the installation a certificate of its own, which is valid for so long.
func (in *installation) shows(life time.Duration) {
	in.t.Helper()
	certificate, key := in.certificate(time.Now().Add(life))
	in.write(in.beside("own.pem"), certificate)
	in.write(in.beside("own.key"), key)
	in.edit(`acquirer: "123456"`, `acquirer: "123456", tls: {ca_file: own.pem, certificate_file: own.pem, key_file: own.key}`)
}

// secure puts an online host under TLS in the place of the other, at a time when its certificate is valid for so long; 0: at once.
func (in *installation) secure(life time.Duration) {
	in.t.Helper()
	center, err := pcsim.New(pcsim.Options{Name: "PC-S", MemberID: "00000012345", TLS: true})
	in.must(err)
	in.must(center.Start())
	in.t.Cleanup(func() { _ = center.Close() })
	other, _ := in.certificate(time.Now().Add(time.Hour))
	in.write(in.beside("own.pem"), other)
	in.write(in.beside("PC-S.pem"), string(center.Certificate()))
	in.edit(in.center.OnlineAddr(), center.OnlineAddr())
	in.edit(`acquirer: "123456"`, `acquirer: "123456", tls: {ca_file: PC-S.pem}`)
	if life == 0 {
		return
	}
	block, _ := pem.Decode(center.Certificate())
	shown, err := x509.ParseCertificate(block.Bytes)
	in.must(err)
	in.o.Now = func() time.Time { return shown.NotAfter.Add(-life) }
}

// edit changes the configuration file.
func (in *installation) edit(old, new string) {
	in.t.Helper()
	have, err := os.ReadFile(in.o.Environment.Config)
	in.must(err)
	if !strings.Contains(string(have), old) {
		in.t.Fatalf("the configuration has no %q", old)
	}
	in.write(in.o.Environment.Config, strings.ReplaceAll(string(have), old, new))
}

// live lets the installation run for a moment, as its worker does, then leaves a worker's lease that stands.
func (in *installation) live() {
	in.t.Helper()
	cfg, err := in.o.Environment.Load()
	in.must(err)
	core, err := app.Open(in.t.Context(), app.Options{Environment: in.o.Environment, Config: cfg, ThrowAway: true, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	in.must(err)
	defer core.Close()
	s, err := app.Start(in.t.Context(), core, app.Roles{Work: true})
	in.must(err)
	in.must(s.Stop(context.WithoutCancel(in.t.Context())))
	in.owner, err = pgxpool.New(in.t.Context(), in.database)
	in.must(err)
	in.t.Cleanup(in.owner.Close)
	in.exec(`UPDATE schedules SET last_ok_at = clock_timestamp();
		INSERT INTO leases (name, holder, fence, until) VALUES ('worker/test', 'test', 1, clock_timestamp() + interval '1 hour')`)
}

// role is that of the application, as SQL names it.
func (in *installation) role() string {
	in.t.Helper()
	app, err := roles.Of(in.t.Context(), in.owner)
	in.must(err)
	return app
}

func (in *installation) exec(sql string) {
	in.t.Helper()
	_, err := in.owner.Exec(in.t.Context(), strings.ReplaceAll(sql, "@app", in.role()))
	in.must(err)
}

// loginOf is who logs in by a URL.
func loginOf(database string) string {
	u, _ := url.Parse(database)
	return u.User.Username()
}

// look returns what a check says.
func (in *installation) look(check string) doctor.Result {
	in.t.Helper()
	r := doctor.Examine(in.t.Context(), in.o)
	i := slices.IndexFunc(r.Checks, func(c doctor.Result) bool { return c.Check == check })
	if i < 0 {
		in.t.Fatalf("there is no check %s", check)
	}
	if all, err := json.Marshal(r); err != nil || strings.Contains(string(all), secret) || strings.Contains(string(all), "db-secret") {
		in.t.Errorf("a secret is told: %s, %v", all, err)
	}
	return r.Checks[i]
}

func says(r doctor.Result) string {
	var all []string
	for _, f := range r.Findings {
		all = append(all, f.Says)
	}
	return strings.Join(all, "\n")
}

// TestHealthyInstallation finds nothing but the settings of the tests' server, and changes nothing.
func TestHealthyInstallation(t *testing.T) {
	in := healthy(t)
	before := in.fingerprint()
	r := doctor.Examine(t.Context(), in.o)
	for _, c := range r.Checks {
		if c.State != doctor.Good && c.Check != "server" {
			t.Errorf("%s is %s: %s", c.Check, c.State, says(c))
		}
	}
	if r.State != doctor.Bad || r.Counts[doctor.Good] != len(r.Checks)-1 {
		t.Errorf("the whole is %s, %v", r.State, r.Counts)
	}
	if after := in.fingerprint(); after != before {
		t.Errorf("the look changed something: %s, %s before", after, before)
	}
}

// TestProbeLeavesNothing: what a probe writes at a center is removed, wherever it failed; and it is named as no file is.
func TestProbeLeavesNothing(t *testing.T) {
	for name, faults := range map[string]pcsim.Faults{"well": {}, "renames nothing": {RenameRefused: true}, "shows nothing": {ReadDenied: true}, "cuts files": {RenameTruncates: true}} {
		in := healthy(t)
		in.center.SetFaults(faults)
		in.look("probe")
		in.center.SetFaults(pcsim.Faults{})
		if r := in.look("centers"); r.State != doctor.Good {
			t.Errorf("%s: %s", name, says(r))
		}
		left, err := in.center.List("/in")
		in.must(err)
		if len(left) != 0 {
			t.Errorf("%s: left behind: %v", name, left)
		}
	}
}

// fingerprint is how many rows were ever written in the database, and which tables it has.
func (in *installation) fingerprint() (text string) {
	in.t.Helper()
	time.Sleep(1100 * time.Millisecond) // statistics are sent once a second
	in.must(in.owner.QueryRow(in.t.Context(), `SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) || ' ' || count(*) FROM pg_stat_user_tables`).Scan(&text))
	return text
}

// aFile is a sealed window with a batch and a file of it.
// slack is more than a busy machine makes of the offset of a clock by answering late.
const slack = 200 * time.Millisecond

const aFile = `
	INSERT INTO windows (center_id, window_no, stream, business_date, cutoff_at, deadline_at, state, sealed_at)
		VALUES (1, 1, 'ipm', '2020-01-01', '2020-01-01T20:00Z', '2020-01-01T21:00Z', 'sealed', '2020-01-01T20:00Z');
	INSERT INTO batches (window_id, center_id, stream, business_date, currency, part, parts, sales_count, sales_amount, credits_count, credits_amount, sealed_at)
		SELECT window_id, 1, 'ipm', business_date, 933, 1, 1, 0, 0, 0, 0, sealed_at FROM windows WHERE business_date = '2020-01-01';
	INSERT INTO files (batch_id, center_id, stream, scope, sequence, build, name, logical_id, planned_at, deadline_at, next_attempt_at)
		SELECT batch_id, 1, 'ipm', '', 1, 1, 'ACQ_1.ipm', 'L1', sealed_at, 'infinity', 'infinity' FROM batches;`

// anUnknownApproval is an approval that a log told of and the books do not know.
const anUnknownApproval = `
	INSERT INTO breaks (category, fingerprint, center_id, amount, opened_at, note) VALUES ('B-02', 'unknown', 1, 5, now(), '');
	INSERT INTO authorization_logs (center_id, source, state, wanted_at, fetched_at, decided_at, unknown) VALUES (1, 'link', 'applied', now(), now(), now(), 1);
	INSERT INTO unknown_approvals (exchange_id, reversal_id, amount, log_id, break_id, sent_at, found_at, transmitted_at, due_at, merchant_id, center_id, currency, kind,
		terminal, acceptor, approval_code)
	SELECT 1 << 30, 1, 5, (SELECT max(log_id) FROM authorization_logs), (SELECT max(break_id) FROM breaks), now(), now(), now(), now(), 7, 1, 933, 1, 'T', 'A', '';`

// aJob is a job of the work queue in a state since a while.
func aJob(state, since string) string {
	return `INSERT INTO river_job (state, kind, args, max_attempts, attempt, attempted_at, created_at, scheduled_at, finalized_at)
		SELECT '` + state + `'::river_job_state, 'deliver', '{}', 5, 1, at, at, at, CASE WHEN '` + state + `' = 'discarded' THEN at END
		FROM (SELECT clock_timestamp() - interval '` + since + `' AS at) s`
}

// room lets PostgreSQL tell where it keeps its data, on a disk with so much room, in hundredths.
func (in *installation) room(free uint64) {
	in.t.Helper()
	in.exec(`GRANT pg_read_all_settings TO @app`)
	revoke := `REVOKE pg_read_all_settings FROM ` + in.role()
	in.t.Cleanup(func() { _, _ = in.owner.Exec(context.Background(), revoke) })
	in.o.Space = func(directory string) (uint64, uint64, error) {
		if !filepath.IsAbs(directory) {
			in.t.Errorf("data is kept in %q", directory)
		}
		return free, 100, nil
	}
}

// asNew takes away what the first worker of an installation makes.
const asNew = `DELETE FROM windows; DELETE FROM schedule_runs; DELETE FROM schedules; DELETE FROM leases`

const day = 24 * time.Hour

// certify gives API and metrics a certificate that ends in a while.
func (in *installation) certify(left time.Duration) {
	in.t.Helper()
	pair := apptest.Certificate(in.t, in.t.TempDir(), "settled", time.Now().Add(left))
	in.o.Environment.TLS, in.o.Environment.MetricsTLS = pair, pair
}

// ills make each check bad, or tell of it, once at least.
var ills = []struct {
	name, check string
	state       doctor.State
	do          func(in *installation)
	want        string
}{
	{"misspelled key", "configuration", doctor.Bad, func(in *installation) { in.edit("mcc:", "mmc:") }, `unknown key "mmc"`},
	{"wrong variable", "configuration", doctor.Bad, func(in *installation) { in.o.Fault = config.ErrInvalid }, "the environment is wrong"},
	{"ended calendar", "calendars", doctor.Bad, func(in *installation) { in.edit("2099-12-31", "2020-12-31") }, "it ended 2020-12-31"},
	{"certificate that has ended", "certificates", doctor.Bad, func(in *installation) { in.certify(-time.Hour) }, "ended"},
	{"certificate that was forgotten", "certificates", doctor.Bad, func(in *installation) { in.certify(6*day + time.Hour) }, "in 6 days: renew it"},
	{"certificate to be renewed", "certificates", doctor.Warning, func(in *installation) { in.certify(29*day + time.Hour) }, "in 29 days: renew it"},
	{"certificate that stands well", "certificates", doctor.Good, func(in *installation) { in.certify(31*day + time.Hour) }, "in 31 days"},
	{"certificate of another key", "certificates", doctor.Bad, func(in *installation) {
		in.certify(90 * day)
		in.o.Environment.MetricsTLS.Key = apptest.Certificate(in.t, in.t.TempDir(), "other", time.Now().Add(90*day)).Key
	}, "listener metrics: "},
	{"no database named", "database", doctor.Bad, func(in *installation) { in.o.Environment.DatabaseURL = "" }, "DATABASE_URL is not set"},
	{"stopped database", "database", doctor.Bad, func(in *installation) {
		in.o.Environment.DatabaseURL = "postgres://settled:db-secret@127.0.0.1:1/settled"
	}, "connection refused"},
	{"malformed address of the database", "database", doctor.Bad, func(in *installation) {
		in.o.Environment.DatabaseURL = "postgres://settled:db-secret@127.0.0.1:x/settled"
	}, "cannot be read"},
	{"server that loses commits", "server", doctor.Bad, func(*installation) {}, "fsync = off: a power failure"},
	{"empty database", "schema", doctor.Bad, func(in *installation) { in.o.Environment.DatabaseURL = pgtest.Empty(in.t) }, "the database is empty: run settled migrate"},
	{"missing migration", "schema", doctor.Bad, func(in *installation) {
		in.exec(`DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)`)
	}, "migrations are missing"},
	{"older program", "schema", doctor.Warning, func(in *installation) {
		in.exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)`)
	}, "it is older than the database"},
	{"books that can be changed", "rights", doctor.Bad, func(in *installation) { in.exec(`GRANT DELETE ON postings TO @app`) }, "may DELETE postings, more than"},
	{"superuser as login", "rights", doctor.Warning, func(in *installation) { in.o.Environment.DatabaseURL = in.database }, "is a superuser: name a login"},
	{"login of no role", "rights", doctor.Bad, func(in *installation) {
		in.exec(`REVOKE "@app" FROM ` + loginOf(in.o.Environment.DatabaseURL))
	}, "is a member of no role of the database"},
	{"table that cannot be read", "rights", doctor.Bad, func(in *installation) { in.exec(`REVOKE SELECT ON wishes FROM @app`) }, "may not SELECT wishes: run settled migrate"},
	{"other keys", "keys", doctor.Bad, func(in *installation) {
		in.o.Environment.Keys = filepath.Join(in.t.TempDir(), "other")
		in.must(vault.Generate(in.o.Environment.Keys))
	}, "is another one than the database's, used since"},
	{"keys from before a rotation", "keys", doctor.Bad, func(in *installation) {
		in.exec(`INSERT INTO key_checks (generation, environment, check_value, first_used_at) VALUES (7, 'test', decode(repeat('00', 32), 'hex'), now())`)
	}, "lacks key 7, used since"},
	{"keys of another environment", "keys", doctor.Bad, func(in *installation) {
		in.o.Environment.Keys = filepath.Join(in.t.TempDir(), "live")
		in.must(vault.GenerateFor(in.o.Environment.Keys, vault.Live, vault.Place{File: "kek"}))
	}, "is for live, the configuration for test"},
	{"lost keys", "keys", doctor.Bad, func(in *installation) { in.must(os.Remove(in.o.Environment.Keys)) }, "do not make new ones"},
	{"restored database", "epoch", doctor.Bad, func(in *installation) { in.exec(`UPDATE epochs SET identity = '1' || identity`) }, "not the one that was worked on"},
	{"center with a file that the books lack", "epoch", doctor.Bad, func(in *installation) {
		in.exec(`UPDATE epochs SET looks = true; INSERT INTO center_looks (at, epoch, center_id, state, found) VALUES (now(), 1, 1, 'open', '{}')`)
	}, "nothing is sent to PC-A"},
	{"center that was not looked at", "epoch", doctor.Warning, func(in *installation) { in.exec(`UPDATE epochs SET looks = true`) }, "was not looked at yet"},
	{"skewed clock", "clock", doctor.Bad, func(in *installation) { in.o.Wall = func() time.Time { return time.Now().Add(2*time.Minute + slack) } }, "ahead of the database's by 2m0"},
	{"clock some seconds off", "clock", doctor.Warning, func(in *installation) { in.o.Wall = func() time.Time { return time.Now().Add(-3*time.Second - slack) } }, "by -3"},
	{"no worker", "workers", doctor.Bad, func(in *installation) { in.exec(`UPDATE leases SET until = '-infinity'`) }, "no worker lives"},
	{"process with another configuration", "processes", doctor.Warning, func(in *installation) {
		in.exec(`INSERT INTO processes (process, content, taken_at, refused, seen_at) VALUES ('host_1', 'other', now(), false, clock_timestamp())`)
	}, "process host_1 has another configuration than the file"},
	{"process that refuses the configuration", "processes", doctor.Warning, func(in *installation) {
		in.exec(`INSERT INTO processes (process, content, taken_at, refused, seen_at) VALUES ('host_1', 'other', now(), true, clock_timestamp())`)
	}, "does not take up what the file says: its log says why"},
	{"job that nobody takes", "schedules", doctor.Bad, func(in *installation) {
		in.exec(`UPDATE schedules SET next_at = clock_timestamp() - interval '1 day' WHERE name = 'audit'`)
	}, "job audit has been due since"},
	{"job that fails", "schedules", doctor.Bad, func(in *installation) {
		in.exec(`UPDATE schedules SET last_ok_at = clock_timestamp() - interval '1 day' WHERE name = 'send';
			INSERT INTO schedule_runs (name, slot, due_at, queued_at, finished_at, error) VALUES ('send', 'x', 'infinity', now(), now(), 'center is asleep')`)
	}, "job send ended well for the last time at"},
	{"job without a row", "schedules", doctor.Bad, func(in *installation) { in.exec(`DELETE FROM schedules WHERE name = 'expire'`) }, "job expire has never been begun"},
	{"new installation, its worker", "workers", doctor.Warning, func(in *installation) { in.exec(asNew) }, "no worker has ever begun here"},
	{"new installation, its jobs", "schedules", doctor.Warning, func(in *installation) { in.exec(asNew) }, "no job has ever been begun"},
	{"new installation, its windows", "windows", doctor.Warning, func(in *installation) { in.exec(asNew) }, "PC-A has no window yet: a worker plans them"},
	{"job that waits", "queue", doctor.Warning, func(in *installation) { in.exec(aJob("available", "2 minutes")) }, "1 jobs wait for a worker, the oldest (deliver) for 2m"},
	{"queue that stands still", "queue", doctor.Bad, func(in *installation) { in.exec(aJob("available", "1 hour")) }, "1 jobs wait for a worker, the oldest (deliver) since"},
	{"job that does not end", "queue", doctor.Warning, func(in *installation) { in.exec(aJob("running", "2 hours")) }, "a job (deliver) is worked on since"},
	{"job that was given up", "queue", doctor.Warning, func(in *installation) { in.exec(aJob("discarded", "1 hour")) }, "1 jobs were tried as often as they may, the last of them deliver"},
	{"disk that fills", "space", doctor.Warning, func(in *installation) { in.room(15) }, "15 %: make room"},
	{"disk that is full soon", "space", doctor.Bad, func(in *installation) { in.room(9) }, "9 %: make room before it is full"},
	{"disk with room", "space", doctor.Good, func(in *installation) { in.room(60) }, "60 %"},
	{"window that nobody sealed", "nights", doctor.Bad, func(in *installation) {
		in.exec(aFile + `DELETE FROM files; DELETE FROM batches; UPDATE windows SET state = 'sealing', sealed_at = NULL WHERE business_date = '2020-01-01'`)
	}, "PC-A: the window of 2020-01-01 is sealing"},
	{"file without a reply", "nights", doctor.Warning, func(in *installation) {
		in.exec(aFile + `UPDATE files SET state = 'delivered', proof = 'hash', sha256 = decode(repeat('00', 32), 'hex'), bytes = 1, messages = 2, built_at = now(), released_at = now(), delivered_at = now() - interval '2 days'`)
	}, "PC-A: of 2020-01-01 1 of 1 files are not answered"},
	{"night on its way", "nights", doctor.Good, func(in *installation) { in.exec(aFile) }, "0 of 1 files are delivered"},
	{"no windows", "windows", doctor.Bad, func(in *installation) { in.exec(`DELETE FROM windows`) }, "PC-A has no window: card payments are refused"},
	{"windows that run out", "windows", doctor.Bad, func(in *installation) {
		in.exec(`DELETE FROM windows WHERE cutoff_at > clock_timestamp() + interval '2 days'`)
	}, "then card payments are refused"},
	{"windows that have passed", "windows", doctor.Bad, func(in *installation) {
		in.o.Now = func() time.Time { return time.Now().AddDate(0, 1, 0) }
	}, "PC-A has no window since"},
	{"moved cut-off", "windows", doctor.Warning, func(in *installation) { in.edit("23:00", "22:00") }, "settled window replan --center PC-A"},
	{"file without a number", "files", doctor.Bad, func(in *installation) { in.exec(aFile + `UPDATE files SET state = 'unnumbered', logical_id = ''`) }, "1 files have no number"},
	{"frozen file", "files", doctor.Bad, func(in *installation) { in.exec(aFile + `UPDATE files SET frozen = true`) }, "1 files are frozen, such as ACQ_1.ipm"},
	{"late file", "files", doctor.Bad, func(in *installation) { in.exec(aFile + `UPDATE files SET deadline_at = '2020-01-01'`) }, "past their deadline"},
	{"file that fails", "files", doctor.Warning, func(in *installation) { in.exec(aFile + `UPDATE files SET failures = 3`) }, "failed and are tried again"},
	{"quarantined reply", "replies", doctor.Bad, func(in *installation) {
		in.exec(`INSERT INTO replies (center_id, name, bytes, sha256, state, reason, fetched_at, decided_at)
			VALUES (1, 'RPY_1', 1, decode(repeat('00', 32), 'hex'), 'quarantined', 'x', now(), now())`)
	}, "settled reply reconsider"},
	{"records set aside", "records", doctor.Warning, func(in *installation) {
		in.exec(`INSERT INTO rejects (window_id, record_id, merchant_id, order_id, reply_id, line, slice, kind, amount, currency, state, origin, class, code, reason, rejected_at)
			VALUES (1, 5, 7, 1, 0, 0, 1, 1, 100, 933, 'rejected', 'hold', 'aside', '', 'x', now())`)
	}, "1 records are set aside, such as 5"},
	{"held log", "authorizations", doctor.Bad, func(in *installation) {
		in.exec(`INSERT INTO authorization_logs (center_id, source, state, wanted_at, fetched_at, decided_at, reason) VALUES (1, 'link', 'held', now(), now(), now(), 'x')`)
	}, "1 logs of authorizations are held, such as 1"},
	{"reversal that is stuck", "authorizations", doctor.Bad, func(in *installation) {
		in.exec(anUnknownApproval + `UPDATE unknown_approvals SET state = 3, settled_at = now()`)
	}, "are stuck"},
	{"reversal on its way", "authorizations", doctor.Warning, func(in *installation) { in.exec(anUnknownApproval) }, "are on their way"},
	{"open break", "breaks", doctor.Warning, func(in *installation) {
		in.exec(`INSERT INTO breaks (category, fingerprint, center_id, opened_at, note) VALUES ('B-07', 'x', 1, now(), 'x'), ('B-07', 'y', 1, now(), 'y')`)
	}, "2 breaks B-07 are open"},
	{"wrong password", "centers", doctor.Bad, func(in *installation) {
		in.write(filepath.Join(filepath.Dir(in.o.Environment.Config), "sftp.password"), "wrong\n")
	}, "settled center unpark"},
	{"another host key", "centers", doctor.Bad, func(in *installation) {
		key := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(in.center.HostKey())))
		in.edit(key, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	}, "whether its key changed"},
	{"center that is away", "centers", doctor.Bad, func(in *installation) { in.must(in.center.Close()) }, "see the network"},
	{"directory that is not there", "centers", doctor.Bad, func(in *installation) { in.edit("reply_dir: /out", "reply_dir: /nowhere") }, "does not let us list /nowhere"},
	{"name left over", "centers", doctor.Warning, func(in *installation) { in.must(in.center.WriteFile("/in/.ACQ_1.ipm.0a1b.part", []byte("x"))) }, "1 names left over"},
	{"center that takes nothing", "probe", doctor.Bad, func(in *installation) { in.center.SetFaults(pcsim.Faults{ReadOnly: true}) }, "step write"},
	{"center without that directory", "probe", doctor.Bad, func(in *installation) { in.edit("upload_dir: /in", "upload_dir: /nowhere") }, "step write"},
	{"center that renames nothing", "probe", doctor.Bad, func(in *installation) { in.center.SetFaults(pcsim.Faults{RenameRefused: true}) }, "step rename"},
	{"center that loses files", "probe", doctor.Bad, func(in *installation) { in.center.SetFaults(pcsim.Faults{RenameLoses: true}) }, "step find"},
	{"center that cuts files", "probe", doctor.Bad, func(in *installation) { in.center.SetFaults(pcsim.Faults{RenameTruncates: true}) }, "did not come back as it was written"},
	{"center that shows no files", "probe", doctor.Warning, func(in *installation) { in.center.SetFaults(pcsim.Faults{ReadDenied: true}) }, "may not be read back"},
	{"center that lets nothing be removed", "probe", doctor.Warning, func(in *installation) { in.center.SetFaults(pcsim.Faults{RemoveDenied: true}) }, "the probe file /in/.settled-probe."},
	{"certificate of ours that ends", "link-certificates", doctor.Warning, func(in *installation) { in.shows(20 * 24 * time.Hour) }, "our certificate for PC-A ends in 19 days"},
	{"certificate of ours that ends soon", "link-certificates", doctor.Bad, func(in *installation) { in.shows(6 * 24 * time.Hour) }, "our certificate for PC-A ends in 5 days"},
	{"certificate of ours that has ended", "link-certificates", doctor.Bad, func(in *installation) { in.shows(-time.Hour) }, "has ended on"},
	{"online host under TLS", "links", doctor.Good, func(in *installation) { in.secure(0) }, "answers by TLS 1.3; its certificate is valid for"},
	{"certificate of a center that ends", "links", doctor.Warning, func(in *installation) { in.secure(20 * 24 * time.Hour) }, "its certificate ends in 20 days"},
	{"certificate of a center that ends soon", "links", doctor.Bad, func(in *installation) { in.secure(6 * 24 * time.Hour) }, "its certificate ends in 6 days"},
	{"certificate of a center that has ended", "links", doctor.Bad, func(in *installation) { in.secure(-time.Hour) }, "expired"},
	{"impostor of a center", "links", doctor.Bad, func(in *installation) { in.secure(0); in.edit("ca_file: PC-S.pem", "ca_file: own.pem") }, "the center's certificate is not trusted"},
	{"online host that is away", "links", doctor.Bad, func(in *installation) { in.must(in.center.Close()) }, "cannot be paid at"},
	{"online host without the key of codes", "links", doctor.Bad, func(in *installation) {
		in.write(in.beside("mac"), "2b7e151628aed2a6abf7158809cf4f3c")
		in.edit(`acquirer: "123456"`, `acquirer: "123456", mac: {algorithm: aes-cmac, key_file: mac}`)
	}, "message authentication code"},
	{"center that is left alone", "centers", doctor.Bad, func(in *installation) {
		in.exec(`INSERT INTO link_failures (center_id, at, class, error) VALUES (1, clock_timestamp(), 'auth', 'x')`)
	}, "settled center unpark"},
}

func TestEachIllIsFound(t *testing.T) {
	bad := map[string]bool{}
	for _, ill := range ills {
		t.Run(ill.name, func(t *testing.T) {
			in := healthy(t)
			ill.do(in)
			r := in.look(ill.check)
			if bad[r.Check] = true; r.State != ill.state || !strings.Contains(says(r), ill.want) {
				t.Errorf("%s is %s: %s; want %s: %s", r.Check, r.State, says(r), ill.state, ill.want)
			}
		})
	}
	for _, c := range doctor.Examine(t.Context(), doctor.Options{}).Checks {
		if !bad[c.Check] {
			t.Errorf("no ill makes %s speak", c.Check)
		}
	}
}

// TestWhatCannotBeLookedAtIsUnchecked has no database, and does not ask for the centers.
func TestWhatCannotBeLookedAtIsUnchecked(t *testing.T) {
	in := healthy(t)
	in.o.Centers, in.o.Probe, in.o.Without = false, false, []string{"workers"}
	for check, want := range map[string]string{"centers": "--centers", "probe": "--probe", "workers": "not asked for"} {
		if r := in.look(check); r.State != doctor.Unchecked || !strings.Contains(says(r), want) {
			t.Errorf("%s is %s: %s", check, r.State, says(r))
		}
	}
	in.exec(`REVOKE SELECT ON river_job FROM @app`) // as a login of settled serve has none
	if r := in.look("queue"); r.State != doctor.Unchecked || !strings.Contains(says(r), "permission denied for table river_job") {
		t.Errorf("the queue is %s: %s", r.State, says(r))
	}
	in.o.Environment.DatabaseURL = (&url.URL{Scheme: "postgres", Host: "127.0.0.1:1"}).String()
	if r := in.look("keys"); r.State != doctor.Unchecked || !strings.Contains(says(r), "needs the database") {
		t.Errorf("keys are %s: %s", r.State, says(r))
	}
	in.o.Fault = config.ErrInvalid
	if r := in.look("database"); r.State != doctor.Unchecked || !strings.Contains(says(r), "valid environment") {
		t.Errorf("the database is %s: %s", r.State, says(r))
	}
}
