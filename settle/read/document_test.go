package read_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"settled/internal/listing"
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

// TestDocumentOfLists: what is read part by part stands among the lists of docs/reading.md, with the indexes that TestListsReadByIndexes
// tries.
func TestDocumentOfLists(t *testing.T) {
	text, err := os.ReadFile("../../docs/reading.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Lists\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var told, tried, have, lists []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|(?:[^|]*\\|){2}([^|]*)\\|").FindAllStringSubmatch(section, -1) {
		lists = append(lists, m[1])
		for _, index := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(m[2], -1) {
			told = append(told, index[1])
		}
	}
	for _, p := range planned {
		tried = append(tried, p.index)
	}
	books := reflect.TypeFor[*read.Books]()
	for i := range books.NumMethod() {
		if m := books.Method(i); m.Type.NumIn() > 0 && m.Type.In(m.Type.NumIn()-1) == reflect.TypeFor[listing.Range]() {
			have = append(have, m.Name)
		}
	}
	for _, names := range [][]string{told, tried, have, lists} {
		slices.Sort(names)
	}
	if diff := cmp.Diff(have, lists); diff != "" {
		t.Errorf("docs/reading.md, lists (-in the program, +documented):\n%s", diff)
	}
	if diff := cmp.Diff(tried, told); diff != "" {
		t.Errorf("docs/reading.md, indexes of lists (-tried, +documented):\n%s", diff)
	}
}
