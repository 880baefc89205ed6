package architecture

import (
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// proof is the last cell of a row of docs/security.md: names of tests, then the folder of their package. Several such are
// parted by semicolons.
var proof = regexp.MustCompile(`^((?:Test|Fuzz)\w+(?:, (?:Test|Fuzz)\w+)*) \(([\w/]+)\)$`)

var requirement = regexp.MustCompile(`^(S\d\d|H\d|ASVS \d+\.\d+\.\d+|PCI \d+(\.\d+)+)$`)

// securityRows are the rows of the table that docs/security.md begins with, each split into its cells.
func securityRows(t *testing.T) (rows [][]string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "security.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "|---|---|---|---|\n")
	if !found {
		t.Fatal("docs/security.md has no table of four columns")
	}
	for line := range strings.Lines(table) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
	}
	return rows
}

// TestSecurityTableNamesTestsThatExist: what is said to be proven has its proof.
func TestSecurityTableNamesTestsThatExist(t *testing.T) {
	there := testNames(t)
	rows := securityRows(t)
	if len(rows) < 2 {
		t.Fatalf("docs/security.md has %d rows", len(rows))
	}
	for _, row := range rows {
		if len(row) != 4 || !requirement.MatchString(row[0]) || row[1] == "" || row[2] == "" {
			t.Errorf("docs/security.md: %q is no row of requirement, meaning, deed and proof", row)
			continue
		}
		for one := range strings.SplitSeq(row[3], "; ") {
			m := proof.FindStringSubmatch(one)
			if m == nil {
				t.Errorf("docs/security.md: %s: %q is not `TestName (folder/of/package)`", row[0], one)
				continue
			}
			for name := range strings.SplitSeq(m[1], ", ") {
				if !there[m[2]+" "+name] {
					t.Errorf("docs/security.md: %s: there is no %s in %s", row[0], name, m[2])
				}
			}
		}
	}
}

// testNames are "folder TestName" of every test of the module.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	_, files := source(t)
	names := map[string]bool{}
	for _, f := range files {
		if !strings.HasSuffix(f.name, "_test.go") {
			continue
		}
		for _, declared := range f.syntax.Decls {
			if function, is := declared.(*ast.FuncDecl); is && function.Recv == nil {
				names[path.Dir(f.name)+" "+function.Name.Name] = true
			}
		}
	}
	return names
}
