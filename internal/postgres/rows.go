package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Collect reads the rows of a query into structs, by the names of its columns.
func Collect[T any](ctx context.Context, q Querier, sql string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read %T: %w", *new(T), err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByName[T])
	if err != nil {
		return nil, fmt.Errorf("read %T: %w", *new(T), err)
	}
	return out, nil
}
