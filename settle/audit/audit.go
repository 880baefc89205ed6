package audit

import (
	"context"
	"fmt"
	"time"

	"settled/internal/money"
	"settled/internal/vault"

	"github.com/jackc/pgx/v5"
)

// maxExamples is how many violations of an invariant a report names.
const maxExamples = 5

// Slack of the invariants that bound a time.
const (
	HoldSlack   = 10 * time.Minute // how long after its end a hold may stand
	IntentSlack = 5 * time.Minute  // how long after its due time a payment may lack an outcome
)

// Options of a run.
type Options struct {
	// Role is the database role of the application, whose rights INV-2 checks; "settled_app" when empty.
	Role string
	// Only are the invariants to check; all when empty.
	Only []string
	// Vault opens the sealed cards, for CardChecks. Without one these are not made, and the report says so.
	Vault *vault.Vault
}

// Beginner begins the transaction that a run reads in: a pool or a connection.
type Beginner interface {
	BeginTx(ctx context.Context, o pgx.TxOptions) (pgx.Tx, error)
}

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

// Report lists the findings of a run in the order of Checks and CardChecks, those without violations included.
type Report struct {
	At       time.Time `json:"at"`
	Findings []Finding `json:"findings"`
	// Unchecked are the invariants that need keys, when there were none.
	Unchecked []string `json:"unchecked,omitempty"`
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

// The statements read whole tables. A nested loop, which the planner likes for tables that nobody has analyzed yet, would
// take the square of their size.
const settings = `SET LOCAL statement_timeout = 0; SET LOCAL enable_nestloop = off`

// Run checks the books on one snapshot. now decides what is late; it does not filter what is read. An error means that the
// books could not be checked, never that a check found something.
func Run(ctx context.Context, db Beginner, now time.Time, o Options) (Report, error) {
	if o.Role == "" {
		o.Role = "settled_app"
	}
	report := Report{At: now.UTC()}
	tx, err := db.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return report, fmt.Errorf("begin audit: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := tx.Exec(ctx, settings); err != nil {
		return report, fmt.Errorf("begin audit: %w", err)
	}
	for _, c := range Checks {
		if !o.wants(c.Invariant) {
			continue
		}
		f, err := c.run(ctx, tx, now, o)
		if err != nil {
			return report, err
		}
		report.Findings = append(report.Findings, f)
	}
	if err := report.texts(ctx, tx, o); err != nil {
		return report, err
	}
	return report, report.cards(ctx, tx, o)
}

// cards makes the checks that need keys, or notes that they were not made.
func (r *Report) cards(ctx context.Context, tx pgx.Tx, o Options) error {
	for _, c := range CardChecks {
		if !o.wants(c.Invariant) {
			continue
		}
		if o.Vault == nil {
			r.Unchecked = append(r.Unchecked, c.Invariant+": "+c.Title)
			continue
		}
		f, err := c.run(ctx, tx, o.Vault)
		if err != nil {
			return err
		}
		r.Findings = append(r.Findings, f)
	}
	return nil
}

func (o Options) wants(invariant string) bool {
	for _, name := range o.Only {
		if name == invariant {
			return true
		}
	}
	return len(o.Only) == 0
}

// Check is one invariant as a statement. The statement returns (text, bigint) per violation: an example, and what is off.
// One that compares parts of the ledger returns (text, bigint, text, smallint) per comparison, the name and currency of the
// part after the difference; it is a violation where the difference is not 0. As named arguments a statement may use @now,
// @role and the slacks @hold_slack and @intent_slack.
type Check struct {
	Invariant string
	Title     string
	SQL       string
	Parts     Parts
	Account   string // that it ties out
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

const (
	selectViolations = `
SELECT '', 0::smallint, count(*), coalesce(sum(abs(difference)), 0)::bigint, coalesce((array_agg(example ORDER BY example))[:@examples], '{}')
FROM (%s) AS violation (example, difference)`
	selectParts = `
SELECT part, currency, count(*) FILTER (WHERE difference <> 0), coalesce(sum(abs(difference)), 0)::bigint,
	coalesce((array_agg(example ORDER BY example) FILTER (WHERE difference <> 0))[:@examples], '{}')
FROM (%s) AS compared (example, difference, part, currency) GROUP BY part, currency ORDER BY part, currency`
)

func (c Check) run(ctx context.Context, tx pgx.Tx, now time.Time, o Options) (Finding, error) {
	f := Finding{Invariant: c.Invariant, Title: c.Title, Account: c.Account, Parted: c.Parts}
	sql := selectViolations
	if c.Parts != Whole {
		sql = selectParts
	}
	rows, err := tx.Query(ctx, fmt.Sprintf(sql, c.SQL), pgx.NamedArgs{"now": now, "role": o.Role, "examples": maxExamples,
		"hold_slack": HoldSlack, "intent_slack": IntentSlack})
	if err != nil {
		return f, fmt.Errorf("check %s, %s: %w", c.Invariant, c.Title, err)
	}
	var p Part
	var examples []string
	_, err = pgx.ForEachRow(rows, []any{&p.Name, &p.Currency, &p.Violations, &p.Difference, &examples}, func() error {
		f.Violations += p.Violations
		f.Difference += p.Difference
		f.Examples = append(f.Examples, examples...)
		if c.Parts != Whole {
			f.Parts = append(f.Parts, p)
		}
		return nil
	})
	if err != nil {
		return f, fmt.Errorf("check %s, %s: %w", c.Invariant, c.Title, err)
	}
	f.Examples = f.Examples[:min(len(f.Examples), maxExamples)]
	return f, nil
}
