package authentication

import (
	"context"
	"fmt"
	"time"

	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

const (
	insert = `
INSERT INTO authentications (merchant_id, order_id, operation, state, server_id, version, required, started_at, expires_at,
	method_url, browser)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`
	selectAll = `
SELECT operation, state, server_id, version, status, required, eci, directory_id, started_at, expires_at, completed_at,
	method_url, method_done, browser
FROM authentications WHERE merchant_id = $1 AND order_id = $2 ORDER BY operation`
	update = `
UPDATE authentications SET state = $4, status = $5, eci = $6, directory_id = $7, completed_at = $8
WHERE merchant_id = $1 AND order_id = $2 AND operation = $3`
)

// Begin writes that a payment operation waits for 3-D Secure, in the transaction that begins the operation.
func Begin(ctx context.Context, tx pgx.Tx, merchant int32, order int64, a Authentication, at time.Time) error {
	_, err := tx.Exec(ctx, insert, merchant, order, a.Operation, max(a.State, Method), a.ServerID, a.Version, a.Required, at, at.Add(Within),
		a.MethodURL, a.Browser)
	return err
}

// Save writes what became of an authentication. One that has passed or failed is completed at the instant.
func Save(ctx context.Context, tx pgx.Tx, merchant int32, order int64, a Authentication, at time.Time) error {
	var completed *time.Time
	if a.State == Passed || a.State == Failed {
		completed = &at
	}
	_, err := tx.Exec(ctx, update, merchant, order, a.Operation, a.State, a.Status, a.ECI, a.DirectoryID, completed)
	if err != nil {
		return fmt.Errorf("write authentication of %d.%d: %w", order, a.Operation, err)
	}
	return nil
}

// Of returns the 3-D Secure of an order's payment operations, in their order.
func Of(ctx context.Context, q postgres.Querier, merchant int32, order int64) ([]Authentication, error) {
	return postgres.Collect[Authentication](ctx, q, selectAll, merchant, order)
}

// Last returns the youngest authentication of an order if it is that of the payment operation, else nil.
func Last(ctx context.Context, q postgres.Querier, merchant int32, order int64, operation int16) (*Authentication, error) {
	all, err := Of(ctx, q, merchant, order)
	if err != nil || len(all) == 0 || all[len(all)-1].Operation != operation {
		return nil, err
	}
	return &all[len(all)-1], nil
}
