package ipm

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// TestDocumentation compares the example and the hashes in the documentation with the files.
func TestDocumentation(t *testing.T) {
	raw, err := os.ReadFile("../../docs/formats/ipm.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(raw)
	for _, f := range fixtures {
		sum := sha256.Sum256(build(t, f.profile, sample()))
		if row := "`" + hex.EncodeToString(sum[:]) + "`"; !strings.Contains(doc, row) {
			t.Errorf("%s: the documentation lacks %s", f.file, row)
		}
	}
	_, rest, ok := strings.Cut(doc, "<!-- example: sale -->\n```\n")
	dump, _, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatal("no example in the documentation")
	}
	if want := hex.Dump(golden(t, "ipm_ascii.vbs")[78 : 78+290]); dump != want {
		t.Errorf("the documentation shows\n%s\nthe file holds\n%s", dump, want)
	}
}
