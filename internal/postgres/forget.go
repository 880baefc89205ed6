package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
)

// forgetAtOnce is how many tokens one statement deletes.
const forgetAtOnce = 10_000

// Forget deletes the tokens of transactions that nobody asks about any more. The database itself keeps the younger ones.
func Forget(ctx context.Context, pool *pgxpool.Pool) error {
	for n := forgetAtOnce; n == forgetAtOnce; {
		if err := pool.QueryRow(ctx, "SELECT forget_commits($1)", forgetAtOnce).Scan(&n); err != nil {
			return fmt.Errorf("forget old transactions: %w", err)
		}
	}
	return nil
}
