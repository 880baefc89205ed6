package settle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// PeriodBy says which instant puts an operation into a period, numbered as on the merchant's wire.
type PeriodBy int16

// The instants.
const (
	ByOrderDate  PeriodBy = 0 // when its order was made
	ByRequest    PeriodBy = 1 // when it was asked for
	ByCompletion PeriodBy = 2 // when it got its result
)

// PeriodRequest asks for the operations of a merchant within [From, To).
type PeriodRequest struct {
	Merchant int32
	From, To time.Time
	By       PeriodBy
	Limit    int // most orders, and most operations, that are read
}

// ErrPeriodTooLarge is returned for a period that holds more orders or operations than the request's limit.
var ErrPeriodTooLarge = errors.New("settle: period holds too much")

// periodKeys find the orders of a period, at most one more than the limit. A payment that is on its way has no operation
// yet, but the exchange that it waits for. Orders that nobody tried to pay have neither.
var periodKeys = map[PeriodBy]string{
	ByOrderDate: `
SELECT order_id FROM orders
WHERE merchant_id = $1 AND created_at >= $2 AND created_at < $3 AND operations > 0 LIMIT $4`,
	ByRequest: spelled(`
SELECT order_id FROM operations WHERE merchant_id = $1 AND requested_at >= $2 AND requested_at < $3
UNION
SELECT order_id FROM owed_exchanges WHERE merchant_id = $1 AND created_at >= $2 AND created_at < $3 AND kind IN (@Authorization, @Purchase)
LIMIT $4`),
	ByCompletion: `
SELECT DISTINCT order_id FROM operations WHERE merchant_id = $1 AND completed_at >= $2 AND completed_at < $3 LIMIT $4`,
}

const (
	ordersByKeys     = selectOrder + `order_id = ANY ($2)`
	operationsByKeys = `
SELECT order_id, ` + operationColumns + `
FROM operations WHERE merchant_id = $1 AND order_id = ANY ($2) ORDER BY order_id, operation LIMIT $3`
	transactionsByKeys = `
SELECT order_id, ` + transactionColumns + `
FROM transactions WHERE merchant_id = $1 AND order_id = ANY ($2) ORDER BY order_id, transaction`
)

// Period returns the orders that have operations in a period, oldest first, with these operations and all transactions. A
// payment that is on its way is among them, see [Order.OnItsWay]. The queries see the books at instants of their own: what
// happens meanwhile may be seen in part.
func (b *Books) Period(ctx context.Context, r PeriodRequest) ([]*Order, error) {
	keys, err := b.periodKeys(ctx, &r)
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	rows, err := b.Pool.Query(ctx, ordersByKeys, r.Merchant, keys)
	if err != nil {
		return nil, fmt.Errorf("read orders of a period: %w", err)
	}
	found, err := pgx.CollectRows(rows, scanOrder)
	if err != nil {
		return nil, fmt.Errorf("read orders of a period: %w", err)
	}
	if err := b.loadPeriod(ctx, &r, keys, found); err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(o *Order) bool { return !r.holds(o) })
	slices.SortFunc(found, func(a, b *Order) int {
		if c := a.CreatedAt.Compare(b.CreatedAt); c != 0 {
			return c
		}
		return int(min(max(a.ID-b.ID, -1), 1))
	})
	return found, nil
}

func (b *Books) periodKeys(ctx context.Context, r *PeriodRequest) ([]int64, error) {
	rows, err := b.Pool.Query(ctx, periodKeys[r.By], r.Merchant, r.From, r.To, r.Limit+1)
	if err != nil {
		return nil, fmt.Errorf("read keys of a period: %w", err)
	}
	keys, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	switch {
	case err != nil:
		return nil, fmt.Errorf("read keys of a period: %w", err)
	case len(keys) > r.Limit:
		return nil, fmt.Errorf("%w: more than %d orders", ErrPeriodTooLarge, r.Limit)
	}
	return keys, nil
}

// Rows of several orders.
type (
	keyedOperation struct {
		Order int64 `db:"order_id"`
		Operation
	}
	keyedTransaction struct {
		Order int64 `db:"order_id"`
		Transaction
	}
)

// loadPeriod reads what belongs to the orders.
func (b *Books) loadPeriod(ctx context.Context, r *PeriodRequest, keys []int64, found []*Order) error {
	operations, err := postgres.Collect[keyedOperation](ctx, b.Pool, operationsByKeys, r.Merchant, keys, r.Limit+1)
	if err != nil {
		return err
	}
	if len(operations) > r.Limit {
		return fmt.Errorf("%w: more than %d operations", ErrPeriodTooLarge, r.Limit)
	}
	transactions, err := postgres.Collect[keyedTransaction](ctx, b.Pool, transactionsByKeys, r.Merchant, keys)
	if err != nil {
		return err
	}
	byID := make(map[int64]*Order, len(found))
	for _, o := range found {
		byID[o.ID] = o
	}
	for i := range operations {
		if o := byID[operations[i].Order]; o != nil {
			o.Operations = append(o.Operations, operations[i].Operation)
		}
	}
	for i := range transactions {
		if o := byID[transactions[i].Order]; o != nil {
			o.Transactions = append(o.Transactions, transactions[i].Transaction)
		}
	}
	owed, err := postgres.Collect[Owed](ctx, b.Pool, selectOwed+`WHERE merchant_id = $1 AND order_id = ANY ($2)`, r.Merchant, keys)
	for i := range owed {
		if o := byID[owed[i].Order]; o != nil {
			o.Owed = append(o.Owed, owed[i])
		}
	}
	return err
}

// holds drops the operations of an order that are not of the period, and tells whether something is left to tell.
func (r *PeriodRequest) holds(o *Order) bool {
	if op := o.OnItsWay(); op != nil {
		o.Operations = append(o.Operations, *op)
	}
	o.Operations = slices.DeleteFunc(o.Operations, func(op Operation) bool {
		switch r.By {
		case ByRequest:
			return !r.within(op.RequestedAt)
		case ByCompletion:
			return op.CompletedAt == nil || !r.within(*op.CompletedAt)
		default:
			return false
		}
	})
	return len(o.Operations) > 0
}

func (r *PeriodRequest) within(t time.Time) bool { return !t.Before(r.From) && t.Before(r.To) }
