package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"settled/internal/config"
	"settled/internal/money"
)

const example = "../../settled.example.yaml"

// load parses the example with replacements and returns the problems as lines without the file's name.
func load(t *testing.T, replace ...string) []string {
	t.Helper()
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "secrets/pc-a.key"), "-----BEGIN OPENSSH PRIVATE KEY-----\n")
	write(t, filepath.Join(dir, "secrets/pc-b.password"), "swordfish\n")
	write(t, filepath.Join(dir, "secrets/north-star.word"), "north star\n")
	out := string(text)
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(out, replace[i]) {
			t.Fatalf("the example does not contain %q", replace[i])
		}
		out = strings.Replace(out, replace[i], replace[i+1], 1)
	}
	path := filepath.Join(dir, "settled.yaml")
	_, err = config.Parse(path, []byte(out))
	if err == nil {
		return nil
	}
	if !errors.Is(err, config.ErrInvalid) {
		t.Fatalf("error %v is not ErrInvalid", err)
	}
	return strings.Split(strings.ReplaceAll(strings.ReplaceAll(err.Error(), path+":", ""), dir, ""), "\n")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// lineOf returns the number of the first line of the example that contains the text.
func lineOf(t *testing.T, text string) string {
	t.Helper()
	file, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	before, _, ok := strings.Cut(string(file), text)
	if !ok {
		t.Fatalf("the example does not contain %q", text)
	}
	return strconv.Itoa(strings.Count(before, "\n") + 1)
}

func TestExampleIsValid(t *testing.T) {
	if got := load(t); got != nil {
		t.Fatalf("problems in the example:\n%s", strings.Join(got, "\n"))
	}
}

func TestProblemsNameLineAndReason(t *testing.T) {
	for _, tt := range []struct{ name, old, new, want string }{
		{"unknown key", "two_stage: true", "two_stages: true", `unknown key "two_stages"`},
		{"value of the wrong kind", "id: 1\n", "id: one\n", "cannot unmarshal !!str `one` as int"},
		{"duplicate key", "name: PC-A", "name: PC-A\n    name: PC-Z", `mapping key "name" already defined`},
		{"broken syntax", "merchants:", "merchants: [", "did not find expected"},
		{"tab as indentation", "    name: PC-A", "\tname: PC-A", "found a tab character that violates indentation"},
		{"unknown zone", "zone: Europe/Minsk", "zone: Europe/Minks", `ledger.zone: "Europe/Minks" is no IANA time zone`},
		{"missing calendar", "calendar: BY-bank", "calendar: BY-banks", `centers[0].clearing.calendar: there is no calendar "BY-banks"`},
		{"holiday that is no date", "- 2026-01-01", "- 2026-02-30", `calendars.BY-bank.holidays[0]: "2026-02-30" is no date`},
		{"holiday beyond the horizon", "horizon: 2027-12-31", "horizon: 2025-12-31", `calendars.BY-bank: `},
		{"cut-off that is no time", `cutoff: "23:00"`, `cutoff: "24:00"`, `centers[0].clearing.windows[0].cutoff: "24:00" is no time`},
		{"deadline at the cut-off", `deadline: "23:45"`, `deadline: "23:00"`, `centers[0].clearing.windows: `},
		{"unknown charset", "charset: ascii", "charset: koi8", `centers[0].clearing.charset: "koi8" is not one of ascii, latin1, cp037, cp500`},
		{"address without port", `address: "online.pc-a.example:7001"`, `address: "online.pc-a.example"`, `centers[0].online.address: "online.pc-a.example" is no address`},
		{"hold at a single-message center", "two_stage: false", "two_stage: true", "centers[2].capabilities.two_stage: a single-message center cannot hold"},
		{"host key that is none", "ssh-ed25519 AAAA", "ssh-ed25519 !!!!", "centers[0].clearing.sftp.host_keys[0]: "},
		{"secret that is not there", "secrets/pc-a.key", "secrets/pc-z.key", "centers[0].clearing.sftp.key_file: open"},
		{"route to an unknown center", "center: PC-A", "center: PC-Q", `merchants[0].routes[0].center: there is no center "PC-Q"`},
		{"currency that does not exist", "currencies: [BYN", "currencies: [BYX", `merchants[0].routes[0].currencies[0]: "BYX" is no ISO 4217 currency`},
		{"currency with two routes", "currencies: [RUB]", "currencies: [BYN]", "merchants[0].routes[1].currencies[0]: BYN has a route already"},
		{"two merchants with one login", "login: blue_river", "login: north_star", "merchants[1].login: north_star is already that of merchants[0]"},
		{"password in the clear", "password_hash: $argon2id$", "password_hash: secret$", "merchants[0].password_hash: an argon2id hash is needed"},
		{"invoiced price that is given back", "return_mdr: true", "mdr_invoiced: true\n        return_mdr: true", "merchants[0].routes[1].return_mdr: an invoiced price cannot be given back"},
		{"schedule of no job", "audit: ", "audits: ", `schedules.audits: there is no recurring job "audits"`},
		{"spec that never comes", `audit: "*/15 * * * *"`, `audit: "0 0 30 2 *"`, "schedules.audit: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := load(t, tt.old, tt.new)
			if len(got) == 0 {
				t.Fatal("accepted")
			}
			if all := strings.Join(got, "\n"); !strings.Contains(all, tt.want) {
				t.Fatalf("got %s, want %q", all, tt.want)
			}
			for _, line := range got {
				if strings.HasPrefix(line, "0:") || !strings.Contains("123456789", line[:1]) {
					t.Errorf("problem without a line: %s", line)
				}
			}
		})
	}
}

