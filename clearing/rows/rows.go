// Package rows is what the statements and transactions of all rooms of the night have in common.
package rows

import (
	"context"
	"errors"
	"fmt"

	"settled/clearing/states"
	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// Collect reads rows into structs, by the order of their columns.
func Collect[T any](ctx context.Context, q postgres.Querier, sql string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[T])
}

// Column reads rows of one column.
func Column[T any](ctx context.Context, q postgres.Querier, sql string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[T])
}

// One reads exactly one row, by the order of its columns, or fails with states.ErrNotFound.
func One[T any](ctx context.Context, q postgres.Querier, sql string, args ...any) (T, error) {
	all, err := Collect[T](ctx, q, sql, args...)
	if err != nil {
		return *new(T), err
	}
	if len(all) != 1 {
		return *new(T), fmt.Errorf("%w: %v", states.ErrNotFound, args)
	}
	return all[0], nil
}

// Key names a transaction, for its retries and its token.
func Key(format string, args ...any) postgres.Key {
	return postgres.Key{Name: fmt.Sprintf(format, args...)}
}

// Long lifts the limit of statements of a transaction whose length depends on the size of a batch. One whose process stands
// still is ended all the same, with its locks.
func Long(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `SET LOCAL statement_timeout = '30min'`)
	return err
}

// LongFar is Long for a transaction that waits for a center between its statements, and holds no lock that others want.
func LongFar(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `SET LOCAL statement_timeout = '30min'; SET LOCAL idle_in_transaction_session_timeout = '30min'`)
	return err
}

// ByIndex lets a transaction find the records of windows by their index. The constraint on windows looks for them under the center's
// lock, and of a window without records the planner believes that it has as many as the others, so it would read the whole table.
func ByIndex(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `SET LOCAL enable_seqscan = off`)
	return err
}

// Missing reports that a query found no row.
func Missing(err error) bool {
	return errors.Is(err, pgx.ErrNoRows) || errors.Is(err, states.ErrNotFound)
}
