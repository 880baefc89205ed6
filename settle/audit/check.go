package audit

import (
	"context"
	"fmt"
	"time"

	"settled/internal/vault"

	"github.com/jackc/pgx/v5"
)

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

// Slack of the invariants that bound a time.
const (
	HoldSlack   = 10 * time.Minute // how long after its end a hold may stand
	IntentSlack = 5 * time.Minute  // how long after its due time a payment may lack an outcome
)

// Options of a run.
type Options struct {
	// Role is the database role of the application, whose rights INV-2 checks; that which may most of all when empty (roles.Of).
	Role string
	// Only are the invariants to check; all when empty.
	Only []string
	// Vault opens the sealed cards, for CardChecks. Without one these are not made, and the report says so.
	Vault *vault.Vault
}

func (o Options) wants(invariant string) bool {
	for _, name := range o.Only {
		if name == invariant {
			return true
		}
	}
	return len(o.Only) == 0
}

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

// compare lists the ledger's sums beside other ones per merchant, center and currency, and by how much they differ.
func compare(text, other string) string {
	return `
SELECT format('merchant %s, center %s, currency %s: ` + text + `', merchant_id, center_id, currency, coalesce(ledger.amount, 0), coalesce(` + other + `.amount, 0)),
	(coalesce(ledger.amount, 0) - coalesce(` + other + `.amount, 0))::bigint, coalesce(c.name, ''), currency
FROM ledger FULL JOIN ` + other + ` USING (merchant_id, center_id, currency) LEFT JOIN centers c USING (center_id)`
}
