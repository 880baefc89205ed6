package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"settled/internal/config"

	"github.com/google/go-cmp/cmp"
)

// changed reads the example in a directory of its own, and again after a change.
func changed(t *testing.T, change func(dir string), replace ...string) (before, after *config.Config) {
	t.Helper()
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	secrets(t, dir)
	path := filepath.Join(dir, "settled.yaml")
	if before, err = config.Parse(path, text); err != nil {
		t.Fatal(err)
	}
	change(dir)
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(string(text), replace[i]) {
			t.Fatalf("the example has no %q", replace[i])
		}
	}
	if after, err = config.Parse(path, []byte(strings.NewReplacer(replace...).Replace(string(text)))); err != nil {
		t.Fatal(err)
	}
	return before, after
}

func nothing(string) {}

// TestChangesAreToldInWords changes one thing of the example at a time.
func TestChangesAreToldInWords(t *testing.T) {
	write := func(name, text string) func(string) {
		return func(dir string) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, tt := range []struct {
		change  func(string)
		replace []string
		want    []string
		restart string // the keys that need one
	}{
		{nothing, []string{"# An example", "# No example", "timeout: 60m", "timeout: 1h"}, nil, ""},
		{nothing, []string{`rate: "0.00612"`, `rate: "0.00613"`}, []string{"rates[KZT to BYN].rate: 0.00612 → 0.00613"}, ""},
		{nothing, []string{"      - 2027-01-07\n", "      - 2027-01-07\n      - 2027-05-01\n"},
			[]string{"calendars.BY-bank.holidays: 2026-01-01, 2026-01-02, 2026-01-07, 2026-05-01, 2026-07-03, 2026-12-25, 2027-01-01, 2027-01-07 → " +
				"2026-01-01, 2026-01-02, 2026-01-07, 2026-05-01, 2026-07-03, 2026-12-25, 2027-01-01, 2027-01-07, 2027-05-01"}, ""},
		{nothing, []string{"$c2V0dGxlZC1leGFtcGxlMQ$", "$N3JpdmVycy00MS1oaWxscw$"}, []string{"merchants[100001].password_hash: changed"}, ""},
		{nothing, []string{"public_url: https://pay.shop-gateway.example", "public_url: https://pay2.shop-gateway.example", `rate: "0.00612"`, `rate: "0.00613"`},
			[]string{"public_url: https://pay.shop-gateway.example → https://pay2.shop-gateway.example", "rates[KZT to BYN].rate: 0.00612 → 0.00613"}, "public_url"},
		{write("secrets/pc-a.mac", strings.Repeat("0f", 16)), nil, []string{"centers[PC-A].online.mac.key_file: changed"}, "centers[PC-A].online.mac.key_file"},
		{nothing, []string{"send: \"@every 10s\"", "send: \"@every 20s\""}, []string{"schedules.send: @every 10s → @every 20s"}, "schedules.send"},
	} {
		before, after := changed(t, tt.change, tt.replace...)
		all, err := before.Content().TakesUp(after.Content())
		var got []string
		for _, c := range all {
			got = append(got, c.String())
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q: (- want, + got)\n%s", tt.replace, diff)
		}
		if (before.Content().Sum() == after.Content().Sum()) != (len(got) == 0) {
			t.Errorf("%q: %v, and the sums say otherwise", tt.replace, got)
		}
		if tt.restart == "" && err != nil || tt.restart != "" && (!errors.Is(err, config.ErrRestart) || err.Error() != "needs a restart: "+tt.restart) {
			t.Errorf("%q: %v", tt.replace, err)
		}
	}
}

// TestEveryKeyHasARule: whoever adds a key decides whether running processes take it up.
func TestEveryKeyHasARule(t *testing.T) {
	all := map[string][]string{}
	keys(all, "", reflect.TypeFor[config.File]())
	for section, names := range all {
		if section = strings.TrimSuffix(section, "(top)"); true {
			if diff := cmp.Diff(sortedWords(names), config.RuledKeys(section)); diff != "" {
				t.Errorf("rules of section %q (- keys, + rules):\n%s", section, diff)
			}
		}
	}
	for _, section := range config.RuledSections() {
		if _, there := all[section]; !there && section != "" {
			t.Errorf("there are rules of section %q, which the file does not have", section)
		}
	}
}

// TestDocumentTellsWhatIsTakenUp compares the table of docs/config.md with the rules.
func TestDocumentTellsWhatIsTakenUp(t *testing.T) {
	text, err := os.ReadFile("../../docs/config.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range config.TakenUp() {
		if !strings.Contains(string(text), row+"\n") {
			t.Errorf("docs/config.md lacks the row\n%s", row)
		}
	}
}

func sortedWords(words []string) []string {
	slices.Sort(words)
	return words
}
