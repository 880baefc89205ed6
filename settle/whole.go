package settle

import (
	"context"

	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// WholeOrder returns an order with everything that belongs to it, as the transaction sees it. The order of another merchant is
// ErrNotFound.
func WholeOrder(ctx context.Context, tx pgx.Tx, merchant int32, id int64) (*Order, error) {
	return readWhole(ctx, tx, orderByID, merchant, id)
}

const instantsOfOrder = `SELECT ` + instantColumns + ` FROM instant_payments WHERE merchant_id = $1 AND order_id = $2 ORDER BY operation`

// InstantPaymentsOf returns the instant payments of an order's payment operations, in their order.
func InstantPaymentsOf(ctx context.Context, q postgres.Querier, merchant int32, order int64) ([]*InstantPayment, error) {
	return instants(ctx, q, instantsOfOrder, merchant, order)
}
