package audit

import (
	"context"
	"fmt"
	"time"

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
}

// Report lists the findings of a run in the order of Checks, those without violations included.
type Report struct {
	At       time.Time `json:"at"`
	Findings []Finding `json:"findings"`
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
	return report, nil
}

func (o Options) wants(invariant string) bool {
	for _, name := range o.Only {
		if name == invariant {
			return true
		}
	}
	return len(o.Only) == 0
}

// Check is one invariant as a statement. The statement returns (text, bigint) per violation; as named arguments it may use
// @now, @role and the slacks @hold_slack and @intent_slack.
type Check struct {
	Invariant string
	Title     string
	SQL       string
	Account   string // the account that it ties out, or "trial balance"; empty for others
}

func (c Check) run(ctx context.Context, tx pgx.Tx, now time.Time, o Options) (Finding, error) {
	f := Finding{Invariant: c.Invariant, Title: c.Title, Account: c.Account}
	sql := `SELECT example, count(*) OVER (), coalesce(sum(abs(difference)) OVER (), 0)::bigint FROM (` + c.SQL +
		`) AS violation (example, difference) ORDER BY example LIMIT @examples`
	rows, err := tx.Query(ctx, sql, pgx.NamedArgs{"now": now, "role": o.Role, "examples": maxExamples,
		"hold_slack": HoldSlack, "intent_slack": IntentSlack})
	if err != nil {
		return f, fmt.Errorf("check %s, %s: %w", c.Invariant, c.Title, err)
	}
	var example string
	_, err = pgx.ForEachRow(rows, []any{&example, &f.Violations, &f.Difference}, func() error {
		f.Examples = append(f.Examples, example)
		return nil
	})
	if err != nil {
		return f, fmt.Errorf("check %s, %s: %w", c.Invariant, c.Title, err)
	}
	return f, nil
}
