package architecture

import (
	"regexp"
	"testing"
)

// literals are files whose statements still spell a state, kind, status, rule, phase, source or origin out, with why.
// Everywhere else it is a parameter from a typed constant, so that the compiler finds who uses it.
var literals = map[string]string{
	"internal/work/alive.go":   "states of the job queue's own tables",
	"internal/work/metrics.go": "states of the job queue's own tables",
}

var (
	statement = regexp.MustCompile(`\b(?:SELECT|INSERT|UPDATE|DELETE|WHERE|FROM)\b`)
	spelled   = regexp.MustCompile(`\b(?:state|status|kind|rule|phase|source|origin|category)\s*(?:=|<>|!=|\bIN\b|\bNOT\s+IN\b)\s*\(?\s*(?:'[a-z_A-Z0-9-]+'|[0-9]+)`)
)

// TestStatementsSpellNoStates looks at all statements but those of the audit, whose queries are read by people, and of the
// migrations.
func TestStatementsSpellNoStates(t *testing.T) {
	set, files := source(t)
	found := map[string]int{}
	for _, f := range files {
		if f.test || within(f.dir, "settle/audit", "migrations", bench) {
			continue
		}
		for _, text := range texts(f.syntax) {
			if !statement.MatchString(text.value) {
				continue
			}
			for _, m := range spelled.FindAllString(text.value, -1) {
				found[f.name]++
				if _, known := literals[f.name]; !known {
					t.Errorf("%s: %q is spelled out: pass it as a parameter", f.position(set, text.at), m)
				}
			}
		}
	}
	for name := range literals {
		if found[name] == 0 {
			t.Errorf("%s spells nothing out any more: take it out of the list", name)
		}
	}
}
