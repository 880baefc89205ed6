package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"settled/clearing/states"
	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// Erase deletes up to most chunks of an owner that is marked as erased, and tells how many, and whether that was the rest. The database deletes none of
// an owner that is still needed.
func (t Table) Erase(ctx context.Context, tx pgx.Tx, owner int64, most int) (deleted int, whole bool, err error) {
	if err := tx.QueryRow(ctx, t.erase, owner, most).Scan(&deleted); err != nil {
		return 0, false, fmt.Errorf("erase chunks of %s: %w", t.name, err)
	}
	var more bool
	if err := tx.QueryRow(ctx, t.more, owner).Scan(&more); err != nil {
		return deleted, false, fmt.Errorf("look for chunks of %s: %w", t.name, err)
	}
	return deleted, !more, nil
}

// there fails with states.ErrErased where the bytes of an owner are erased, or being erased.
func (t Table) there(ctx context.Context, q postgres.Querier, owner int64) error {
	var at *time.Time
	err := q.QueryRow(ctx, t.erased, owner).Scan(&at)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return err
	case at != nil:
		return fmt.Errorf("%w: on %s", states.ErrErased, at.UTC().Format(time.DateOnly))
	}
	return nil
}
