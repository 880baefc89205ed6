package delivery

import (
	"context"
	"fmt"

	"settled/clearing/dial"
	"settled/clearing/files"
	"settled/clearing/rows"
	"settled/clearing/states"
	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// What a person decides of a file on its way, and of a center.

var (
	provenByPerson = `
UPDATE files SET state = ` + files.ProvenState + `, proof = 'person', delivered_at = $2, frozen = false, unknown_since = NULL, token = '',
	last_error = $3 WHERE file_id = $1 AND ` + states.VouchForFile.May()
	goOn = `
UPDATE files SET frozen = false, failures = 0, next_attempt_at = $2 WHERE file_id = $1 AND state IN ` + states.In(states.FilePlanned, states.FileReleased, states.FileSending) + `
RETURNING state, batch_id`
)

// MarkDelivered takes a person's word, with its evidence, that the center has the file.
func (c *Courier) MarkDelivered(ctx context.Context, file int64, evidence string) error {
	return postgres.InTx(ctx, c.pool, rows.Key("file/%d/mark delivered", file), func(tx pgx.Tx) error {
		return change(ctx, tx, file, provenByPerson, c.now(), "person: "+evidence)
	})
}

// Retry lets a file go on at once that waits for its next attempt, or that was stopped because of what was found at the
// center: it is built or delivered now. A center that is left alone after refused logins stays so.
func (c *Courier) Retry(ctx context.Context, file int64) error {
	return postgres.InTx(ctx, c.pool, rows.Key("file/%d/retry", file), func(tx pgx.Tx) error {
		var state states.FileState
		var batch int64
		err := tx.QueryRow(ctx, goOn, file, c.now()).Scan(&state, &batch)
		switch {
		case rows.Missing(err):
			return fmt.Errorf("%w: file %d waits for no attempt", states.ErrState, file)
		case err != nil:
			return err
		case state == states.FilePlanned:
			return c.toBuild(ctx, tx, batch)
		}
		return c.toDeliver(ctx, tx, file)
	})
}

var hurry = `UPDATE files SET next_attempt_at = $2 WHERE center_id = $1 AND state IN ` + states.OnItsWay

// Unpark lets a center be connected to again at once, after its credentials or host keys have been put right, and its files go.
func (c *Courier) Unpark(ctx context.Context, center int16) error {
	return postgres.InTx(ctx, c.pool, rows.Key("center/%d/unpark", center), func(tx pgx.Tx) error {
		if err := dial.Unpark(ctx, tx, center); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, hurry, center, c.now())
		return err
	})
}
