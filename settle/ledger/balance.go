package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"settled/internal/money"
	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// Balance is the turnover of one account in one currency, in minor units.
type Balance struct {
	Code     Code
	Currency money.Currency
	Debit    int64
	Credit   int64
}

// Net is the balance on the account's debit side; negative is a credit balance.
func (b Balance) Net() int64 { return b.Debit - b.Credit }

const trialBalance = `
WITH rolled AS (SELECT coalesce(max(accounting_date), '-infinity') AS until FROM rolled_days WHERE accounting_date <= $1),
legs AS (
	SELECT code, currency, debit, credit FROM balances, rolled WHERE accounting_date <= rolled.until AND ($2 = 0 OR merchant_id = $2)
	UNION ALL
	SELECT leg.code, p.currency, leg.debit, leg.credit
	FROM postings p, rolled, LATERAL (VALUES (p.debit, p.amount, 0::bigint), (p.credit, 0::bigint, p.amount)) AS leg (code, debit, credit)
	WHERE p.accounting_date > rolled.until AND p.accounting_date <= $1 AND ($2 = 0 OR p.merchant_id = $2)
)
SELECT code, currency, sum(debit)::bigint, sum(credit)::bigint FROM legs GROUP BY code, currency ORDER BY code, currency`

// TrialBalance returns the turnover of every account and currency up to and including the accounting date, in order of
// code and currency; merchant 0 is all merchants. Σ debit = Σ credit per currency holds by construction, and the caller
// can check it.
func TrialBalance(ctx context.Context, q postgres.Querier, asOf time.Time, merchant int32) ([]Balance, error) {
	rows, err := q.Query(ctx, trialBalance, asOf, merchant)
	if err != nil {
		return nil, fmt.Errorf("trial balance as of %s: %w", asOf.Format(time.DateOnly), err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Balance, error) {
		var b Balance
		err := row.Scan(&b.Code, &b.Currency, &b.Debit, &b.Credit)
		return b, err
	})
}

// ErrDayOpen is returned when a day cannot be rolled up because it has not ended, or an earlier one is missing.
var ErrDayOpen = errors.New("ledger: accounting day is not finished")

const earlierOpen = `
SELECT min(accounting_date) FROM postings
WHERE accounting_date < $1 AND accounting_date > (SELECT coalesce(max(accounting_date), '-infinity') FROM rolled_days)`

const unrolledDays = `
SELECT DISTINCT accounting_date FROM postings
WHERE accounting_date < $1 AND accounting_date > (SELECT coalesce(max(accounting_date), '-infinity') FROM rolled_days)
ORDER BY accounting_date`

// Unrolled returns the accounting days before the date that have postings and are not rolled up, oldest first.
func Unrolled(ctx context.Context, q postgres.Querier, before time.Time) ([]time.Time, error) {
	rows, err := q.Query(ctx, unrolledDays, before)
	if err != nil {
		return nil, fmt.Errorf("find days to roll up: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[time.Time])
}

const rollUp = `
WITH day AS (
	INSERT INTO rolled_days (accounting_date, postings, rolled_at)
	SELECT $1, count(*), $2 FROM postings WHERE accounting_date = $1
	ON CONFLICT DO NOTHING RETURNING accounting_date
)
INSERT INTO balances (accounting_date, merchant_id, code, center_id, currency, debit, credit)
SELECT p.accounting_date, p.merchant_id, leg.code, p.center_id, p.currency, sum(leg.debit), sum(leg.credit)
FROM day JOIN postings p USING (accounting_date),
	LATERAL (VALUES (p.debit, p.amount, 0::bigint), (p.credit, 0::bigint, p.amount)) AS leg (code, debit, credit)
GROUP BY 1, 2, 3, 4, 5`

// RollUp sums the postings of one accounting day into balances, once; a second call changes nothing. The day must have
// ended before now, and the caller must have waited for the writers of that day (a posting that comes later would not be
// counted; the auditor compares).
func (b Book) RollUp(ctx context.Context, tx pgx.Tx, day, now time.Time) error {
	if !day.Before(b.Date(now)) {
		return fmt.Errorf("%w: %s at %s", ErrDayOpen, day.Format(time.DateOnly), now)
	}
	var earlier *time.Time
	if err := tx.QueryRow(ctx, earlierOpen, day).Scan(&earlier); err != nil {
		return fmt.Errorf("roll up %s: %w", day.Format(time.DateOnly), err)
	}
	if earlier != nil {
		return fmt.Errorf("%w: %s is to be rolled up before %s", ErrDayOpen, earlier.Format(time.DateOnly), day.Format(time.DateOnly))
	}
	if _, err := tx.Exec(ctx, rollUp, day, now); err != nil {
		return fmt.Errorf("roll up %s: %w", day.Format(time.DateOnly), err)
	}
	return nil
}
