package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"settled/internal/app/apptest"
	"settled/internal/config"
	"settled/internal/pcsim"
	"settled/internal/postgres"
	"settled/internal/postgres/pgtest"
	"settled/internal/postgres/roles"
	"settled/internal/telemetry"
	"settled/internal/vault"
	"settled/settle"

	"github.com/jackc/pgx/v5/pgxpool"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var text = apptest.Config(`
  - id: 1
    name: PC-C
    zone: Europe/Minsk
    online: {address: "ADDRESS", acquirer: "123456"}
    capabilities: {financial_record: false, refund: online}
`, `{center: PC-C, currencies: [BYN], terminal: T1, acceptor: A1}`)

func options(t *testing.T, url, center string) Options {
	t.Helper()
	dir := t.TempDir()
	path, keys := filepath.Join(dir, "settled.yaml"), filepath.Join(dir, "keys")
	if err := os.WriteFile(path, []byte(strings.Replace(text, "ADDRESS", center, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := vault.Generate(keys); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return Options{Config: cfg, ThrowAway: true, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Environment: config.Environment{DatabaseURL: url,
		Keys: keys, Listen: "127.0.0.1:0", MetricsListen: "127.0.0.1:0", MaxConns: 6, Lanes: 1}}
}

func TestSettingsJoinBothFormsOfAConnectionString(t *testing.T) {
	for _, url := range []string{"postgres://u@h:5432/d?sslmode=disable", "postgresql:///d?host=%2Ftmp%2Fx", "host=/tmp/x dbname=d"} {
		joined, err := WithSettings(url, settle.LaneSettings)
		if err != nil {
			t.Fatal(err)
		}
		cfg, err := pgxpool.ParseConfig(joined)
		if err != nil {
			t.Fatalf("%s: %v", joined, err)
		}
		if got := cfg.ConnConfig.RuntimeParams; got["enable_seqscan"] != "off" || got["plan_cache_mode"] != "force_generic_plan" || cfg.ConnConfig.Database != "d" {
			t.Errorf("%s: database %s, parameters %v", joined, cfg.ConnConfig.Database, got)
		}
	}
	if _, err := WithSettings("postgres://u:secret\x7f@h/d", settle.LaneSettings); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v must not show the URL", err)
	}
}

func TestOpenRefusesWhatWouldLoseMoney(t *testing.T) {
	o := options(t, pgtest.URL(t), "127.0.0.1:1")
	o.ThrowAway = false
	if _, err := Open(t.Context(), o); !errors.Is(err, postgres.ErrServer) || !errors.Is(err, ErrDatabase) || !strings.Contains(err.Error(), "fsync") {
		t.Errorf("a server with fsync off: %v", err)
	}
	o = options(t, pgtest.Empty(t), "127.0.0.1:1")
	if _, err := Open(t.Context(), o); !errors.Is(err, ErrDatabase) || !strings.Contains(err.Error(), "00001_books.sql") {
		t.Errorf("a database without schema: %v", err)
	}
}

// TestOpenRefusesMixedEnvironments pairs keys and configuration of two installations: nothing may start.
func TestOpenRefusesMixedEnvironments(t *testing.T) {
	for _, configured := range []vault.Environment{vault.Test, vault.Live} {
		for _, keys := range []vault.Environment{vault.Test, vault.Live} {
			o := options(t, pgtest.Login(t, pgtest.URL(t), roles.App), "127.0.0.1:1")
			o.Environment.Keys = filepath.Join(t.TempDir(), "keys")
			if err := vault.GenerateFor(o.Environment.Keys, keys, vault.Place{File: "kek"}); err != nil {
				t.Fatal(err)
			}
			o.Config.Environment = configured
			core, err := Open(t.Context(), o)
			switch {
			case keys == configured && err == nil:
				core.Close()
			case keys == configured || !errors.Is(err, ErrEnvironment) || !errors.Is(err, config.ErrInvalid) ||
				!strings.Contains(err.Error(), "is for "+string(keys)+", the configuration for "+string(configured)):
				t.Errorf("%s keys, %s configuration: %v", keys, configured, err)
			}
		}
	}
}

// TestOpenRefusesADatabaseInTheClear: a live installation does not even dial a database on another machine that need not prove itself.
func TestOpenRefusesADatabaseInTheClear(t *testing.T) {
	for _, tt := range []struct {
		environment vault.Environment
		url         string
		refused     bool
	}{
		{vault.Live, "postgres://settled:swordfish@db.invalid/books", true},
		{vault.Live, "postgres://settled:swordfish@db.invalid/books?sslmode=require", true},
		{vault.Live, "postgres://settled:swordfish@db.invalid/books?sslmode=verify-full", false},
		{vault.Test, "postgres://settled:swordfish@db.invalid/books", false},
	} {
		o := options(t, tt.url, "127.0.0.1:1")
		o.Config.Environment = tt.environment
		_, err := Open(t.Context(), o)
		if errors.Is(err, postgres.ErrTransport) != tt.refused || !errors.Is(err, ErrDatabase) || strings.Contains(err.Error(), "swordfish") {
			t.Errorf("%s, %s: %v", tt.environment, tt.url, err)
		}
		if err := CheckDatabase(o.Config, tt.url); errors.Is(err, postgres.ErrTransport) != tt.refused {
			t.Errorf("checked, %s, %s: %v", tt.environment, tt.url, err)
		}
	}
}

func TestOpenRefusesACenterThatChangedItsName(t *testing.T) {
	o := options(t, pgtest.URL(t), "127.0.0.1:1")
	core, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := core.Pool.Exec(t.Context(), `UPDATE centers SET name = 'PC-X'`); err != nil {
		t.Fatal(err)
	}
	core.Close()
	if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), `center id 1 belongs to "PC-X", not to "PC-C"`) {
		t.Errorf("a center under another name: %v", err)
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestServerTellsItsHealth(t *testing.T) {
	center, err := pcsim.New(pcsim.Options{Name: "PC-C", MemberID: "00000123456", Model: pcsim.SingleMessage})
	if err != nil {
		t.Fatal(err)
	}
	if err := center.Start(); err != nil {
		t.Fatal(err)
	}
	defer center.Close()
	core, err := Open(t.Context(), options(t, pgtest.URL(t), center.OnlineAddr()))
	if err != nil {
		t.Fatal(err)
	}
	defer core.Close()
	s, err := Start(t.Context(), core, Roles{Serve: true, Work: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/healthz": "ok\n", "/readyz": "ready\n"} {
		if code, body := get(t, "http://"+s.MetricAddr+path); code != http.StatusOK || body != want {
			t.Errorf("%s: %d %q", path, code, body)
		}
	}
	if err := s.auditJob(t.Context()); err != nil {
		t.Error(err)
	}
	_, page := get(t, "http://"+s.MetricAddr+"/metrics")
	for _, want := range []string{"settled_build_info", `settled_center_connections{pc="PC-C"}`, "settled_invariant_violations", "settled_ledger_audit_last_success_timestamp_seconds"} {
		if !strings.Contains(page, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	if code, _ := get(t, "http://"+s.APIAddr+"/metrics"); code == http.StatusOK {
		t.Error("the merchants' API shows metrics")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := http.Get("http://" + s.MetricAddr + "/healthz"); err == nil {
		t.Error("the stopped server answers")
	}
}

func TestAddressInUseStopsTheStart(t *testing.T) {
	o := options(t, pgtest.URL(t), "127.0.0.1:1")
	core, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer core.Close()
	core.Environment.Listen = "203.0.113.1:1"
	if _, err := Start(t.Context(), core, Roles{Serve: true}); err == nil || !strings.Contains(err.Error(), "SETTLED_LISTEN") {
		t.Errorf("start on an address of another machine: %v", err)
	}
}

func TestLanesPlanWithIndexes(t *testing.T) {
	c := &Core{Options: options(t, pgtest.URL(t), "127.0.0.1:1")}
	c.Registry = telemetry.NewRegistry()
	lanes, err := c.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for name, want := range map[string]string{"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off", "plan_cache_mode": "force_generic_plan", "search_path": "public"} {
		var got string
		if err := lanes.QueryRow(t.Context(), `SELECT current_setting($1)`, name).Scan(&got); err != nil || got != want {
			t.Errorf("%s of the lanes is %q, want %q (%v)", name, got, want, err)
		}
	}
	var plain string
	if err := c.Pool.QueryRow(t.Context(), `SHOW enable_seqscan`).Scan(&plain); err != nil || plain != "on" {
		t.Errorf("enable_seqscan of the pool is %q (%v)", plain, err)
	}
}
