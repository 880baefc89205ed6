// Package pgtest gives each test a real, migrated PostgreSQL database of its own.
//
// One throw-away server is started per test binary when the first test asks, with a template database that was migrated
// once; DB clones it in some tens of milliseconds. The server ends with the test binary, however that ends; a TestMain that
// calls Main waits for it. SETTLED_TEST_DATABASE_URL names a server to use instead; its login must be a superuser.
//
// Where there are no server programs, tests are skipped, and fail when CI=true or SETTLED_REQUIRE_ALL=1.
package pgtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"settled/internal/postgres"
	"settled/internal/postgres/local"
	"settled/internal/postgres/roles"
)

// Main runs the tests of a package and ends the server before it exits. Use: func TestMain(m *testing.M) { pgtest.Main(m) }.
func Main(m *testing.M, more ...func() error) {
	code := m.Run()
	for _, end := range append(more, stop) {
		if err := end(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// DB returns a pool on a fresh, migrated, empty database, which is dropped when the test ends. Sessions have the rights
// of the application, as in production.
func DB(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return open(t, postgres.Config{URL: URL(t)})
}

// Owner returns a second pool on the database of db whose sessions may change the schema and every row.
func Owner(t testing.TB, db *pgxpool.Pool) *pgxpool.Pool {
	t.Helper()
	return open(t, postgres.Config{URL: db.Config().ConnString(), Owner: true})
}

// Tx returns a transaction on a database as of DB, rolled back when the test ends.
func Tx(t testing.TB) pgx.Tx {
	t.Helper()
	tx, err := DB(t).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
	return tx
}

// URL returns the URL, with the rights of the owner, of a fresh, migrated, empty database, which is dropped when the test
// ends, whoever is still connected.
func URL(t testing.TB) string {
	t.Helper()
	s := server(t)
	name, err := s.clone(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return dropped(t, s, name)
}

// Empty is as URL for a database without any schema, for tests of the migrations themselves.
func Empty(t testing.TB) string {
	t.Helper()
	s := server(t)
	name := unique("empty")
	if err := s.exec(t.Context(), "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		t.Fatal(err)
	}
	return dropped(t, s, name)
}

// Login returns the URL of a migrated database, the URL of whose owner is given, for a login that is a member of a role of it, as a process of
// an installation has. The login ends with the test.
func Login(t testing.TB, owner string, r roles.Role) string {
	t.Helper()
	admin, err := pgx.Connect(t.Context(), owner)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close(context.Background()) }()
	d, err := roles.Look(t.Context(), admin)
	if err != nil {
		t.Fatal(err)
	}
	name, password := unique("login"), rand.Text()
	group := pgx.Identifier{d.Named(r)}.Sanitize()
	if _, err := admin.Exec(t.Context(), "CREATE ROLE "+name+" LOGIN PASSWORD '"+password+"' IN ROLE "+group); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dropLogin(t, owner, name) })
	u, err := url.Parse(owner)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(name, password)
	return u.String()
}

// dropLogin takes a login away, if its server is still there.
func dropLogin(t testing.TB, owner, name string) {
	admin, err := pgx.Connect(context.Background(), owner)
	if err != nil {
		return
	}
	defer func() { _ = admin.Close(context.Background()) }()
	if _, err := admin.Exec(context.Background(), "DROP ROLE "+name); err != nil {
		t.Error(err)
	}
}

// dropped returns the URL of the database and drops it when the test ends.
func dropped(t testing.TB, s *cluster, name string) string {
	t.Cleanup(func() {
		if err := s.drop(context.Background(), name); err != nil {
			t.Error(err)
		}
	})
	return s.url(name)
}

func open(t testing.TB, cfg postgres.Config) *pgxpool.Pool {
	t.Helper()
	pool, err := openQuiet(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// openQuiet opens a throw-away database without the warning that it is one.
func openQuiet(ctx context.Context, cfg postgres.Config) (*pgxpool.Pool, error) {
	cfg.ThrowAway = true
	cfg.Log = slog.New(slog.DiscardHandler)
	return postgres.Open(ctx, cfg)
}

var (
	once    sync.Once
	running *cluster
	failure error
)

// server returns the server of this test binary, started now if this is the first call. It skips or fails the test where
// there is none.
func server(t testing.TB) *cluster {
	t.Helper()
	once.Do(func() { running, failure = start(context.Background()) })
	switch {
	case failure == nil:
		return running
	case errors.Is(failure, local.ErrNoServer) && !required():
		t.Skip(failure)
	default:
		t.Fatal(failure)
	}
	return nil
}

func required() bool {
	return os.Getenv("CI") == "true" || os.Getenv("SETTLED_REQUIRE_ALL") == "1"
}

func stop() error {
	if running == nil {
		return nil
	}
	return running.stop()
}

func unique(prefix string) string {
	random := make([]byte, 6)
	_, _ = rand.Read(random)
	return fmt.Sprintf("settled_%s_%d_%s", prefix, os.Getpid(), hex.EncodeToString(random))
}
