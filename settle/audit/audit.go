package audit

import (
	"context"
	"fmt"
	"time"

	"settled/internal/postgres/roles"
	"settled/internal/vault"

	"github.com/jackc/pgx/v5"
)

// Beginner begins the transaction that a run reads in: a pool or a connection.
type Beginner interface {
	BeginTx(ctx context.Context, o pgx.TxOptions) (pgx.Tx, error)
}

// The statements read whole tables. A nested loop, which the planner likes for tables that nobody has analyzed yet, would
// take the square of their size.
const settings = `SET LOCAL statement_timeout = 0; SET LOCAL enable_nestloop = off`

// Run checks the books on one snapshot. now decides what is late; it does not filter what is read. An error means that the
// books could not be checked, never that a check found something.
func Run(ctx context.Context, db Beginner, now time.Time, o Options) (Report, error) {
	report := Report{At: now.UTC()}
	tx, err := db.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return report, fmt.Errorf("begin audit: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := tx.Exec(ctx, settings); err != nil {
		return report, fmt.Errorf("begin audit: %w", err)
	}
	if o.Role == "" {
		if o.Role, err = roles.Of(ctx, tx); err != nil {
			return report, err
		}
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
	if err := report.events(ctx, tx, o); err != nil {
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
	if o.Vault == nil {
		return nil
	}
	if err := tx.QueryRow(ctx, sqlUnbound, vault.BoundToBuyer).Scan(&r.Unbound); err != nil {
		return fmt.Errorf("count stored cards that are not bound to their buyers: %w", err)
	}
	return nil
}
