package roles

import (
	"fmt"
	"strings"
)

// Table is the table of rights as docs/roles.md shows it: r reads, i inserts, u updates the columns named, d deletes, e erases the columns
// of the last cell.
func Table() string {
	var b strings.Builder
	b.WriteString("| table |")
	for _, r := range All() {
		b.WriteString(" " + string(r) + " |")
	}
	b.WriteString(" columns that may be updated | and erased |\n|---|" + strings.Repeat("---|", len(All())) + "---|---|\n")
	for _, t := range rights {
		fmt.Fprintf(&b, "| `%s` |", t.table)
		for _, r := range All() {
			b.WriteString(" " + t.letters(r) + " |")
		}
		b.WriteString(" " + listed(t.changes) + " | " + listed(t.erases) + " |\n")
	}
	for _, c := range sealed {
		fmt.Fprintf(&b, "| `%s (%s)` |", c.table, c.column)
		for _, r := range All() {
			b.WriteString(" " + map[bool]string{true: "r", false: "–"}[c.read(r)] + " |")
		}
		b.WriteString("  |  |\n")
	}
	return b.String()
}

func listed(columns string) string {
	if columns == "" {
		return ""
	}
	return "`" + strings.Join(strings.Fields(columns), "`, `") + "`"
}

func (t right) letters(r Role) (letters string) {
	v := t.of(r)
	for _, may := range []struct {
		letter string
		has    bool
	}{{"r", t.read(r)}, {"i", v.insert}, {"u", v.update}, {"d", v.remove}, {"e", t.erases != "" && r.has(Work)}} {
		if may.has {
			letters += may.letter
		}
	}
	if letters == "" {
		return "–"
	}
	return letters
}

// Verifier is what the server keeps of a password, under a salt.
var Verifier = verifier
