package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"settled/authorize/tenants"
	"settled/internal/config"
	"settled/internal/money"

	"golang.org/x/crypto/argon2"
)

// atShop sets up the small configuration for commands about merchants and returns its path.
func atShop(t *testing.T) string {
	t.Helper()
	path := small(t, "127.0.0.1:1")
	t.Setenv("SETTLED_CONFIG", path)
	return path
}

// good runs a command that has to succeed and returns what it printed.
func good(t *testing.T, args ...string) string {
	t.Helper()
	out, errOut, code := settledWith(t, "", args...)
	if code != exitOK {
		t.Fatalf("settled %v: exit code %d\n%s", args, code, errOut)
	}
	return out
}

func merchantOf(t *testing.T, path string, id int32) config.Merchant {
	t.Helper()
	cfg, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(cfg.Merchants, func(m config.Merchant) bool { return m.ID == id })
	if i < 0 {
		t.Fatalf("there is no merchant %d", id)
	}
	return cfg.Merchants[i]
}

var addThird = []string{"merchant", "add", "--id", "8", "--name", "Third", "--street", "Long 1", "--city", "Grodno", "--postal", "230023", "--country", "BLR",
	"--mcc", "0742", "--currency", "BYN", "--center", "PC-C", "--terminal", "T3", "--acceptor", "A3", "--mdr-bps", "150", "--json"}

func TestMerchantAddHandsSecretsOverOnce(t *testing.T) {
	path := atShop(t)
	var h handed
	if err := json.Unmarshal([]byte(good(t, addThird...)), &h); err != nil {
		t.Fatal(err)
	}
	m := merchantOf(t, path, 8)
	if !passwordMatches(m.PasswordHash, h.Password) || passwordMatches(m.PasswordHash, "x") || len(h.Password) != 26 {
		t.Errorf("the password %q is not the merchant's", h.Password)
	}
	if string(m.SecretWord.Reveal()) != h.SecretWord || len(h.SecretWord) != 26 || h.Login != "merchant_8" || m.Login != h.Login {
		t.Errorf("handed over %+v", h)
	}
	if !m.Proofs.Checkvalue || m.Page.Links != tenants.LinksProven {
		t.Errorf("a new merchant is open: %+v, links %s", m.Proofs, m.Page.Links)
	}
	if r, ok := m.Route(money.BYN); !ok || r.MDRBPS != 150 || m.MCC != "0742" {
		t.Errorf("%+v", m.Merchant)
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(text), h.Password) || strings.Contains(string(text), h.SecretWord) {
		t.Errorf("the file holds a secret in the clear (%v):\n%s", err, text)
	}
	if info, err := os.Stat(filepath.Join(filepath.Dir(path), "secrets/merchant-8.word")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("file of the secret word: %v, %v", info, err)
	}
	if show := good(t, "merchant", "show", "8") + good(t, "merchant", "show", "8", "--json"); strings.Contains(show, h.SecretWord) || !strings.Contains(show, "present") {
		t.Errorf("show:\n%s", show)
	}
	if _, errOut, code := settledWith(t, "", addThird...); code != exitError || !strings.Contains(errOut, "exists") {
		t.Errorf("added again: exit code %d\n%s", code, errOut)
	}
	if now := merchantOf(t, path, 8); string(now.SecretWord.Reveal()) != h.SecretWord {
		t.Error("the second add changed the secret word")
	}
}

// TestMerchantAddOpens: who wants orders without a proof says so.
func TestMerchantAddOpens(t *testing.T) {
	path := atShop(t)
	good(t, append(slices.Clone(addThird), "--anybody-may-order", "--links", "taken")...)
	if m := merchantOf(t, path, 8); m.Proofs.Checkvalue || m.Page.Links != tenants.LinksTaken {
		t.Errorf("%+v, links %s", m.Proofs, m.Page.Links)
	}
	if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), "anybody_may_order: true") {
		t.Errorf("the file does not say who may order (%v):\n%s", err, text)
	}
}

