package architecture

import (
	"fmt"
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// proof is the last cell of a row of docs/security.md: names of tests, then the folder of their package. Several such are
// parted by semicolons.
var proof = regexp.MustCompile(`^((?:Test|Fuzz)\w+(?:, (?:Test|Fuzz)\w+)*) \(([\w/]+)\)$`)

var requirement = regexp.MustCompile(`^(S\d\d|H\d|ASVS \d+\.\d+\.\d+|PCI \d+(\.\d+)+)$`)

// securityRows are the rows of the table that docs/security.md begins with, each split into its cells.
func securityRows(t *testing.T) [][]string {
	t.Helper()
	return rowsOf(t, "security.md")
}

// rowsOf are the rows of the first table of four columns of a document, each split into its cells.
func rowsOf(t *testing.T, document string) (rows [][]string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", document))
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "|---|---|---|---|\n")
	if !found {
		t.Fatalf("docs/%s has no table of four columns", document)
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
		checkProofs(t, there, "docs/security.md: "+row[0], row[3])
	}
}

// checkProofs says which tests of a cell of proofs are not there.
func checkProofs(t *testing.T, there map[string]bool, where, cell string) {
	t.Helper()
	for one := range strings.SplitSeq(cell, "; ") {
		m := proof.FindStringSubmatch(one)
		if m == nil {
			t.Errorf("%s: %q is not `TestName (folder/of/package)`", where, one)
			continue
		}
		for name := range strings.SplitSeq(m[1], ", ") {
			if !there[m[2]+" "+name] {
				t.Errorf("%s: there is no %s in %s", where, name, m[2])
			}
		}
	}
}

// review are the numbers of the security review's requirements, in its own parts.
const review = "S01–S08 S10–S16 S20–S23 S30–S39 S40–S45 S50–S54 S60–S63 S70–S75 S80–S85"

// TestEveryRequirementIsAnswered: what the security review asks for is done with a proof, or said not to be built.
func TestEveryRequirementIsAnswered(t *testing.T) {
	answered := requirementsIn(notBuilt(t))
	for _, row := range securityRows(t) {
		answered = append(answered, row[0])
	}
	for _, s := range requirementsIn(review) {
		if !slices.Contains(answered, s) {
			t.Errorf("docs/security.md says nothing of %s", s)
		}
	}
}

// notBuilt is what docs/security.md says is missing.
func notBuilt(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "security.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, missing, found := strings.Cut(string(text), "## Not built yet\n")
	if !found {
		t.Fatal("docs/security.md does not say what is not built")
	}
	return missing
}

// span is a number of a requirement, or a range of them: S30–S39.
var span = regexp.MustCompile(`S(\d)(\d)(?:–S\d(\d))?`)

// requirementsIn are the numbers that a text names, ranges written out.
func requirementsIn(text string) (all []string) {
	for _, m := range span.FindAllStringSubmatch(text, -1) {
		from, _ := strconv.Atoi(m[2])
		until := from
		if m[3] != "" {
			until, _ = strconv.Atoi(m[3])
		}
		for i := from; i <= until; i++ {
			all = append(all, fmt.Sprintf("S%s%d", m[1], i))
		}
	}
	return all
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
