package edge_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"settled/internal/app/apptest"
	"settled/internal/app/edge"
	"settled/internal/config"
	"settled/internal/vault"
)

var now = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

func shown(t *testing.T, c *edge.Certificate) string {
	t.Helper()
	made, err := c.Config().GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	return made.Leaf.Subject.CommonName
}

// TestCertificateIsTakenUpWholeOrNotAtAll changes the files under an open certificate: what is no pair that is valid now leaves the one
// before, and is told of once; a good pair is shown from the next look on.
func TestCertificateIsTakenUpWholeOrNotAtAll(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	pair := apptest.Certificate(t, dir, "first", now.AddDate(0, 1, 0))
	c, err := edge.OpenCertificate(pair, vault.Test, clock)
	if err != nil {
		t.Fatal(err)
	}
	strange := apptest.Certificate(t, other, "strange", now.AddDate(1, 0, 0))
	steps := []struct {
		name  string
		do    func() error
		fault string // of the look; empty: none
		shown string
	}{
		{"nothing changed", func() error { return nil }, "", "first"},
		{"a certificate of another key", func() error { return copyFile(strange.Certificate, pair.Certificate) }, "private key does not match", "first"},
		{"and now its key: a renewal that was half done", func() error { return copyFile(strange.Key, pair.Key) }, "", "strange"},
		{"half a certificate", func() error { return os.Truncate(pair.Certificate, 100) }, "no pair", "strange"},
		{"an empty key", func() error { return os.WriteFile(pair.Key, nil, 0o600) }, "no pair", "strange"},
		{"no certificate", func() error { return os.Remove(pair.Certificate) }, "no such file", "strange"},
		{"one that has ended", func() error { apptest.Certificate(t, dir, "ended", now.Add(-time.Hour)); return nil }, "not now", "strange"},
		{"one that has not begun", func() error { apptest.Certificate(t, dir, "early", now.AddDate(3, 0, 0)); return nil }, "not now", "strange"},
		{"a key that is open to all", func() error {
			apptest.Certificate(t, dir, "open", now.AddDate(1, 0, 0))
			return os.Chmod(pair.Key, 0o644)
		}, "chmod 600", "strange"},
		{"the same, closed", func() error { return os.Chmod(pair.Key, 0o600) }, "", "open"},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		before := shown(t, c)
		changed, err := c.Look()
		if step.fault == "" && err != nil || step.fault != "" && (!errors.Is(err, edge.ErrCertificate) || step.fault != "no pair" && !strings.Contains(err.Error(), step.fault)) {
			t.Errorf("%s: %v, want %q", step.name, err, step.fault)
		}
		if got := shown(t, c); got != step.shown || changed != (got != before) {
			t.Errorf("%s: %s is shown, want %s; changed: %v", step.name, got, step.shown, changed)
		}
		if changed, err := c.Look(); changed || err != nil {
			t.Errorf("%s: a second look says %v, %v", step.name, changed, err)
		}
	}
	if got := c.Ends(); !got.Equal(now.AddDate(1, 0, 0)) {
		t.Errorf("it ends %s", got)
	}
}

func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o600)
}

// TestPairsThatAreRefused are those that a process does not start with.
func TestPairsThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, p config.Pair) error
		fault string
	}{
		"no certificate": {func(_ *testing.T, p config.Pair) error { return os.Remove(p.Certificate) }, "no such file"},
		"no key":         {func(_ *testing.T, p config.Pair) error { return os.Remove(p.Key) }, "no such file"},
		"an open key":    {func(_ *testing.T, p config.Pair) error { return os.Chmod(p.Key, 0o604) }, "chmod 600"},
		"another's key": {func(t *testing.T, p config.Pair) error {
			return copyFile(apptest.Certificate(t, t.TempDir(), "other", now.AddDate(1, 0, 0)).Key, p.Key)
		}, "does not match"},
		"a short key of RSA": {shortKey, "2048"},
	} {
		pair := apptest.Certificate(t, t.TempDir(), "one", now.AddDate(1, 0, 0))
		if err := c.spoil(t, pair); err != nil {
			t.Fatal(err)
		}
		if _, err := edge.OpenCertificate(pair, vault.Test, clock); !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func shortKey(t *testing.T, p config.Pair) error {
	t.Setenv("GODEBUG", "rsa1024min=0")
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		return err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now, NotAfter: now.AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	private := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	return errors.Join(os.WriteFile(p.Certificate, text, 0o600), os.WriteFile(p.Key, private, 0o600))
}

// TestTokensThatAreRefused: a token that others may read, or that can be guessed, is none.
func TestTokensThatAreRefused(t *testing.T) {
	const token = "kS7d0aQpZ3vN1xTe\n"
	path := filepath.Join(t.TempDir(), "token")
	for name, c := range map[string]struct {
		text  string
		mode  os.FileMode
		of    vault.Environment
		fault string
	}{
		"good":                 {token, 0o600, vault.Live, ""},
		"for the group":        {token, 0o640, vault.Test, ""},
		"for the group, live":  {token, 0o640, vault.Live, "chmod 600"},
		"short":                {token[:15], 0o600, vault.Test, "16"},
		"empty":                {"\n", 0o600, vault.Test, "16"},
		"open":                 {token, 0o644, vault.Test, "chmod 600"},
		"can be guessed":       {strings.Repeat("0", 16), 0o600, vault.Test, ""},
		"can be guessed, live": {strings.Repeat("0", 16), 0o600, vault.Live, "is all digits"},
		"well-known words":     {"settled-password", 0o600, vault.Live, "well-known words; let chance make it; openssl"},
		"letters of one kind":  {"aaaaaaaaaaaaaaa1", 0o600, vault.Live, "different characters"},
	} {
		if err := errors.Join(os.WriteFile(path, []byte(c.text), 0o600), os.Chmod(path, c.mode)); err != nil {
			t.Fatal(err)
		}
		read, err := edge.ReadToken(path, c.of)
		if c.fault == "" && (err != nil || string(read) != strings.TrimSpace(c.text)) || c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)) {
			t.Errorf("%s: %q, %v", name, read, err)
		}
	}
	if _, err := edge.ReadToken(filepath.Join(t.TempDir(), "none"), vault.Test); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
