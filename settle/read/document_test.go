package read_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"settled/settle/read"

	"github.com/google/go-cmp/cmp"
)

// TestDocument: docs/reading.md tells of every way to read, and of no other.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/reading.md")
	if err != nil {
		t.Fatal(err)
	}
	var told, have []string
	name := regexp.MustCompile("`([A-Z][A-Za-z]+)`")
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			for _, m := range name.FindAllStringSubmatch(cells[1], -1) {
				told = append(told, m[1])
			}
		}
	}
	books := reflect.TypeFor[*read.Books]()
	for i := range books.NumMethod() {
		have = append(have, books.Method(i).Name)
	}
	slices.Sort(told)
	slices.Sort(have)
	if diff := cmp.Diff(have, told); diff != "" {
		t.Errorf("docs/reading.md (-in the program, +documented):\n%s", diff)
	}
}
