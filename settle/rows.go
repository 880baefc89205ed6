package settle

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// next collects the rows of a batch's next statement.
func next[T any](results pgx.BatchResults) ([]T, error) {
	rows, err := results.Query()
	if err != nil {
		return nil, fmt.Errorf("read %T: %w", *new(T), err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByName[T])
	if err != nil {
		return nil, fmt.Errorf("read %T: %w", *new(T), err)
	}
	return out, nil
}

// batcher sends several statements in one round trip: a pool or a transaction.
type batcher interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// isNotFound reports that a query found no row.
func isNotFound(err error) bool { return errors.Is(err, pgx.ErrNoRows) }

// isMissing reports that an order does not exist.
func isMissing(err error) bool { return errors.Is(err, ErrNotFound) }

// zeroAsNull is the value for a column that has NULL for none.
func zeroAsNull[T comparable](v T) *T {
	if v == *new(T) {
		return nil
	}
	return &v
}
