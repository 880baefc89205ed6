package config_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"settled/internal/config"

	"github.com/google/go-cmp/cmp"
)

// documented reads the sections of docs/config.md: keys in order of their tables, by the place that the heading names.
func documented(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/config.md")
	if err != nil {
		t.Fatal(err)
	}
	heading, row := regexp.MustCompile("^## `?([^`]+)`?$"), regexp.MustCompile("^\\| `([A-Za-z0-9_-]+)` \\|")
	out, section := map[string][]string{}, ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if m := heading.FindStringSubmatch(line); m != nil {
			section = m[1]
		} else if strings.HasPrefix(line, "### ") {
			section += " " + strings.TrimPrefix(line, "### ")
		} else if m := row.FindStringSubmatch(line); m != nil && section != takenUp {
			out[section] = append(out[section], m[1])
		}
	}
	return out
}

// takenUp heads a table of sections.
const takenUp = "Changes while processes run"

// keys collects the keys of a type of the file, by their place.
func keys(into map[string][]string, at string, t reflect.Type) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		keys(into, at+"[]", t.Elem())
		return
	case t.Kind() == reflect.Map && t.Elem().Kind() == reflect.Struct:
		keys(into, at+".NAME", t.Elem())
		return
	case t.Kind() != reflect.Struct:
		return
	}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		place := strings.TrimPrefix(at+"."+name, ".")
		section := at
		if section == "" {
			section = "(top)"
		}
		into[section] = append(into[section], name)
		keys(into, place, t.Field(i).Type)
	}
}

func sorted(m map[string][]string) map[string][]string {
	for k := range m {
		slices.Sort(m[k])
	}
	return m
}

func TestDocumentListsEveryKeyAndVariable(t *testing.T) {
	got := documented(t)
	want := map[string][]string{}
	keys(want, "", reflect.TypeFor[config.File]())
	for _, v := range config.Variables() {
		want["Environment"] = append(want["Environment"], v.Name)
	}
	for name := range config.DefaultSchedules {
		want["(top) Recurring jobs"] = append(want["(top) Recurring jobs"], name)
	}
	if diff := cmp.Diff(sorted(want), sorted(got)); diff != "" {
		t.Errorf("docs/config.md differs from what is read (- read, + documented):\n%s", diff)
	}
}

func TestDocumentTellsDefaults(t *testing.T) {
	text, err := os.ReadFile("../../docs/config.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, spec := range config.DefaultSchedules {
		if row := "| `" + name + "` | `" + spec + "` |"; !strings.Contains(string(text), row) {
			t.Errorf("docs/config.md lacks %q", row)
		}
	}
	for _, v := range config.Variables() {
		if row := "| `" + v.Name + "` | `" + v.Default + "` |"; v.Default != "" && !strings.Contains(string(text), row) {
			t.Errorf("docs/config.md lacks %q", row)
		}
	}
}