func TestMerchantAddLeavesNothingWhenItIsWrong(t *testing.T) {
	path := atShop(t)
	before, _ := os.ReadFile(path)
	_, errOut, code := settledWith(t, "", append(slices.Clone(addThird), "--center", "PC-Q")...)
	if code != exitConfig || !strings.Contains(errOut, `merchants[1].routes[0].center: there is no center "PC-Q"`) {
		t.Errorf("exit code %d\n%s", code, errOut)
	}
	after, _ := os.ReadFile(path)
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "secrets", "*")); string(before) != string(after) || left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestMerchantSecretsAreRenewed(t *testing.T) {
	path := atShop(t)
	var first, second, third handed
	for _, step := range []struct {
		into *handed
		what string
	}{{&first, "secret"}, {&second, "secret"}, {&third, "password"}} {
		if err := json.Unmarshal([]byte(good(t, "merchant", step.what, "7", "--json")), step.into); err != nil {
			t.Fatal(err)
		}
		m := merchantOf(t, path, 7)
		if got := string(m.SecretWord.Reveal()); step.what == "secret" && got != step.into.SecretWord {
			t.Errorf("the secret word is %q, handed over was %q", got, step.into.SecretWord)
		}
	}
	if first.SecretWord == second.SecretWord || first.SecretWord == "" || first.Password != "" {
		t.Errorf("%+v, %+v", first, second)
	}
	m := merchantOf(t, path, 7)
	if !passwordMatches(m.PasswordHash, third.Password) || passwordMatches(m.PasswordHash, shopPassword) || string(m.SecretWord.Reveal()) != second.SecretWord {
		t.Errorf("password %q", third.Password)
	}
}

func TestMerchantSet(t *testing.T) {
	path := atShop(t)
	out := good(t, "merchant", "set", "7", "page.timeout=30m", "notifications.url=https://shop.example/told", "routes[0].currencies=BYN,USD")
	for _, want := range []string{"page.timeout", "30m0s", "https://shop.example/told", "BYN,USD", "payments,confirmations,cancellations"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if strings.Contains(out, "mcc") {
		t.Errorf("what did not change is told:\n%s", out)
	}
	if m := merchantOf(t, path, 7); m.Page.Timeout != 30*time.Minute || !m.Merchant.Notify.Payments {
		t.Errorf("%+v", m)
	}
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"7", "page.color=red"}, exitUsage, `no such setting: "page.color"`},
		{[]string{"7", "page.attempts=many"}, exitUsage, "not a value"},
		{[]string{"7", "name"}, exitUsage, "not of the form KEY=VALUE"},
		{[]string{"7"}, exitUsage, "at least 2 arguments"},
		{[]string{"seven", "name=x"}, exitUsage, `"seven" is no number of a merchant`},
		{[]string{"9", "name=x"}, exitNotFound, "no such merchant: 9"},
		{[]string{"7", "name=Shop 2", "page.attempts=99"}, exitConfig, "nothing was changed"},
	} {
		_, errOut, code := settledWith(t, "", append([]string{"merchant", "set"}, tt.args...)...)
		if code != tt.code || !strings.Contains(errOut, tt.want) {
			t.Errorf("%v: exit code %d\n%s", tt.args, code, errOut)
		}
	}
	if m := merchantOf(t, path, 7); m.Name != "Shop" {
		t.Errorf("a change that was refused is there: %s", m.Name)
	}
}

func TestMerchantList(t *testing.T) {
	atShop(t)
	good(t, addThird...)
	var lines []merchantLine
	if err := json.Unmarshal([]byte(good(t, "merchant", "list", "--json")), &lines); err != nil || len(lines) != 2 || lines[1].Merchant != 8 || lines[0].Means[0] != "card" {
		t.Errorf("%+v, %v", lines, err)
	}
	if out := good(t, "merchant", "list"); !strings.Contains(out, "merchant_7") || !strings.Contains(out, "Third") {
		t.Errorf("list:\n%s", out)
	}
}

