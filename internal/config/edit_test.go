package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"settled/internal/config"
	"settled/internal/money"
	"settled/settle/order"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// editable copies the example, changed, to where it can be edited.
func editable(t *testing.T, replace ...string) string {
	t.Helper()
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "settled.yaml")
	secrets(t, filepath.Dir(path))
	write(t, path, strings.NewReplacer(replace...).Replace(string(text)))
	return path
}

// set makes changes to the merchant 100001 and saves them.
func set(t *testing.T, path string, settings ...string) (*config.Config, error) {
	t.Helper()
	e, err := config.OpenEdit(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range settings {
		key, value, _ := strings.Cut(s, "=")
		if err := e.Set(100001, key, value); err != nil {
			return nil, err
		}
	}
	return e.Save()
}

// changedLines are the lines by which two files differ: "- old", "+ new".
func changedLines(t *testing.T, before, path string) []string {
	t.Helper()
	after := read(t, path)
	var out []string
	for line := range strings.Lines(before) {
		if !strings.Contains(after, line) {
			out = append(out, "- "+strings.TrimSpace(line))
		}
	}
	for line := range strings.Lines(after) {
		if !strings.Contains(before, line) {
			out = append(out, "+ "+strings.TrimSpace(line))
		}
	}
	return out
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestSetChangesOnlyItsLine checks that comments, blank lines, order and quotes around a change stay.
func TestSetChangesOnlyItsLine(t *testing.T) {
	path := editable(t, "attempts: 3\n", "attempts: 3 # as agreed\n")
	before := read(t, path)
	cfg, err := set(t, path, "page.attempts=5", "mcc=0742", "routes[0].currencies=BYN, EUR", "notifications.only_successful=true", "page.return_no_url=")
	if err != nil {
		t.Fatal(err)
	}
	m := cfg.Merchants[0]
	if m.Page.Attempts != 5 || m.MCC != "0742" || !m.Merchant.Notify.OnlySuccessful || m.Page.ReturnNo != "" ||
		!slices.Equal(m.Routes[0].Currencies, []money.Currency{money.BYN, money.EUR}) {
		t.Errorf("%+v", m)
	}
	want := []string{`- mcc: "5411"`, "- attempts: 3 # as agreed", "- return_no_url: https://north-star.example/again", "- only_successful: false",
		"- currencies: [BYN, USD, EUR]", `+ mcc: "0742"`, "+ attempts: 5 # as agreed", "+ only_successful: true", "+ currencies: [BYN, EUR]"}
	if diff := cmp.Diff(want, changedLines(t, before, path)); diff != "" {
		t.Error(diff)
	}
	if got, was := strings.Count(read(t, path), "\n\n"), strings.Count(before, "\n\n"); got != was {
		t.Errorf("%d blank lines of %d are left", got, was)
	}
	if _, err := set(t, path, "page.attempts=3", "mcc=5411", "routes[0].currencies=BYN,USD,EUR", "notifications.only_successful=false",
		"page.return_no_url=https://north-star.example/again"); err != nil || read(t, path) != before {
		t.Errorf("changed back it is not what it was: %v, %v", err, changedLines(t, before, path))
	}
}

func TestSetAddsWhatIsNotThere(t *testing.T) {
	path := editable(t)
	cfg, err := set(t, path, "region=", "language=ru", "routes[3].center=PC-B", "routes[3].currencies=PLN", "routes[3].terminal=T1000004",
		"routes[3].acceptor=NORTHSTAR000004", "routes[3].mit_confirm_within=36h", "routes[1]=")
	if err != nil {
		t.Fatal(err)
	}
	m := cfg.Merchants[0]
	if route, ok := m.Route(money.PLN); !ok || route.Center.Name != "PC-B" || route.MITConfirmWithin != 36*time.Hour || !m.Russian || m.Region != "" {
		t.Errorf("%+v", m)
	}
	if _, ok := m.Route(money.RUB); ok {
		t.Error("the route that was taken away is there")
	}
	if text := read(t, path); !strings.Contains(text, "test_mode: true\n    language: ru\n    page:\n") {
		t.Errorf("language is not in its place:\n%s", text)
	}
}

func TestSetRefuses(t *testing.T) {
	path := editable(t)
	before := read(t, path)
	for setting, want := range map[string]error{
		"page.colour=red": config.ErrKey, "page=on": config.ErrKey, "routes[4].center=PC-A": config.ErrKey, "routes[0]=x": config.ErrKey,
		"id=7": config.ErrKey, "page[0].after=shop": config.ErrKey, "Page.after=shop": config.ErrKey, "name.first=x": config.ErrKey, "=": config.ErrKey,
		"page.attempts=many": config.ErrValue, "page.timeout=soon": config.ErrValue, "page.one_click=yes": config.ErrValue,
		"page.attempts=99": config.ErrInvalid, "currency=JPY": config.ErrInvalid, "login=blue_river": config.ErrInvalid, "test_mode=false": config.ErrInvalid,
		"password_hash=secret": config.ErrInvalid, "name=": config.ErrInvalid,
	} {
		if _, err := set(t, path, setting); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", setting, err, want)
		}
	}
	e, err := config.OpenEdit(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Set(42, "name", "x"); !errors.Is(err, config.ErrNoMerchant) {
		t.Errorf("an unknown merchant: %v", err)
	}
	if read(t, path) != before {
		t.Error("a refused change is in the file")
	}
}

// TestEverySettingCanBeNamed finds settings that docs/config.md has and Set does not take, or the other way round.
func TestEverySettingCanBeNamed(t *testing.T) {
	var want []string
	for place, keys := range documented(t) {
		if below, ok := strings.CutPrefix(place, "merchants[]"); ok {
			for _, key := range keys {
				want = append(want, strings.TrimPrefix(strings.ReplaceAll(below, "[]", "[N]")+"."+key, "."))
			}
		}
	}
	got := config.MerchantKeys()
	slices.Sort(got)
	want = slices.DeleteFunc(want, func(k string) bool {
		return slices.Contains([]string{"page", "proofs", "notifications", "card_testing", "routes"}, k)
	})
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAddMerchant(t *testing.T) {
	for name, path := range map[string]string{"after others": editable(t), "first": noMerchants(t)} {
		before := read(t, path)
		e, err := config.OpenEdit(path)
		if err != nil {
			t.Fatal(err)
		}
		err = e.AddMerchant(config.MerchantFile{ID: 100003, Name: "Third", Street: "Long 1", City: "Grodno", Postal: "230023", Country: "BLR", MCC: "0742",
			Currency: "BYN", Login: "third_shop", PasswordHash: "$argon2id$v=19$m=8,t=1,p=1$c2V0dGxlZC1leGFtcGxlMQ$3qk6qVxjDYVSq2vP0m0cJgZV0d1k0n2b6b1hJ8Qm0oQ",
			Routes: []config.RouteFile{{Center: "PC-A", Currencies: []string{"BYN"}, Terminal: "T3", Acceptor: "A3"}}})
		if err != nil {
			t.Fatal(err)
		}
		cfg, err := e.Save()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if text := read(t, path); !strings.Contains(text, "mdr_bps: 0\n\nschedules:\n") {
			t.Errorf("%s: the new merchant does not end with the blank line:\n%s", name, text)
		}
		m := cfg.Merchants[len(cfg.Merchants)-1]
		if route, ok := m.RouteOf(order.MeansCard, money.BYN, time.Time{}); m.ID != 100003 || !ok || route.Center.Name != "PC-A" || m.MCC != "0742" {
			t.Errorf("%s: %+v", name, m)
		}
		for _, line := range changedLines(t, before, path) {
			if strings.HasPrefix(line, "- ") && line != "- merchants: []" {
				t.Errorf("%s: lost %q", name, line)
			}
		}
		if err := e.AddMerchant(config.MerchantFile{ID: 100003}); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Save(); !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), "100003 is already that of merchants[") {
			t.Errorf("%s: an id twice: %v", name, err)
		}
	}
}

// noMerchants is the example without merchants.
func noMerchants(t *testing.T) string {
	t.Helper()
	path := editable(t)
	text := read(t, path)
	begin, end := strings.Index(text, "merchants:\n"), strings.Index(text, "schedules:\n")
	write(t, path, text[:begin]+"merchants: []\n\n"+text[end:])
	return path
}

func TestSaveIsSafe(t *testing.T) {
	path := editable(t)
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link.yaml")
	secrets(t, filepath.Dir(link))
	if err := os.RemoveAll(filepath.Join(filepath.Dir(path), "secrets")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if _, err := set(t, link, "name=Pole Star"); err != nil || !strings.Contains(read(t, path), "name: Pole Star") {
		t.Fatalf("through a link: %v", err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v, %v", info, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("permissions are %v, %v", info.Mode(), err)
	}
	e, err := config.OpenEdit(link)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Set(100001, "name", "South Star"); err != nil {
		t.Fatal(err)
	}
	write(t, path, read(t, path)+"# a colleague was here\n")
	if _, err := e.Save(); !errors.Is(err, config.ErrChanged) || strings.Contains(read(t, path), "South Star") {
		t.Errorf("a change of somebody else: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".settled-*")); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

// TestSetKeepsTheIndentation edits a file that is indented by four columns: only the line that says something else changes.
func TestSetKeepsTheIndentation(t *testing.T) {
	path := editable(t)
	var tree yaml.Node
	if err := yaml.Unmarshal([]byte(read(t, path)), &tree); err != nil {
		t.Fatal(err)
	}
	text, err := yaml.Marshal(&tree)
	if err != nil || !strings.Contains(string(text), "\n    zone: Europe/Minsk\n") {
		t.Fatalf("%v in %s", err, text)
	}
	write(t, path, string(text))
	if _, err := set(t, path, "city=Mogilev"); err != nil {
		t.Fatal(err)
	}
	want := []string{"      city: Minsk", "      city: Mogilev"}
	if got := differing(string(text), read(t, path)); !slices.Equal(got, want) {
		t.Errorf("changed are %q", got)
	}
}

// differing are the lines by which texts of equal length differ, old before new.
func differing(before, after string) []string {
	a, b := strings.Split(before, "\n"), strings.Split(after, "\n")
	var out []string
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			out = append(out, a[i], b[i])
		}
	}
	return out
}

// TestSetInAnotherLayout edits a file whose indentation is not the encoder's: it says the same afterwards.
func TestSetInAnotherLayout(t *testing.T) {
	path := editable(t, "\n  - id: 100001\n", "\n-   id: 100001\n", "\n  - id: 100002\n", "\n-   id: 100002\n")
	cfg, err := set(t, path, "city=Mogilev", "region=")
	if err != nil || cfg.Merchants[0].City != "Mogilev" || cfg.Merchants[0].Region != "" || cfg.Merchants[1].City != "Brest" || len(cfg.Centers) != 4 {
		t.Fatalf("%+v, %v", cfg, err)
	}
	if !strings.Contains(read(t, path), "# Dual message with EBCDIC files") {
		t.Error("a comment is lost")
	}
}

// TestSetLeavesSharedSettingsAlone refuses to edit through an alias, which would change other merchants.
func TestSetLeavesSharedSettingsAlone(t *testing.T) {
	path := editable(t, "    proofs:\n", "    proofs: &proofs\n", "    secret_word: river\n", "    secret_word: river\n    proofs: *proofs\n")
	e, err := config.OpenEdit(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Set(100002, "proofs.sha256", "true"); !errors.Is(err, config.ErrKey) || !strings.Contains(err.Error(), "alias") {
		t.Errorf("through an alias: %v", err)
	}
}
