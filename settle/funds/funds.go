package funds

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"settled/internal/money"

	"github.com/jackc/pgx/v5"
)

// Account is a merchant's money in one currency.
type Account struct {
	Merchant int32
	Currency money.Currency
}

// Drawn says from which of a merchant's accounts a refund was taken, in minor units: what is available (2020), what is pending
// (2010), and what the merchant now owes (1150).
type Drawn struct{ Available, Pending, Short int64 }

const (
	fundedAt = `SELECT funded_at FROM windows WHERE window_id = $1`
	lock     = `SELECT available FROM funds WHERE merchant_id = $1 AND currency = $2 FOR NO KEY UPDATE`
	change   = `
INSERT INTO funds (merchant_id, currency, available) VALUES ($1, $2, greatest($3, 0))
ON CONFLICT (merchant_id, currency) DO UPDATE SET available = funds.available + $3`
	addEach = `
INSERT INTO funds (merchant_id, currency, available) SELECT m, $3, a FROM unnest($1::int[], $2::bigint[]) AS u (m, a) ORDER BY m
ON CONFLICT (merchant_id, currency) DO UPDATE SET available = funds.available + excluded.available`
)

// Draw decides who pays for a refund of k of a sale, under the lock of the account, and takes what is available of it. A sale whose
// money has not been made available is paid from pending; one that has, from what is available, and the rest is owed. window is the
// clearing window of the sale, nil for a single-message purchase: its funding is not tracked per sale, so what is available is
// taken first, then pending.
func (a Account) Draw(ctx context.Context, tx pgx.Tx, window *int32, k int64) (Drawn, error) {
	if window != nil {
		funded, err := isFunded(ctx, tx, *window)
		if err != nil {
			return Drawn{}, err
		}
		if !funded {
			return Drawn{Pending: k}, nil
		}
	}
	available, err := a.lock(ctx, tx)
	if err != nil {
		return Drawn{}, err
	}
	d := Drawn{Available: min(available, k)}
	if window != nil {
		d.Short = k - d.Available
	} else {
		d.Pending = k - d.Available
	}
	return d, a.Add(ctx, tx, -d.Available)
}

func isFunded(ctx context.Context, tx pgx.Tx, window int32) (bool, error) {
	var at *time.Time
	if err := tx.QueryRow(ctx, fundedAt, window).Scan(&at); err != nil {
		return false, fmt.Errorf("read funding of window %d: %w", window, err)
	}
	return at != nil, nil
}

func (a Account) lock(ctx context.Context, tx pgx.Tx) (available int64, err error) {
	err = tx.QueryRow(ctx, lock, a.Merchant, int16(a.Currency)).Scan(&available)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, fmt.Errorf("lock funds of merchant %d: %w", a.Merchant, err)
	}
	return available, nil
}

// Add changes what is available by minor units, which may be negative. The row cannot go below zero.
func (a Account) Add(ctx context.Context, tx pgx.Tx, minor int64) error {
	if minor == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, change, a.Merchant, int16(a.Currency), minor); err != nil {
		return fmt.Errorf("change funds of merchant %d: %w", a.Merchant, err)
	}
	return nil
}

// AddEach adds minor units of a currency to what is available to each merchant, in the order of their numbers.
func AddEach(ctx context.Context, tx pgx.Tx, currency money.Currency, minor map[int32]int64) error {
	if len(minor) == 0 {
		return nil
	}
	merchants := slices.Sorted(maps.Keys(minor))
	amounts := make([]int64, len(merchants))
	for i, m := range merchants {
		amounts[i] = minor[m]
	}
	if _, err := tx.Exec(ctx, addEach, merchants, amounts, int16(currency)); err != nil {
		return fmt.Errorf("add to the funds of %d merchants: %w", len(merchants), err)
	}
	return nil
}
