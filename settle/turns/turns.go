package turns

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Desk gives turns out. It is safe for concurrent use.
type Desk struct{ pool *pgxpool.Pool }

// NewDesk gives turns out by a database.
func NewDesk(pool *pgxpool.Pool) *Desk { return &Desk{pool} }

const (
	take = `
INSERT INTO service_calls (merchant_id, service, called_at) VALUES ($1, $2, $3)
ON CONFLICT (merchant_id, service) DO UPDATE SET called_at = excluded.called_at WHERE service_calls.called_at <= $4`
	giveBack = `DELETE FROM service_calls WHERE merchant_id = $1 AND service = $2 AND called_at = $3`
)

// Take notes at that the merchant uses a service which it may use once per interval, and tells whether it may: of
// many callers in many processes, one. A call that may not does not make the wait longer.
func (d *Desk) Take(ctx context.Context, merchant int32, service string, at time.Time, interval time.Duration) (bool, error) {
	tag, err := d.pool.Exec(ctx, take, merchant, service, at, at.Add(-interval))
	if err != nil {
		return false, fmt.Errorf("note a call of %s by merchant %d: %w", service, merchant, err)
	}
	return tag.RowsAffected() == 1, nil
}

// Return takes back a turn that was taken at the instant and not used. The call before it was longer ago than the
// interval, so nothing else needs to be known of it.
func (d *Desk) Return(ctx context.Context, merchant int32, service string, at time.Time) error {
	if _, err := d.pool.Exec(ctx, giveBack, merchant, service, at); err != nil {
		return fmt.Errorf("take back a call of %s by merchant %d: %w", service, merchant, err)
	}
	return nil
}
