package app

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"settled/internal/config"
	"settled/internal/postgres/pgtest"
	"settled/internal/vault"
)

// TestDatabaseRemembersItsKeys opens a database with its keys, others, none, rotated ones, and a copy from before the rotation.
func TestDatabaseRemembersItsKeys(t *testing.T) {
	o := options(t, pgtest.URL(t), "127.0.0.1:1")
	try := func(path string) error {
		o.Environment.Keys = path
		core, err := Open(t.Context(), o)
		if err == nil {
			core.Close()
		}
		return err
	}
	own, dir := o.Environment.Keys, t.TempDir()
	other, copied := filepath.Join(dir, "other"), filepath.Join(dir, "copied")
	if err := vault.Generate(other); err != nil {
		t.Fatal(err)
	}
	if err := try(filepath.Join(dir, "none")); err == nil || !strings.Contains(err.Error(), "settled keys new") {
		t.Errorf("no key file, a new database: %v", err)
	}
	if err := try(own); err != nil {
		t.Fatal(err)
	}
	if err := try(other); !errors.Is(err, ErrKeys) || !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), "do not make new ones") {
		t.Errorf("keys of another database: %v", err)
	}
	if err := try(filepath.Join(dir, "none")); !errors.Is(err, ErrKeys) || strings.Contains(err.Error(), "keys new") {
		t.Errorf("no key file, a database that has keys: %v", err)
	}
	text, err := os.ReadFile(own)
	if err == nil {
		err = os.WriteFile(copied, text, 0o600)
	}
	if err == nil {
		_, err = vault.Rotate(own)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := try(own); err != nil {
		t.Errorf("rotated keys: %v", err)
	}
	if err := try(copied); !errors.Is(err, ErrKeys) || !strings.Contains(err.Error(), "from before a rotation") {
		t.Errorf("a copy from before the rotation: %v", err)
	}
}
