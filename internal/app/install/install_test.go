package install_test

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"settled/internal/app"
	"settled/internal/app/install"
	"settled/internal/config"
	"settled/internal/postgres/pgtest"
	"settled/internal/postgres/roles"
	"settled/migrations"

	"github.com/jackc/pgx/v5"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var now = time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)

// hostKey is a public key of nobody.
const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFVxRXqZxt3pVqB5W8vXw2v3gV9mQ0d0h8nX6yS8cQ2E center"

// simulated answers what has no default, for an installation with the simulator.
func simulated(t *testing.T, database string) install.Answers {
	return install.Answers{Dir: filepath.Join(t.TempDir(), "settled"), Database: database, Country: "BLR", Currency: "BYN", Zone: "Europe/Minsk", Name: "North \"Star\""}
}

// real answers for an installation with a real center.
func real(t *testing.T, database, environment, center string) install.Answers {
	a := simulated(t, database)
	a.Environment, a.Center, a.URL, a.Address, a.Acquirer = environment, center, "https://pay.shop-gateway.by", "online.pc-a.by:7001", "00000123456"
	a.Street, a.City, a.Postal, a.MCC, a.Terminal, a.Acceptor = "Nemiga 3", "Minsk", "220030", "5411", "T1", "A1"
	if center == install.CenterDual {
		a.BIN, a.SFTP, a.SFTPUser, a.HostKey = "412345", "sftp.pc-a.by:22", "acq", hostKey
	}
	return a
}

// written completes and writes an installation on a database of its own, whose login may make roles unless owner says otherwise.
func written(t *testing.T, a install.Answers) *install.Result {
	t.Helper()
	must(t, a.Complete(nil))
	r, err := install.Write(t.Context(), a, now)
	must(t, err)
	t.Cleanup(func() { dismiss(t, a.Database) })
	return r
}

// dismiss takes away the logins of a database's installation.
func dismiss(t *testing.T, database string) {
	conn, err := pgx.Connect(context.Background(), database)
	must(t, err)
	defer func() { _ = conn.Close(context.Background()) }()
	d, err := roles.Look(context.Background(), conn)
	must(t, err)
	must(t, roles.Dismiss(context.Background(), conn, d.NewLogin(roles.App, "app_1"), d.NewLogin(roles.API, "api_1"), d.NewLogin(roles.Work, "work_1")))
}

// TestEachKindIsWhole writes an installation of each kind. Its files are its owner's alone, its keys open, and its configuration is good; of one
// that is to be live, what is not good yet is what it says is left to do, and good when it is done.
func TestEachKindIsWhole(t *testing.T) {
	for _, tt := range []struct {
		name string
		a    func(database string) install.Answers
		left []string
	}{
		{"simulator", func(d string) install.Answers { return simulated(t, d) }, nil},
		{"dual-message, test", func(d string) install.Answers { return real(t, d, "test", install.CenterDual) }, []string{"holidays", "center.key.pub"}},
		{"single-message, test", func(d string) install.Answers { return real(t, d, "test", install.CenterSingle) }, nil},
		{"dual-message, live", func(d string) install.Answers { return real(t, d, "live", install.CenterDual) }, []string{"centers[0].online", "holidays", "center.key.pub", "copy"}},
		{"single-message, live", func(d string) install.Answers { return real(t, d, "live", install.CenterSingle) }, []string{"centers[0].online", "copy"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := tt.a(pgtest.Empty(t))
			r := written(t, a)
			private(t, r)
			if !r.Enrolled || len(r.Left) != len(tt.left) {
				t.Fatalf("enrolled is %t, left is %q", r.Enrolled, r.Left)
			}
			for i, want := range tt.left {
				if !strings.Contains(r.Left[i], want) {
					t.Errorf("left to do is %q, want something of %s", r.Left[i], want)
				}
			}
			opens(t, r, a.Environment == "live")
		})
	}
}

// private looks at the modes of an installation, and that what it tells of is there and nothing else.
func private(t *testing.T, r *install.Result) {
	t.Helper()
	var there []string
	must(t, filepath.Walk(r.Dir, func(path string, info os.FileInfo, err error) error {
		must(t, err)
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		if !info.IsDir() {
			name, _ := filepath.Rel(r.Dir, path)
			there = append(there, name)
		}
		return nil
	}))
	told := slices.Sorted(slices.Values(r.Files))
	if slices.Sort(there); !slices.Equal(there, told) {
		t.Errorf("files are %v, told were %v", there, told)
	}
}

// opens loads the configuration, when what is left to do in it was done, and the keys.
func opens(t *testing.T, r *install.Result, live bool) {
	t.Helper()
	path := filepath.Join(r.Dir, "settled.yaml")
	if live {
		var problems config.Problems
		if _, err := config.Load(path); !errors.As(err, &problems) || len(problems) != 1 || problems[0].Place+": "+problems[0].Why != r.Left[0] {
			t.Errorf("config check refuses %v, left to do is %q", err, r.Left)
		}
		text, err := os.ReadFile(path)
		must(t, err)
		must(t, os.WriteFile(path, []byte(strings.Replace(string(text), "      # link: private-line", "      link: private-line", 1)), 0o600))
	}
	cfg, err := config.Load(path)
	must(t, err)
	if _, err := app.OpenVault(cfg, filepath.Join(r.Dir, "settled.keys")); err != nil {
		t.Error(err)
	}
	if warnings, err := app.CheckCalendars(cfg, now); err != nil || len(warnings) > 0 {
		t.Errorf("calendars: %v, %v", warnings, err)
	}
	if m := cfg.Merchants[0]; m.Login != r.Handed.Login || string(m.SecretWord.Reveal()) != r.Handed.SecretWord || !m.Proofs.Checkvalue {
		t.Errorf("the merchant is %+v, handed over was %+v", m, r.Handed)
	}
}

