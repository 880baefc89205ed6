package payment

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// faults of the algebra are ours, no refusals.
var faults = []string{"ErrAmounts", "ErrTransition"}

// TestEveryRefusalOfTheAlgebraHasACode: one without would be told as an unknown outcome, and asked for again.
func TestEveryRefusalOfTheAlgebraHasACode(t *testing.T) {
	translated := matches(t, "refusals.go", `\border\.(Err\w+)`)
	files, err := filepath.Glob("../../settle/order/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var refused []string
	for _, name := range files {
		if !strings.HasSuffix(name, "_test.go") {
			refused = append(refused, matches(t, name, `\b(Err\w+)\s+= errors\.New`)...)
		}
	}
	if len(refused) < 10 {
		t.Errorf("only %d refusals were found", len(refused))
	}
	for _, name := range refused {
		if !slices.Contains(translated, name) && !slices.Contains(faults, name) {
			t.Errorf("order.%s has no row in refusals", name)
		}
	}
}

// matches are the names that a pattern finds in a file.
func matches(t *testing.T, file, pattern string) (names []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
		names = append(names, m[1])
	}
	return names
}
