package wish

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// DropAll forgets what was to follow an order that was given back before it was told as paid.
func DropAll(ctx context.Context, tx pgx.Tx, merchant int32, id int64) error {
	_, err := tx.Exec(ctx, `DELETE FROM wishes WHERE merchant_id = $1 AND order_id = $2`, merchant, id)
	return err
}

// DropEarlier forgets the wish to keep a card that came with an earlier payment of an order.
func DropEarlier(ctx context.Context, tx pgx.Tx, merchant int32, id int64) error {
	_, err := tx.Exec(ctx, `DELETE FROM wishes WHERE merchant_id = $1 AND order_id = $2 AND kind = $3 AND operation <> 0`, merchant, id, Keep)
	if err != nil {
		return fmt.Errorf("forget the wish that came with an earlier payment of order %d: %w", id, err)
	}
	return nil
}
