package clearing

import (
	"context"
	"fmt"
	"time"

	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// A built file goes at once, or when a person lets it.

// releaseFile freezes a file of a business date of which the center has a file that the books lack: its records may be in that one.
var releaseFile = `
UPDATE files f SET ` + fileLetGo.set() + `, released_at = $2, next_attempt_at = $2, frozen = f.frozen OR l.name IS NOT NULL,
	last_error = coalesce('the center has ' || l.name || ', which the books lack: what is in this file may be in that one', f.last_error)
FROM batches b LEFT JOIN lost_files l ON (l.center_id, l.stream, l.business_date) = (b.center_id, b.stream, b.business_date)
WHERE f.file_id = $1 AND f.` + fileLetGo.may() + ` AND b.batch_id = f.batch_id RETURNING f.frozen, f.name, f.last_error, f.center_id`

// release lets a built file go.
func (n *Night) release(ctx context.Context, tx pgx.Tx, id int64, now time.Time) error {
	var frozen bool
	var name, why string
	var center int16
	err := tx.QueryRow(ctx, releaseFile, id, now).Scan(&frozen, &name, &why, &center)
	if isNotFound(err) {
		return fmt.Errorf("%w: file %d is not built", ErrState, id)
	}
	if err != nil {
		return fmt.Errorf("release file %d: %w", id, err)
	}
	if s, err := n.station(center); err == nil && frozen {
		n.page(ctx, s, pageDeliveryStopped, "file", name, "error", why)
	}
	return n.Enqueue(ctx, tx, JobDeliver, id)
}

// Release lets a built file go to a center whose files a person releases. A file that is not built is ErrState.
func (n *Night) Release(ctx context.Context, file int64) error {
	return postgres.InTx(ctx, n.Pool, key("file/%d/release", file), func(tx pgx.Tx) error {
		return n.release(ctx, tx, file, n.now())
	})
}
