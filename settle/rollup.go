package settle

import (
	"context"
	"fmt"
	"time"

	"settled/internal/postgres"
	"settled/settle/ledger"

	"github.com/jackc/pgx/v5"
)

// rollUpGrace is how long after its end a day is rolled up. Whoever posts without a center's lock (a verdict, a payout)
// reads the instant at its beginning and has committed by then.
const rollUpGrace = time.Hour

// RollUpDue rolls up every finished accounting day that is not rolled up yet, oldest first, and returns how many. Before,
// it waits for the commits in flight at each center, one center at a time, because a writer reads the instant of its
// postings under its center's lock.
func (b *Books) RollUpDue(ctx context.Context) (int, error) {
	now := b.Now()
	days, err := ledger.Unrolled(ctx, b.Pool, b.ledger.Date(now.Add(-rollUpGrace)))
	if err != nil || len(days) == 0 {
		return 0, err
	}
	for _, c := range b.Directory.Centers() {
		if err := b.awaitWriters(ctx, c); err != nil {
			return 0, err
		}
	}
	for n, day := range days {
		err := postgres.InTx(ctx, b.Pool, postgres.Key{Name: "roll up " + day.Format(time.DateOnly)}, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = 0`); err != nil {
				return err
			}
			return b.ledger.RollUp(ctx, tx, day, now)
		})
		if err != nil {
			return n, err
		}
	}
	return len(days), nil
}

// awaitWriters returns when every writer of the center that was in flight has committed.
func (b *Books) awaitWriters(ctx context.Context, c *Center) error {
	err := postgres.InTx(ctx, b.Pool, postgres.Key{Name: "await writers of " + c.Name}, func(tx pgx.Tx) error {
		return LockCenter(ctx, tx, c.ID)
	})
	if err != nil {
		return fmt.Errorf("await writers of %s: %w", c.Name, err)
	}
	return nil
}
