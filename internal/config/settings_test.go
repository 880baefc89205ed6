package config_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"settled/authorize/online"
	"settled/authorize/protocol"
	"settled/authorize/tenants"
	"settled/clearing/format"
	"settled/internal/config"
	"settled/internal/money"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/order"

	"github.com/google/go-cmp/cmp"
)

var rsaKeys sync.Map

// key makes an RSA key of so many bits, once.
func key(bits int) *rsa.PrivateKey {
	made, ok := rsaKeys.Load(bits)
	if !ok {
		k, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			panic(err)
		}
		made, _ = rsaKeys.LoadOrStore(bits, k)
	}
	return made.(*rsa.PrivateKey)
}

func pemText(kind string, k any) string {
	var der []byte
	var err error
	switch k := k.(type) {
	case *rsa.PublicKey:
		der, err = x509.MarshalPKIXPublicKey(k)
	default:
		der, err = x509.MarshalPKCS8PrivateKey(k)
	}
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// exampleConfig is the example, changed, as it is read.
func exampleConfig(t *testing.T, replace ...string) *config.Config {
	t.Helper()
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	secrets(t, dir)
	cfg, err := config.Parse(filepath.Join(dir, "settled.yaml"), []byte(strings.NewReplacer(replace...).Replace(string(text))))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestExampleSettings(t *testing.T) {
	cfg := exampleConfig(t)
	if cfg.Environment != vault.Test || cfg.PublicURL != "https://pay.shop-gateway.example" || !cfg.SigningKey.Equal(key(2048)) {
		t.Errorf("installation: %s, %s, key %v", cfg.Environment, cfg.PublicURL, cfg.SigningKey != nil)
	}
	if d := cfg.ThreeDS; d.URL != "https://3ds.acs-partner.example/v2" || string(d.Secret.Reveal()) != "q7Zr0vXk2LmT9sBd" || d.Timeout != 10*time.Second {
		t.Errorf("three_ds: %+v", d)
	}
	m := cfg.Merchants[0]
	want := tenants.Page{Card: true, Instant: true, Timeout: time.Hour, Attempts: 3, Links: "taken", ReturnURL: "https://north-star.example/order",
		ReturnOK: "https://north-star.example/thanks", ReturnNo: "https://north-star.example/again", ReturnHosts: []string{"north-star.example"}, OneClick: true, Recurring: true, ThreeDS: true,
		Required: []string{"Lastname", "Firstname", "Email"}}
	if diff := cmp.Diff(want, m.Page); diff != "" {
		t.Errorf("page: %s", diff)
	}
	all := settle.Notify{Payments: true, Confirmations: true, Cancellations: true}
	if m.Merchant.Notify != all || m.Notify.URL != "https://north-star.example/assist/result" || m.Notify.SOAP || m.Notify.PlainAnswer {
		t.Errorf("notifications: %+v and %+v", m.Notify, m.Merchant.Notify)
	}
	if !m.TestMode || !m.Proofs.Checkvalue || !m.Proofs.PublicKey.Equal(&key(2048).PublicKey) || m.Proofs.RSA || m.Proofs.Covers != (protocol.Covered{Customer: true}) {
		t.Errorf("proofs: %+v, test mode %t", m.Proofs, m.TestMode)
	}
	if route := m.Serves(1, money.BYN); route.MITConfirmWithin != 24*time.Hour {
		t.Errorf("MIT window is %v", route.MITConfirmWithin)
	}
}

// TestSilentMerchant checks what a merchant gets whose settings say nothing.
func TestSilentMerchant(t *testing.T) {
	m := exampleConfig(t).Merchants[1]
	want := tenants.Page{Card: true, Timeout: time.Hour, Attempts: 3, Links: "taken"}
	if diff := cmp.Diff(want, m.Page); diff != "" || m.Notify.URL != "" || m.Notify.Signer.Signs() || m.Proofs != (protocol.Proofs{}) || !m.TestMode {
		t.Errorf("%s\n%+v %+v test mode %t", diff, m.Notify, m.Proofs, m.TestMode)
	}
	if route := m.Serves(2, m.Default); route.MITConfirmWithin != 96*time.Hour {
		t.Errorf("MIT window is %v", route.MITConfirmWithin)
	}
}

func TestInstantCenter(t *testing.T) {
	cfg := exampleConfig(t, "unit: kopecks", "unit: rubles", "late_paid: adopt", "late_paid: refund", "qr_ttl: 15m", "qr_ttl: 5m")
	c := cfg.Centers[3]
	if caps := (order.Capabilities{Instant: true, Refund: order.RefundByOnline}); c.Capabilities != caps || c.LatePaid != settle.LateRefund || c.Online != (online.Settings{}) {
		t.Errorf("%+v, late %v, online %+v", c.Capabilities, c.LatePaid, c.Online)
	}
	if c.Instant.Kopecks || c.Instant.QRTTL != 5*time.Minute || string(c.Instant.Secret.Reveal()) != "Jw4hN8cYp1EfUa6g" {
		t.Errorf("%+v", c.Instant)
	}
	m := cfg.Merchants[0]
	if r, ok := m.RouteOf(order.MeansInstant, money.BYN, time.Time{}); !ok || r.Center != c.Center {
		t.Errorf("instant payments go to %+v", r)
	}
}

// TestRatesOfTheExample quotes on both sides of the instant at which the rate changes: midnight in Minsk.
func TestRatesOfTheExample(t *testing.T) {
	cfg := exampleConfig(t)
	change := time.Date(2026, 6, 30, 21, 0, 0, 0, time.UTC)
	original := money.Amount{Minor: 10000, Currency: money.PLN}
	for at, want := range map[time.Time]string{change.Add(-1): "0.8131 81.31 BYN", change: "0.8215 82.15 BYN"} {
		q, err := cfg.Directory.Quote(cfg.Merchants[0].Merchant, order.MeansCard, original, at)
		if got := q.Rate + " " + q.Amount.String(); err != nil || got != want || q.Source != "National Bank" {
			t.Errorf("at %v: %s, %v", at, got, err)
		}
	}
}

// live turns the example into a live installation that is safe.
var live = []string{"environment: test", "environment: live", "name: PC-B\n", "name: PC-B\n    environment: live\n", "name: PC-C\n", "name: PC-C\n    environment: live\n",
	"name: SBP\n", "name: SBP\n    environment: live\n", "mode: test", "mode: production", "test_mode: true", "test_mode: false",
	"$c2V0dGxlZC1leGFtcGxlMQ$", "$N3JpdmVycy00MS1oaWxscw$", "$c2V0dGxlZC1leGFtcGxlMg$", "$MTJ3aWxsb3dzLTNvdHRlcg$",
	"secret_word: river\n", "secret_word_file: secrets/blue-river.word\n    page: {links: proven}\n    proofs: {checkvalue: true}\n", ".example", ".by"}

func TestLiveExample(t *testing.T) {
	cfg := exampleConfig(t, live...)
	if cfg.Environment != vault.Live {
		t.Fatalf("environment is %s", cfg.Environment)
	}
	for _, c := range cfg.Centers {
		if c.Clearing != nil && c.Clearing.Format.Mode() != format.Production {
			t.Errorf("%s: mode of files is %c", c.Name, c.Clearing.Format.Mode())
		}
	}
	for _, m := range cfg.Merchants {
		if m.TestMode {
			t.Errorf("merchant %d is in test mode", m.ID)
		}
	}
	for _, c := range exampleConfig(t).Centers {
		if c.Clearing != nil && c.Clearing.Format.Mode() != format.Test {
			t.Errorf("%s of the test installation: mode of files is %c", c.Name, c.Clearing.Format.Mode())
		}
	}
}

// TestMixedEnvironments puts one thing of a test installation into a live one, and one of a live into one for tests: none
// of them may start. (What stands in the key file is tried by internal/app.)
func TestMixedEnvironments(t *testing.T) {
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, of, there, want string }{
		{"center", "name: PC-A\n    zone: Europe/Minsk\n    environment: ENV", "test live", "centers[0].environment: the center is for %o, the installation for %e"},
		{"center that says nothing", "name: PC-B\n    environment: ENV\n", "test live", "centers[1].environment: the center is for %o"},
		{"single-message center", "name: PC-C\n    environment: ENV\n", "test live", "centers[2].environment: "},
		{"partner bank", "name: SBP\n    environment: ENV\n", "test live", "centers[3].environment: "},
		{"files", "mode: ENV", "test production", "centers[0].clearing.mode: %o files in a %e installation"},
		{"merchant", "test_mode: ENV", "true false", "merchants[0].test_mode: is %o in a %e installation"},
		{"installation", "\nenvironment: ENV", "test live", "centers[1].environment: "},
	} {
		words := strings.Fields(tt.there)
		for i, installation := range []string{"test", "live"} {
			whole := string(text)
			if installation == "live" {
				whole = strings.NewReplacer(live...).Replace(whole)
			} else { // say what the example leaves out
				whole = strings.NewReplacer("name: PC-B\n", "name: PC-B\n    environment: test\n", "name: PC-C\n", "name: PC-C\n    environment: test\n",
					"name: SBP\n", "name: SBP\n    environment: test\n").Replace(whole)
			}
			own, other := strings.Replace(tt.of, "ENV", words[i], 1), strings.Replace(tt.of, "ENV", words[1-i], 1)
			if !strings.Contains(whole, own) {
				t.Fatalf("%s installation lacks %q", installation, own)
			}
			dir := t.TempDir()
			secrets(t, dir)
			_, err := config.Parse(filepath.Join(dir, "settled.yaml"), []byte(strings.Replace(whole, own, other, 1)))
			want := strings.NewReplacer("%o", words[1-i], "%e", installation).Replace(tt.want)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s of the other kind in a %s installation: %v, want %q", tt.name, installation, err, want)
			}
		}
	}
}

