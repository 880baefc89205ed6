package bench

import (
	"context"
	"fmt"
	"time"

	"settled/internal/money"
	"settled/internal/vault"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// filler makes windows full of sales, as payments would have left them.
type filler struct {
	owner  *pgxpool.Pool
	keys   *vault.Vault
	window int   // windows made so far
	record int64 // records made so far
}

// oldest is the cut-off day before the first window that a filler makes.
var oldest = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

const newWindow = `
INSERT INTO windows (center_id, window_no, stream, business_date, cutoff_at, deadline_at)
VALUES ($1, 1, 'ipm', $2, $3::timestamptz, $3::timestamptz + interval '1 hour') RETURNING window_id`

// fill makes a window that is due to be sealed, with n records.
func (f *filler) fill(ctx context.Context, n int) (window int32, err error) {
	f.window++
	day := oldest.AddDate(0, 0, f.window)
	if err := f.owner.QueryRow(ctx, newWindow, centerID, day, day.Add(20*time.Hour)).Scan(&window); err != nil {
		return 0, fmt.Errorf("make a window: %w", err)
	}
	columns := []string{"window_id", "record_id", "merchant_id", "order_id", "operation", "kind", "amount", "currency", "exchange_id",
		"born_at", "authorized_at", "slice", "sequence", "final", "card_expiry", "approval_code", "card"}
	born := day.Add(12 * time.Hour)
	left := n
	_, err = f.owner.CopyFrom(ctx, pgx.Identifier{"records"}, columns, pgx.CopyFromFunc(func() ([]any, error) {
		if left == 0 {
			return nil, nil
		}
		left--
		return f.row(window, born)
	}))
	if err != nil {
		return 0, fmt.Errorf("fill window %d: %w", window, err)
	}
	return window, nil
}

func (f *filler) row(window int32, born time.Time) ([]any, error) {
	f.record++
	merchant := firstMerchant + int32(f.record%merchants)
	order := 5_000_000_000_000_000 + int64(merchant)*1_000_000_000 + f.record
	pan, err := vault.ParsePAN("4111111111111111")
	if err != nil {
		return nil, err
	}
	card, err := f.keys.Seal(pan, vault.CardBinding(nil, int64(merchant), order))
	if err != nil {
		return nil, err
	}
	return []any{window, f.record, merchant, order, int16(1), int16(1), 1000 + f.record%90_000, int16(money.BYN), 2 * f.record,
		born, born, int16(1), int16(1), true, "2812", "A1B2C3", card}, nil
}

// The rows of orders that were paid, presented and forgotten: what a system that has run for long has stored.
const storePast = `
WITH w AS (
	INSERT INTO windows (center_id, window_no, stream, business_date, cutoff_at, deadline_at, state, sealed_at)
	VALUES ($1, 1, 'ipm', $2, $3::timestamptz, $3::timestamptz + interval '1 hour', 'sealed', $3) RETURNING window_id
), past AS MATERIALIZED (
	SELECT window_id, $4::bigint + g AS n, $5::int + g % $6::int AS merchant, 1000 + g % 90000 AS amount,
		5000000000000000 + ($5::int + g % $6::int) * 1000000000::bigint + $4::bigint + g AS id
	FROM w, generate_series(1, $7::int) g
), o AS (
	INSERT INTO orders (merchant_id, order_id, ordernumber, attempt, amount, currency, center_id, two_stage, status, authorized,
		confirmed, created_at, exchange_id, card_mask, card_expiry, card, fingerprint)
	SELECT merchant, id, 'past-' || id, 1, amount, 933, $1, false, 2, amount, amount, $3, 2 * n, '411111****1111', '2812',
		decode(repeat('00', 46), 'hex'), decode(repeat('00', 32), 'hex') FROM past
), op AS (
	INSERT INTO operations (merchant_id, order_id, operation, kind, state, actor, amount, response, requested_at, completed_at, record_id, window_id)
	SELECT merchant, id, 1, 100, 2, 1, amount, 'AS000', $3, $3, n, window_id FROM past
), t AS (
	INSERT INTO transactions (merchant_id, order_id, transaction, operation, kind, state, amount, exchange_id, transmitted_at, answered_at, action_code, approval_code)
	SELECT merchant, id, 1, 1, 1, 2, amount, 2 * n, $3, $3, '000', 'A1B2C3' FROM past
), p AS (
	INSERT INTO postings (merchant_id, source, source_id, seq, phase, line, rule, debit, credit, center_id, currency, amount, at, accounting_date)
	SELECT merchant, 1, id, 1, 0, 0, 6, 1100, 2010, $1, 933, amount, $3, $2 FROM past
)
INSERT INTO records (window_id, record_id, merchant_id, order_id, operation, kind, amount, currency, exchange_id, born_at, authorized_at,
	slice, sequence, final, card_expiry, approval_code, card)
SELECT window_id, n, merchant, id, 1, 1, amount, 933, 2 * n, $3, $3, 1, 1, true, '2812', 'A1B2C3', decode(repeat('00', 46), 'hex') FROM past`

// store fills the tables with n paid orders of earlier nights and their records.
func (f *filler) store(ctx context.Context, n int) error {
	const chunk = 500_000
	for n > 0 {
		size := min(n, chunk)
		f.window++
		day := oldest.AddDate(-2, 0, f.window)
		if _, err := f.owner.Exec(ctx, storePast, centerID, day, day.Add(20*time.Hour), f.record, firstMerchant, merchants, size); err != nil {
			return fmt.Errorf("store %d orders: %w", size, err)
		}
		f.record += int64(size)
		n -= size
	}
	_, err := f.owner.Exec(ctx, `ANALYZE`)
	return err
}
