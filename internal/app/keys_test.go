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
	"settled/settle/keyring"
)

// TestKeysAreTakenUp rotates the keys of a running process, and then puts others in their place.
func TestKeysAreTakenUp(t *testing.T) {
	o := options(t, pgtest.URL(t), "127.0.0.1:1")
	core, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer core.Close()
	if err := core.renewKeys(t.Context()); err != nil || len(core.Vault.Keys()) != 1 {
		t.Fatalf("%d keys, %v", len(core.Vault.Keys()), err)
	}
	if _, err := vault.Rotate(o.Environment.Keys); err != nil {
		t.Fatal(err)
	}
	if err := core.renewKeys(t.Context()); err != nil || len(core.Vault.Keys()) != 2 || !core.Vault.Keys()[1].Active {
		t.Errorf("after the rotation: %+v, %v", core.Vault.Keys(), err)
	}
	if known, err := CheckKeys(t.Context(), core.Pool, o.Config, o.Environment.Keys); err != nil || known != 3 {
		t.Errorf("the database knows %d keys, %v", known, err)
	}
	if err := errors.Join(os.Remove(o.Environment.Keys), vault.Generate(o.Environment.Keys)); err != nil {
		t.Fatal(err)
	}
	if err := core.renewKeys(t.Context()); !errors.Is(err, ErrKeys) || len(core.Vault.Keys()) != 2 {
		t.Errorf("keys of another installation: %d keys, %v", len(core.Vault.Keys()), err)
	}
}

// TestLiveKeysAreKeptApart: a live installation does not start with a file that holds both the keys and the key that seals them.
func TestLiveKeysAreKeptApart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	if err := vault.GenerateFor(path, vault.Live, vault.Place{}); err != nil {
		t.Fatal(err)
	}
	cfg := &config.Config{Environment: vault.Live}
	if _, err := OpenVault(cfg, path); !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), "settled keys move") {
		t.Errorf("together: %v", err)
	}
	if err := vault.Move(path, vault.Place{File: "kek"}); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenVault(cfg, path); err != nil {
		t.Errorf("apart: %v", err)
	}
}

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

// TestRevokedStaysRevoked: a process takes up a revocation, the database remembers it with its reason, and a copy of the key file from before
// is refused, by those that run and by those that start.
func TestRevokedStaysRevoked(t *testing.T) {
	o := options(t, pgtest.URL(t), "127.0.0.1:1")
	core, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer core.Close()
	added, err := vault.RotateHashes(o.Environment.Keys, vault.Links)
	if err != nil {
		t.Fatal(err)
	}
	copied, err := os.ReadFile(o.Environment.Keys)
	if err := errors.Join(err, core.renewKeys(t.Context())); err != nil {
		t.Fatal(err)
	}
	if _, err := vault.Revoke(o.Environment.Keys, vault.Links, 0, vault.Revocation{At: core.Now(), Reason: "seen in a log"}); err != nil {
		t.Fatal(err)
	}
	if err := core.renewKeys(t.Context()); err != nil || !core.Vault.Revoked(vault.Links, 0) || core.Vault.Revoked(vault.Prints, 0) {
		t.Fatalf("taken up: %v, revoked %t", err, core.Vault.Revoked(vault.Links, 0))
	}
	known, err := keyring.Revoked(t.Context(), core.Pool)
	if err != nil || len(known) != 1 || known[0].Generation != 0 || known[0].Purpose != "links" || known[0].Reason != "seen in a log" {
		t.Errorf("the database knows %+v, %v", known, err)
	}
	keys, err := keyring.Known(t.Context(), core.Pool)
	if err != nil || len(keys) != 3 || keys[2].Generation != int32(added.Number) || keys[2].Purpose != "links" || keys[0].Purpose != "fingerprints" || keys[1].Purpose != "cards" {
		t.Errorf("the database knows %+v, %v", keys, err)
	}
	if err := os.WriteFile(o.Environment.Keys, copied, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := core.renewKeys(t.Context()); !errors.Is(err, ErrKeys) || !strings.Contains(err.Error(), "generation 0 of links was revoked") || !core.Vault.Revoked(vault.Links, 0) {
		t.Errorf("a copy from before: %v", err)
	}
	if _, err := Open(t.Context(), o); !errors.Is(err, ErrKeys) {
		t.Errorf("a start with a copy from before: %v", err)
	}
}
