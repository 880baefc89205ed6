package delivery

import (
	"context"
	"fmt"
	"time"

	"settled/clearing/rows"
	"settled/clearing/states"
	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// A built file goes at once, or when a person lets it.

// releaseFile freezes a file of a business date of which the center has a file that the books lack: its records may be in that one.
var releaseFile = `
UPDATE files f SET ` + states.LetFileGo.Set() + `, released_at = $2, next_attempt_at = $2, frozen = f.frozen OR l.name IS NOT NULL,
	last_error = coalesce('the center has ' || l.name || ', which the books lack: what is in this file may be in that one', f.last_error)
FROM batches b LEFT JOIN lost_files l ON (l.center_id, l.stream, l.business_date) = (b.center_id, b.stream, b.business_date)
WHERE f.file_id = $1 AND f.` + states.LetFileGo.May() + ` AND b.batch_id = f.batch_id RETURNING f.frozen, f.name, f.last_error, f.center_id`

// LetGo lets a built file go, in the transaction of the caller. It stays frozen where what is in it may be in a file that the books lack.
func (c *Courier) LetGo(ctx context.Context, tx pgx.Tx, id int64, now time.Time) error {
	var frozen bool
	var name, why string
	var center int16
	err := tx.QueryRow(ctx, releaseFile, id, now).Scan(&frozen, &name, &why, &center)
	if rows.Missing(err) {
		return fmt.Errorf("%w: file %d is not built", states.ErrState, id)
	}
	if err != nil {
		return fmt.Errorf("release file %d: %w", id, err)
	}
	if s, err := c.center(center); err == nil && frozen {
		c.pager.Page(ctx, s.Name, pageDeliveryStopped, "file", name, "error", why)
	}
	return c.toDeliver(ctx, tx, id)
}

// Release lets a built file go to a center whose files a person releases. A file that is not built is states.ErrState.
func (c *Courier) Release(ctx context.Context, file int64) error {
	return postgres.InTx(ctx, c.pool, rows.Key("file/%d/release", file), func(tx pgx.Tx) error {
		return c.LetGo(ctx, tx, file, c.now())
	})
}
