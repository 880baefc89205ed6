package audit

import (
	"time"

	"settled/internal/money"
)

// Finding is the result of one check. Several checks may share an invariant.
type Finding struct {
	Invariant  string   `json:"invariant"` // for example "INV-5"
	Title      string   `json:"title"`     // what must be true
	Violations int      `json:"violations"`
	Difference int64    `json:"difference"`        // sum of what is off, without sign, in minor units of mixed currencies
	Account    string   `json:"account,omitempty"` // the account that was tied out
	Examples   []string `json:"examples,omitempty"`
	Parted     Parts    `json:"-"` // what Parts are
	Parts      []Part   `json:"-"` // of a check that compares parts of the ledger: each of them
}

// Part is what a check found in one part of the ledger.
type Part struct {
	Name       string         // center of an account, empty for none; or ledger: financial, memo
	Currency   money.Currency // 0: of any
	Violations int
	Difference int64 // sum of what is off, without sign, in minor units of the currency
}

// Parts says which parts of the ledger a check compares.
type Parts int

// The kinds of parts.
const (
	Whole    Parts = iota // none: it does not compare parts
	Journals              // the rule of each posting, by ledger
	Trial                 // debits and credits, by ledger and currency
	TieOut                // an account, by center and currency
)

// maxExamples is how many violations of an invariant a report names.
const maxExamples = 5

func (f *Finding) add(example string) {
	if f.Violations++; len(f.Examples) < maxExamples {
		f.Examples = append(f.Examples, example)
	}
}

// Report lists the findings of a run in the order of Checks and CardChecks, those without violations included.
type Report struct {
	At       time.Time `json:"at"`
	Findings []Finding `json:"findings"`
	// Unchecked are the invariants that need keys, when there were none.
	Unchecked []string `json:"unchecked,omitempty"`
	// Unbound is how many stored cards and consents are bound to their merchant alone, not to their buyer, until they are renewed. It is
	// counted with keys only.
	Unbound int `json:"unbound,omitempty"`
}

// Violations is the number of violations of all invariants.
func (r Report) Violations() int {
	n := 0
	for _, f := range r.Findings {
		n += f.Violations
	}
	return n
}

// Broken returns the findings that have violations.
func (r Report) Broken() []Finding {
	var out []Finding
	for _, f := range r.Findings {
		if f.Violations > 0 {
			out = append(out, f)
		}
	}
	return out
}
