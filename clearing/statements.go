package clearing

import (
	"context"
	"fmt"

	"settled/clearing/states"
	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// What the statements and transactions of all steps have in common.

func collect[T any](ctx context.Context, q postgres.Querier, sql string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[T])
}

func collectColumn[T any](ctx context.Context, q postgres.Querier, sql string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[T])
}

// one reads exactly one row, or fails with ErrNotFound.
func one[T any](ctx context.Context, q postgres.Querier, sql string, args ...any) (T, error) {
	all, err := collect[T](ctx, q, sql, args...)
	if err != nil {
		return *new(T), err
	}
	if len(all) != 1 {
		return *new(T), fmt.Errorf("%w: %v", states.ErrNotFound, args)
	}
	return all[0], nil
}

// ids runs a query of one bigint column.
func (n *Night) ids(ctx context.Context, sql string, args ...any) ([]int64, error) {
	rows, err := n.Pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

func key(format string, args ...any) postgres.Key {
	return postgres.Key{Name: fmt.Sprintf(format, args...)}
}

// long lifts the limit of statements of a transaction whose length depends on the size of a batch. One whose process stands
// still is ended all the same, with its locks.
func long(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `SET LOCAL statement_timeout = '30min'`)
	return err
}

// longFar is long for a transaction that waits for a center between its statements, and holds no lock that others want.
func longFar(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `SET LOCAL statement_timeout = '30min'; SET LOCAL idle_in_transaction_session_timeout = '30min'`)
	return err
}

// byIndex lets a transaction find the records of windows by their index. The constraint on windows looks for them under the center's
// lock, and of a window without records the planner believes that it has as many as the others, so it would read the whole table.
func byIndex(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `SET LOCAL enable_seqscan = off`)
	return err
}
