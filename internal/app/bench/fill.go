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

// store fills the tables with n older records, sealed and done with, as a system that has run for long has them.
func (f *filler) store(ctx context.Context, n int) error {
	const chunk = 1_000_000
	for n > 0 {
		size := min(n, chunk)
		f.window++
		day := oldest.AddDate(-2, 0, f.window)
		_, err := f.owner.Exec(ctx, `
WITH w AS (INSERT INTO windows (center_id, window_no, stream, business_date, cutoff_at, deadline_at, state, sealed_at)
	VALUES ($1, 1, 'ipm', $2, $3::timestamptz, $3::timestamptz + interval '1 hour', 'sealed', $3) RETURNING window_id)
INSERT INTO records (window_id, record_id, merchant_id, order_id, operation, kind, amount, currency, exchange_id, born_at, authorized_at,
	slice, sequence, final, card_expiry, approval_code, card)
SELECT window_id, $4 + g, $5 + g % $6, 5000000000000000 + ($5 + g % $6) * 1000000000::bigint + $4 + g, 1, 1, 1000 + g % 90000, 933, 2 * ($4 + g),
	$3::timestamptz, $3::timestamptz, 1, 1, true, '2812', 'A1B2C3', decode(repeat('00', 46), 'hex')
FROM w, generate_series(1, $7::int) g`, centerID, day, day.Add(20*time.Hour), f.record, firstMerchant, merchants, size)
		if err != nil {
			return fmt.Errorf("store %d records: %w", size, err)
		}
		f.record += int64(size)
		n -= size
	}
	_, err := f.owner.Exec(ctx, `ANALYZE records`)
	return err
}