// TestLiveNeedsMore checks what only a live installation has to have.
func TestLiveNeedsMore(t *testing.T) {
	for _, tt := range []struct{ old, new, want string }{
		{"public_url: https:", "public_url: http:", "public_url: \"http://pay.shop-gateway.by\" is not https"},
		{"public_url: https://pay.shop-gateway.example\n", "", "public_url: is missing"},
		{"url: https://3ds", "url: http://3ds", "three_ds.url: "},
		{"url: https://sbp", "url: http://sbp", "centers[3].instant.url: "},
		{"url: https://north-star.example/assist/result", "url: http://north-star.example/assist/result", "merchants[0].notifications.url: \"http://north-star.by/assist/result\" is not https"},
		{"only_successful: false", "allow_private: true", "merchants[0].notifications.allow_private: is for test installations only"},
	} {
		text, err := os.ReadFile(example)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		secrets(t, dir)
		changed := strings.Replace(string(text), tt.old, tt.new, 1)
		path := filepath.Join(dir, "settled.yaml")
		if _, err := config.Parse(path, []byte(changed)); err != nil {
			t.Errorf("%q in a test installation: %v", tt.new, err)
		}
		_, err = config.Parse(path, []byte(strings.NewReplacer(live...).Replace(changed)))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q in a live installation: %v", tt.new, err)
		}
	}
}