// TestNothingIsChanged: neither a directory that is there, nor a database that is used. An unused one may be set up once more.
func TestNothingIsChanged(t *testing.T) {
	a := simulated(t, pgtest.Empty(t))
	written(t, a)
	must(t, a.Complete(nil))
	if _, err := install.Write(t.Context(), a, now); !errors.Is(err, install.ErrThere) {
		t.Errorf("into the same directory: %v", err)
	}
	a.Dir += "-2"
	written(t, a)
	conn, err := pgx.Connect(t.Context(), a.Database)
	must(t, err)
	defer func() { _ = conn.Close(context.Background()) }()
	_, err = conn.Exec(t.Context(), `INSERT INTO centers (center_id, name) VALUES (1, 'PC-A')`)
	must(t, err)
	a.Dir += "-3"
	if _, err := install.Write(t.Context(), a, now); !errors.Is(err, install.ErrThere) {
		t.Errorf("into a database that is used: %v", err)
	}
	nothing(t, a)
}

// nothing wants no directory, and nothing that was to become it.
func nothing(t *testing.T, a install.Answers) {
	t.Helper()
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(a.Dir), "*"+filepath.Base(a.Dir)+"*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(a.Dir), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestFailureLeavesNothing: an answer that only the configuration knows to be wrong, a database that is not there, and one that is not the login's.
func TestFailureLeavesNothing(t *testing.T) {
	database := pgtest.URL(t)
	for name, tt := range map[string]struct {
		change func(*install.Answers)
		want   error
		says   string
	}{
		"name that is too long":   {func(a *install.Answers) { a.Name = strings.Repeat("x", 23) }, install.ErrAnswers, "merchants[0].name: "},
		"no such country":         {func(a *install.Answers) { a.Country = "XXX" }, install.ErrAnswers, `"XXX" is no ISO 3166 country`},
		"database is not there":   {func(a *install.Answers) { a.Database = "postgres://nobody:swordfish@127.0.0.1:1/none" }, app.ErrDatabase, "127.0.0.1:1"},
		"not the login's schema":  {func(a *install.Answers) { a.Database = pgtest.Login(t, database, roles.App) }, app.ErrDatabase, "denied"},
		"no place for the secret": {func(a *install.Answers) { a.Dir = filepath.Join(a.Dir, "deeper") }, os.ErrNotExist, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			a := simulated(t, database)
			tt.change(&a)
			must(t, a.Complete(nil))
			_, err := install.Write(t.Context(), a, now)
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "swordfish") {
				t.Errorf("%v", err)
			}
			nothing(t, a)
		})
	}
}

// TestOwnerWhoMayMakeNoRoles gets what an administrator runs, without a password in it.
func TestOwnerWhoMayMakeNoRoles(t *testing.T) {
	admin := pgtest.Empty(t)
	conn, err := pgx.Connect(t.Context(), admin)
	must(t, err)
	defer func() { _ = conn.Close(context.Background()) }()
	owner := "owner_" + conn.Config().Database
	for _, sql := range []string{"CREATE ROLE " + owner + " LOGIN", "ALTER DATABASE " + conn.Config().Database + " OWNER TO " + owner} {
		_, err := conn.Exec(t.Context(), sql)
		must(t, err)
	}
	t.Cleanup(func() { _, _ = conn.Exec(context.Background(), "DROP OWNED BY "+owner+" CASCADE; DROP ROLE "+owner) })
	u, err := url.Parse(admin)
	must(t, err)
	u.User = url.User(owner)
	a := simulated(t, u.String())
	must(t, a.Complete(nil))
	r, err := install.Write(t.Context(), a, now)
	must(t, err)
	private(t, r)
	script, err := os.ReadFile(filepath.Join(r.Dir, "admin.sql"))
	must(t, err)
	passwords, err := os.ReadFile(filepath.Join(r.Dir, "secrets", "pgpass"))
	must(t, err)
	for line := range strings.Lines(string(passwords)) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if len(fields) != 5 || strings.Contains(string(script), fields[4]) || !strings.Contains(string(script), fields[3]) {
			t.Errorf("%s in\n%s", line, script)
		}
	}
	for _, name := range []string{"settled.env", "serve.env", "work.env"} { // the administrator's own password, in the same shell, is not taken for theirs
		if text, err := os.ReadFile(filepath.Join(r.Dir, name)); err != nil || !strings.Contains(string(text), "\nPGPASSWORD=''\n") {
			t.Errorf("%s does not forget another password: %v\n%s", name, err, text)
		}
	}
	if r.Enrolled || !strings.HasPrefix(r.Next[0], "psql ") {
		t.Errorf("next is %q", r.Next)
	}
	if _, err := conn.Exec(t.Context(), string(script)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dismiss(t, admin) })
	if d, err := migrations.Roles(t.Context(), admin); err != nil || len(d.Missing()) > 0 {
		t.Errorf("missing are %v, %v", d.Missing(), err)
	}
}
