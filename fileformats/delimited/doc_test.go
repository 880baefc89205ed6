package delimited

import (
	"os"
	"strings"
	"testing"
)

// TestDocument: the examples of docs/formats/delimited.md are files that are written and answers that are read, and every column is there.
func TestDocument(t *testing.T) {
	raw, err := os.ReadFile("../../docs/formats/delimited.md")
	if err != nil {
		t.Fatal(err)
	}
	document := string(raw)
	for _, example := range []string{string(build(t, caret, sample())), summary, rejectFile} {
		if !strings.Contains(document, "```\n"+example+"```") {
			t.Errorf("lacks the example\n%s", example)
		}
	}
	for _, name := range Columns() {
		if !strings.Contains(document, "\n| `"+name+"` | ") {
			t.Errorf("does not say what column %s is", name)
		}
	}
}
