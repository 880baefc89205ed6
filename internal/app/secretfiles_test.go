package app

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"settled/internal/app/apptest"
	"settled/internal/config"
	"settled/internal/secretfile"
	"settled/internal/vault"
)

// secretFiles makes, for each variable that names a file of a secret, that file, and an environment that names it.
var secretFiles = map[string]func(t *testing.T, dir string, e *config.Environment) (file string){
	"SETTLED_KEYS": func(_ *testing.T, dir string, e *config.Environment) string {
		e.Keys = filepath.Join(dir, "keys")
		return e.Keys
	},
	"SETTLED_TLS_KEY": func(t *testing.T, dir string, e *config.Environment) string {
		e.TLS = apptest.Certificate(t, dir, "api", time.Now().AddDate(1, 0, 0))
		return e.TLS.Key
	},
	"SETTLED_METRICS_TLS_KEY": func(t *testing.T, dir string, e *config.Environment) string {
		e.MetricsTLS = apptest.Certificate(t, dir, "metrics", time.Now().AddDate(1, 0, 0))
		return e.MetricsTLS.Key
	},
	"SETTLED_METRICS_TOKEN_FILE": func(t *testing.T, dir string, e *config.Environment) string {
		e.MetricsToken = filepath.Join(dir, "token")
		if err := os.WriteFile(e.MetricsToken, []byte("kS7d0aQpZ3vN1xTe"), 0o600); err != nil {
			t.Fatal(err)
		}
		return e.MetricsToken
	},
	"the key file's key": func(_ *testing.T, dir string, _ *config.Environment) string { return filepath.Join(dir, "kek") },
}

// noSecrets are the variables that name no file of a secret.
var noSecrets = strings.Fields(`DATABASE_URL SETTLED_CONFIG SETTLED_LISTEN SETTLED_TLS_CERT SETTLED_METRICS_LISTEN SETTLED_METRICS_TLS_CERT
	SETTLED_METRICS_NETWORKS SETTLED_MAX_CONNS SETTLED_LANES SETTLED_DRAIN SETTLED_PROXIES SETTLED_LOG_LEVEL`)

// TestSecretFilesOfTheEnvironment: each variable has a row, and a file with a secret is refused by `settled config check` and the start
// when others may read it: in a live installation all but its owner, in one for tests who is not in its group either. Those of the
// configuration file have a test of this kind in internal/config.
func TestSecretFilesOfTheEnvironment(t *testing.T) {
	rows := len(secretFiles) - 1 + len(noSecrets)
	for _, v := range config.Variables() {
		if _, secret := secretFiles[v.Name]; !secret && !strings.Contains(strings.Join(noSecrets, " ")+" ", v.Name+" ") {
			t.Errorf("%s has no row: does it name a file of a secret?", v.Name)
		}
	}
	if all := len(config.Variables()); rows != all {
		t.Errorf("%d variables, %d rows", all, rows)
	}
	for name, file := range secretFiles {
		for of, mask := range map[vault.Environment]os.FileMode{vault.Test: 0o007, vault.Live: 0o077} {
			for _, mode := range []os.FileMode{0o400, 0o600, 0o640, 0o604, 0o620, 0o601} {
				checkSecretFile(t, name, file, of, mode, mode&mask != 0)
			}
		}
	}
}

func checkSecretFile(t *testing.T, name string, file func(*testing.T, string, *config.Environment) string, of vault.Environment, mode os.FileMode, refused bool) {
	t.Helper()
	dir := t.TempDir()
	e := config.Environment{Listen: "127.0.0.1:0", MetricsListen: "127.0.0.1:0", Keys: filepath.Join(dir, "keys")}
	if err := vault.GenerateFor(e.Keys, of, vault.Place{File: "kek"}); err != nil {
		t.Fatal(err)
	}
	path := file(t, dir, &e)
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	cfg := &config.Config{Environment: of}
	_, err := OpenVault(cfg, e.Keys)
	err = errors.Join(CheckListeners(e, cfg, time.Now), err)
	if errors.Is(err, secretfile.ErrOpen) != refused || (err != nil) != refused || refused && !(errors.Is(err, config.ErrInvalid) && strings.Contains(err.Error(), path)) {
		t.Errorf("%s, %s, mode %04o: %v", name, of, mode, err)
	}
}
