package app

import (
	"context"

	"settled/internal/config"
	"settled/internal/postgres"
	"settled/internal/vault"
)

// CheckLogin refuses the login of a live installation that may do anything with the database (postgres.ErrLogin). A database that cannot be asked is
// another error. It changes nothing.
func CheckLogin(ctx context.Context, cfg *config.Config, database string) error {
	if cfg.Environment != vault.Live {
		return nil
	}
	pool, err := postgres.OpenReadOnly(ctx, database)
	if err != nil {
		return err
	}
	defer pool.Close()
	return postgres.CheckLogin(ctx, pool)
}
