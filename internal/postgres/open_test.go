package postgres_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"

	"settled/internal/postgres"
	"settled/internal/postgres/local"
	"settled/internal/postgres/pgtest"
)

func TestOpenSetsTheSession(t *testing.T) {
	const sql = `SELECT current_user || ' ' || current_setting('search_path') || ' ' || current_setting('timezone')
		|| ' ' || current_setting('application_name') || ' ' || current_setting('statement_timeout')`
	pool := pgtest.DB(t)
	var got string
	if err := pool.QueryRow(t.Context(), sql).Scan(&got); err != nil || !strings.HasPrefix(got, "settled_settled_template_") || !strings.HasSuffix(got, "_app public UTC settled 1min") {
		t.Errorf("application: got %s, %v", got, err)
	}
	if err := pgtest.Owner(t, pool).QueryRow(t.Context(), sql).Scan(&got); err != nil || strings.HasPrefix(got, "settled_settled_") {
		t.Errorf("owner: got %s, %v", got, err)
	}
}

// durableServer starts a server that keeps its promises, with settings of its own.
func durableServer(t *testing.T, settings map[string]string) *local.Server {
	t.Helper()
	return serverOf(t, local.Config{Settings: settings})
}

// serverOf starts a server, and skips the test where there is none.
func serverOf(t *testing.T, cfg local.Config) *local.Server {
	t.Helper()
	server, err := local.Start(t.Context(), cfg)
	if errors.Is(err, local.ErrNoServer) && os.Getenv("SETTLED_REQUIRE_ALL") != "1" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	return server
}

// TestOpenRefusesServersThatLoseCommits asks a durable server with one setting at a time spoilt for the session, and the
// throw-away server of the tests.
func TestOpenRefusesServersThatLoseCommits(t *testing.T) {
	durable := durableServer(t, nil)
	pool, err := postgres.Open(t.Context(), postgres.Config{URL: durable.URL("postgres")})
	if err != nil {
		t.Fatalf("durable server: %v", err)
	}
	pool.Close()
	for setting, url := range map[string]string{
		"synchronous_commit": durable.URL("postgres") + "&options=-csynchronous_commit%3Doff",
		"fsync":              pgtest.URL(t),
	} {
		_, err = postgres.Open(t.Context(), postgres.Config{URL: url})
		var refused *postgres.SettingError
		if !errors.As(err, &refused) || !errors.Is(err, postgres.ErrServer) || refused.Setting != setting {
			t.Errorf("%s = off: got %v", setting, err)
		}
	}
}

func TestThrowAwayServerIsWarnedAbout(t *testing.T) {
	var out bytes.Buffer
	pool, err := postgres.Open(t.Context(), postgres.Config{
		URL: pgtest.URL(t), ThrowAway: true, Log: slog.New(slog.NewTextHandler(&out, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	pool.Close()
	for _, setting := range []string{"fsync", "full_page_writes", "synchronous_commit"} {
		if !strings.Contains(out.String(), "setting="+setting+" value=off") {
			t.Errorf("no warning about %s in\n%s", setting, out.String())
		}
	}
}