func TestMerchantCheckTellsWhatIsMissing(t *testing.T) {
	path := atShop(t)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	end := time.Now().Add(48 * time.Hour).UTC().Format(time.RFC3339)
	rates := "rates:\n  - {from: USD, to: BYN, rate: \"3.25\", source: Bank, valid_to: \"" + end + "\"}\n  - {from: EUR, to: BYN, rate: \"3.5\", source: Bank}\n"
	write(t, path, rates+string(text))
	check := func() (c shopCheck) {
		t.Helper()
		if err := json.Unmarshal([]byte(good(t, "merchant", "check", "7", "--json")), &c); err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := check()
	if len(c.Quotes) != 3 || c.Quotes[0].Rate != "1" || c.Quotes[0].Center != "PC-C" {
		t.Errorf("quotes: %+v", c.Quotes)
	}
	if i := slices.IndexFunc(c.Quotes, func(q quoteLine) bool { return q.Currency == "USD" }); i < 0 || c.Quotes[i].Rate != "3.25" || c.Quotes[i].Paid != "BYN" || c.Quotes[i].Until == nil {
		t.Errorf("quotes: %+v", c.Quotes)
	}
	keys := func(c shopCheck) (keys []string) {
		for _, m := range c.Missing {
			keys = append(keys, m.Key)
		}
		return keys
	}
	if got := keys(c); !slices.Equal(got, []string{"public_url", "proofs.checkvalue", "secret_word_file", "notifications.url", "page.return_url", "page.three_ds", "rates"}) {
		t.Errorf("missing: %v", got)
	}
	good(t, "merchant", "secret", "7")
	good(t, "merchant", "set", "7", "proofs.checkvalue=true", "notifications.url=https://shop.example/told", "page.return_url=https://shop.example/")
	if got := keys(check()); !slices.Equal(got, []string{"public_url", "page.three_ds", "rates"}) {
		t.Errorf("still missing: %v", got)
	}
	if out := good(t, "merchant", "check", "7"); !strings.Contains(out, "USD as BYN at PC-C, rate 3.25 of Bank, until ") || !strings.Contains(out, "missing public_url") {
		t.Errorf("check:\n%s", out)
	}
	good(t, "merchant", "set", "7", "proofs.no_delimiters=true")
	if c := check(); c.Requests != "check value, without delimiters" || !slices.Contains(keys(c), "proofs.no_delimiters") {
		t.Errorf("without delimiters: %+v", c)
	}
}

// TestMerchantCheckIsRedWhenNothingCanBePaid offers no means.
func TestMerchantCheckIsRedWhenNothingCanBePaid(t *testing.T) {
	path := atShop(t)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, strings.Replace(string(text), "      routes:\n", "      page: {means: []}\n      routes:\n", 1))
	out, errOut, code := settledWith(t, "", "merchant", "check", "7")
	if code != exitRed || !strings.Contains(out, "nothing can be paid") {
		t.Errorf("exit code %d\n%s%s", code, out, errOut)
	}
}

func TestKeysAndConfigurationMustAgree(t *testing.T) {
	atShop(t)
	t.Setenv("SETTLED_KEYS", filepath.Join(t.TempDir(), "keys"))
	if _, errOut, code := settledWith(t, "", "keys", "new", "--environment", "prod"); code != exitUsage || !strings.Contains(errOut, "test or live") {
		t.Errorf("keys for prod: exit code %d\n%s", code, errOut)
	}
	for _, place := range []string{"", "here", "file:", "env:", "command: "} {
		if _, errOut, code := settledWith(t, "", "keys", "new", "--environment", "live", "--kek", place); code != exitUsage || !strings.Contains(errOut, "not a place of a key") {
			t.Errorf("live keys sealed by a key at %q: exit code %d\n%s", place, code, errOut)
		}
	}
	good(t, "keys", "new", "--environment", "live", "--kek", "file:kek")
	good(t, "keys", "move", "--kek", "file:kek2")
	good(t, "keys", "rotate")
	if _, errOut, code := settledWith(t, "", "config", "check"); code != exitConfig || !strings.Contains(errOut, "is for live, the configuration for test") {
		t.Errorf("live keys in a test installation: exit code %d\n%s", code, errOut)
	}
}

// passwordMatches reports whether hash, an argon2id hash in PHC form, is that of the password.
func passwordMatches(hash, password string) bool {
	var memory, passes uint32
	var threads uint8
	parts := strings.Split(hash, "$")
	if len(parts) != 6 {
		return false
	}
	_, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &threads)
	salt, bad := base64.RawStdEncoding.DecodeString(parts[4])
	sum := argon2.IDKey([]byte(password), salt, max(passes, 1), memory, max(threads, 1), 32)
	return err == nil && bad == nil && base64.RawStdEncoding.EncodeToString(sum) == parts[5]
}
