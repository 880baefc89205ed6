package read

import (
	"context"
	"errors"
	"fmt"
	"time"

	"settled/internal/listing"
	"settled/internal/money"
	"settled/internal/postgres"
	"settled/settle"

	"github.com/jackc/pgx/v5"
)

// ErrFilter is returned for a filter of a list that asks for something that does not exist.
var ErrFilter = errors.New("read: not understood")

// Database begins transactions: a pool or a connection.
type Database interface {
	BeginTx(ctx context.Context, o pgx.TxOptions) (pgx.Tx, error)
}

// Books are the books of an installation, for reading. They are safe for concurrent use when their database is.
type Books struct {
	database  Database
	directory *settle.Directory
}

// New makes the books in a database readable. The directory names centers and merchants.
func New(database Database, directory *settle.Directory) *Books {
	return &Books{database: database, directory: directory}
}

// look runs do in a transaction that can only read, on one snapshot.
func (b *Books) look(ctx context.Context, do func(tx pgx.Tx) error) error {
	tx, err := b.database.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return fmt.Errorf("read the books: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	return do(tx)
}

// lookFor reads the rows of one statement.
func lookFor[T any](ctx context.Context, b *Books, sql string, args ...any) (found []T, err error) {
	err = b.look(ctx, func(tx pgx.Tx) error {
		found, err = rowsOf[T](ctx, tx, sql, args...)
		return err
	})
	return found, err
}

// lookForOne reads the only row of a statement that always has one.
func lookForOne[T any](ctx context.Context, b *Books, sql string, args ...any) (T, error) {
	found, err := lookFor[T](ctx, b, sql, args...)
	if err != nil {
		return *new(T), err
	}
	return found[0], nil
}

// rowsOf reads rows by the names of their columns. It is never nil without an error.
func rowsOf[T any](ctx context.Context, q postgres.Querier, sql string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read %T: %w", *new(T), err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[T])
	if err != nil {
		return nil, fmt.Errorf("read %T: %w", *new(T), err)
	}
	return found, nil
}

// totalsOf reads totals by kind K and currency.
func totalsOf[K fmt.Stringer](ctx context.Context, q postgres.Querier, sql string, args ...any) ([]listing.Total, error) {
	type row struct {
		Kind     K
		Currency money.Currency
		Rows     int64
		Amount   int64
	}
	found, err := rowsOf[row](ctx, q, sql, args...)
	totals := make([]listing.Total, 0, len(found))
	for _, r := range found {
		totals = append(totals, listing.Total{Of: r.Kind.String(), Currency: r.Currency, Rows: r.Rows, Amount: r.Amount})
	}
	return totals, err
}

// placeOf reads the key of a list whose place is an instant and an identifier; nil is the beginning.
func placeOf(r listing.Range, list string) (after *time.Time, id int64, err error) {
	var at time.Time
	there, err := listing.ReadKey(r.After, list, &at, &id)
	if err != nil || !there {
		return nil, 0, err
	}
	return &at, id, nil
}
