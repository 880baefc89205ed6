package epoch

import (
	"context"
	"fmt"

	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// Why says why the books as a whole are held; empty: they are not.
func Why(ctx context.Context, q postgres.Querier) (why string, err error) {
	if err = q.QueryRow(ctx, `SELECT coalesce(held(0::smallint), '')`).Scan(&why); err != nil {
		return "", fmt.Errorf("ask whether the books are held: %w", err)
	}
	return why, nil
}

// HeldCenter is a center for which nothing is numbered and to which nothing is sent.
type HeldCenter struct {
	Name   string
	Why    string
	Looked bool // a worker has looked at it in this epoch, and a person decides
}

const heldCenters = `
SELECT name, held(center_id) AS why, EXISTS (SELECT FROM center_looks l WHERE l.center_id = c.center_id AND l.epoch = (SELECT max(epoch) FROM epochs)) AS looked
FROM centers c WHERE held(center_id) IS NOT NULL AND center_id IN (SELECT center_id FROM windows) ORDER BY name`

// HeldCenters returns the centers that clear by file and are held, by name.
func HeldCenters(ctx context.Context, q postgres.Querier) ([]HeldCenter, error) {
	rows, err := q.Query(ctx, heldCenters)
	if err != nil {
		return nil, fmt.Errorf("ask which centers are held: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[HeldCenter])
}