func TestProblemStandsAtItsLine(t *testing.T) {
	want := lineOf(t, "charset: ascii") + ": "
	got := load(t, "charset: ascii", "charset: koi8")
	if len(got) != 1 || !strings.HasPrefix(got[0], want) {
		t.Fatalf("got %q, want one problem at line %s", got, want)
	}
}

func TestAllProblemsAreReportedAtOnce(t *testing.T) {
	got := load(t, "charset: ascii", "charset: koi8", "mcc: \"5411\"", "mcc: food", "center: PC-A", "center: PC-Q")
	if len(got) != 3 {
		t.Fatalf("got %d problems, want 3:\n%s", len(got), strings.Join(got, "\n"))
	}
}

func TestEmptyAndManyDocuments(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "empty",
		"# only a comment\n":            "empty",
		"ledger: {}\n---\nledger: {}\n": "more than one document",
		"[1, 2]\n":                      "cannot unmarshal",
	} {
		_, err := config.Parse("x.yaml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q) = %v, want %q", text, err, want)
		}
	}
}

func TestExampleMeans(t *testing.T) {
	dir := t.TempDir()
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "secrets/pc-a.key"), "key")
	write(t, filepath.Join(dir, "secrets/pc-b.password"), "swordfish\n")
	write(t, filepath.Join(dir, "secrets/north-star.word"), "north star\n")
	cfg, err := config.Parse(filepath.Join(dir, "settled.yaml"), text)
	if err != nil {
		t.Fatal(err)
	}
	m, ok := cfg.Directory.Merchant(cfg.Merchants[0].ID)
	if !ok {
		t.Fatal("merchant is not in the directory")
	}
	byn, _ := money.ParseCurrency("BYN")
	route, ok := m.Route(byn)
	if !ok || route.Center.Name != "PC-A" || route.ConfirmWithin != 48*time.Hour {
		t.Errorf("route of BYN: %+v", route)
	}
	if got := string(cfg.Merchants[0].SecretWord.Reveal()); got != "north star" {
		t.Errorf("secret word %q", got)
	}
	if got := cfg.Centers[1].Clearing.SFTP.PasswordFile; got != filepath.Join(dir, "secrets/pc-b.password") {
		t.Errorf("password file %q", got)
	}
	if cfg.Centers[2].Clearing != nil {
		t.Error("single-message center has clearing")
	}
}

func TestEnvironment(t *testing.T) {
	env := map[string]string{"SETTLED_LANES": "4", "SETTLED_DRAIN": "5s"}
	e, err := config.ReadEnvironment(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	if e.Lanes != 4 || e.Drain != 5*time.Second || e.Listen != "127.0.0.1:8080" {
		t.Errorf("environment: %+v", e)
	}
	for name, value := range map[string]string{"SETTLED_LANES": "0", "SETTLED_DRAIN": "soon", "SETTLED_LOG_LEVEL": "loud"} {
		_, err := config.ReadEnvironment(func(n string) string {
			if n == name {
				return value
			}
			return ""
		})
		if !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
}