func TestSignedAnswersNeedOurKey(t *testing.T) {
	if cfg := exampleConfig(t, "answers: md5", "answers: rsa"); !cfg.Merchants[0].Proofs.RSA {
		t.Error("answers are not signed")
	}
	got := load(t, "answers: md5", "answers: rsa", "signing_key_file: secrets/gateway.pem\n", "")
	if len(got) != 1 || !strings.Contains(got[0], "merchants[0].proofs.answers: rsa needs signing_key_file") {
		t.Errorf("without a key: %q", got)
	}
}

func TestKeysInEveryForm(t *testing.T) {
	for form, text := range map[string]string{
		"PKCS #1": string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key(2048))})),
		"PKCS #8": pemText("PRIVATE KEY", key(2048)),
	} {
		if got := loadWith(t, "gateway.pem", text); got != "" {
			t.Errorf("%s: %s", form, got)
		}
	}
	if got := loadWith(t, "gateway.pem", pemText("PRIVATE KEY", key(1024))); !strings.Contains(got, "has 1024 bits; 2048 are needed") {
		t.Errorf("a short key: %s", got)
	}
	template := &x509.Certificate{SerialNumber: key(1024).N}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key(2048).PublicKey, key(2048))
	if err != nil {
		t.Fatal(err)
	}
	for form, block := range map[string]*pem.Block{
		"PKCS #1":     {Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&key(2048).PublicKey)},
		"certificate": {Type: "CERTIFICATE", Bytes: certificate},
	} {
		if got := loadWith(t, "north-star.pub.pem", string(pem.EncodeToMemory(block))); got != "" {
			t.Errorf("%s: %s", form, got)
		}
	}
}

// loadWith reads the example with one of its files replaced.
func loadWith(t *testing.T, file, text string) string {
	t.Helper()
	whole, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	secrets(t, dir)
	write(t, filepath.Join(dir, "secrets", file), text)
	if _, err = config.Parse(filepath.Join(dir, "settled.yaml"), whole); err != nil {
		return err.Error()
	}
	return ""
}
