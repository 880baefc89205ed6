package architecture

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// levelTwo is how many clauses of levels 1 and 2 each section of OWASP ASVS 5.0.0 has. They are the first ones of their section;
// those of level 3 follow them.
var levelTwo = map[string]int{
	"1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2,
	"2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1,
	"3.2": 2, "3.3": 4, "3.4": 6, "3.5": 5, "3.7": 2,
	"4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4,
	"5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3,
	"6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4,
	"7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2,
	"8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1,
	"9.1": 3, "9.2": 4,
	"10.1": 2, "10.2": 2, "10.3": 4, "10.4": 11, "10.5": 5, "10.6": 2, "10.7": 3,
	"11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1, "11.6": 1,
	"12.1": 3, "12.2": 2, "12.3": 4,
	"13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5,
	"14.1": 2, "14.2": 4, "14.3": 3,
	"15.1": 3, "15.2": 3, "15.3": 7,
	"16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3,
	"17.1": 1, "17.2": 4, "17.3": 2,
}

// unproven are the words that stand in place of tests where there are none; docs/asvs.md explains each.
var unproven = []string{"does not apply", "reviewed", "yours", "not yet"}

// pciClauses are the clauses of PCI DSS 4.0.1 that a program can meet or miss.
var pciClauses = strings.Fields(`1.3.2 2.2.1 2.2.2 2.2.7 3.2.1 3.3.1 3.3.1.1 3.3.1.2 3.3.1.3 3.3.2 3.4.1 3.4.2 3.5.1 3.5.1.1 3.6.1 3.6.1.1 3.6.1.2 3.6.1.3
	3.6.1.4 3.7.1 3.7.2 3.7.3 3.7.4 3.7.5 3.7.6 3.7.7 4.2.1 4.2.1.1 6.2.3 6.2.3.1 6.2.4 6.3.1 6.3.2 6.3.3 6.4.2 6.4.3 6.5.5 6.5.6 7.2.1 7.2.2 7.2.3 7.2.5 7.2.6
	7.3.1 7.3.2 7.3.3 8.2.8 8.3.2 8.3.4 8.3.6 8.4.2 8.5.1 8.6.2 10.2.1 10.2.1.1 10.2.1.2 10.2.1.3 10.2.1.4 10.2.1.5 10.2.1.6 10.2.1.7 10.2.2 10.3.2 10.3.3 10.3.4
	10.4.1.1 10.5.1 10.6.1 10.6.2 10.6.3 10.7.2 11.6.1 12.3.3 12.10.7`)

// clause is a clause, or a range within one section: 6.5.1–6.5.5.
var clause = regexp.MustCompile(`^(\d+(?:\.\d+)+)\.(\d+)(?:–(\d+(?:\.\d+)+)\.(\d+))?$`)

// TestEveryClauseOfASVSHasItsRow: each clause stands in docs/asvs.md once, with tests that exist or with the reason why there are none.
func TestEveryClauseOfASVSHasItsRow(t *testing.T) {
	var wanted []string
	for section, n := range levelTwo {
		for i := range n {
			wanted = append(wanted, fmt.Sprintf("%s.%d", section, i+1))
		}
	}
	checkClauses(t, "asvs.md", wanted)
}

// TestEveryClauseOfPCIHasItsRow: the same of docs/pci.md.
func TestEveryClauseOfPCIHasItsRow(t *testing.T) {
	checkClauses(t, "pci.md", pciClauses)
}

// checkClauses holds the table of a document to the clauses that are wanted.
func checkClauses(t *testing.T, document string, wanted []string) {
	t.Helper()
	rows := clauseRows(t, document)
	for _, c := range wanted {
		if rows[c] != 1 {
			t.Errorf("docs/%s has %d rows of %s", document, rows[c], c)
		}
		delete(rows, c)
	}
	for c := range rows {
		t.Errorf("docs/%s: %s is none of the clauses that it is about", document, c)
	}
}

// clauseRows counts the rows of each clause, and checks what they name as proof.
func clauseRows(t *testing.T, document string) map[string]int {
	t.Helper()
	there, rows := testNames(t), map[string]int{}
	for _, row := range rowsOf(t, document) {
		if len(row) != 4 || row[1] == "" || row[2] == "" {
			t.Errorf("docs/%s: %q is no row of clause, meaning, deed and proof", document, row)
			continue
		}
		for _, c := range clausesOf(t, document, row[0]) {
			rows[c]++
		}
		if !slices.Contains(unproven, row[3]) {
			checkProofs(t, there, "docs/"+document+": "+row[0], row[3])
		}
	}
	return rows
}

// clausesOf writes out the clauses of a first cell.
func clausesOf(t *testing.T, document, cell string) (all []string) {
	t.Helper()
	for one := range strings.SplitSeq(cell, ", ") {
		m := clause.FindStringSubmatch(one)
		if m == nil || m[3] != "" && m[3] != m[1] {
			t.Errorf("docs/%s: %q is neither a clause nor a range within a section", document, one)
			continue
		}
		from, _ := strconv.Atoi(m[2])
		until := from
		if m[4] != "" {
			until, _ = strconv.Atoi(m[4])
		}
		for i := from; i <= until; i++ {
			all = append(all, fmt.Sprintf("%s.%d", m[1], i))
		}
	}
	return all
}
