package epoch

import (
	"context"
	"fmt"
	"time"

	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// How fast identifiers are thought to be given out at most, where nobody knows how fast they were: twenty times as fast as on average
// since the first epoch, jumps left out, and no less than these per second. The margins are for blocks that processes had open.
const (
	peak           = 20
	billsPerSecond = 5    // of a merchant: numbers of nine digits have to last
	idsPerSecond   = 1000 // of messages and records
	billMargin     = 1 << 10
	idMargin       = 1 << 16
)

// Jump is what identifiers of a name passed over.
type Jump struct {
	Name   string `json:"name"`
	Before int64  `json:"next_before"`
	After  int64  `json:"next_after"`
}

// A name that was not used before the gap begins behind it, too: its first numbers may have been given out in it.
const addNames = `INSERT INTO id_blocks (name, next) SELECT unnest($1::text[]), 1 ON CONFLICT DO NOTHING`

// jumpAll moves every counter.
const jumpAll = `
WITH life AS (
	SELECT greatest(extract(epoch FROM $2::timestamptz - min(begun_at)), 86400)::float8 AS seconds FROM epochs
), sized AS (
	SELECT b.name, b.next, CASE WHEN b.name LIKE 'bill/%' THEN $4::float8 ELSE $5 END AS least, CASE WHEN b.name LIKE 'bill/%' THEN $6::bigint ELSE $7 END AS margin,
		$8 * (b.next - coalesce((SELECT sum(next_after - next_before) FROM id_jumps j WHERE j.name = b.name), 0))::float8 / life.seconds AS peak
	FROM id_blocks b, life
), moved AS (
	UPDATE id_blocks b SET next = b.next + ceil($3::float8 * greatest(s.least, s.peak))::bigint + s.margin FROM sized s WHERE s.name = b.name
	RETURNING b.name, s.next AS next_before, b.next AS next_after
)
INSERT INTO id_jumps (epoch, name, next_before, next_after) SELECT $1, name, next_before, next_after FROM moved`

func jump(ctx context.Context, tx pgx.Tx, e Epoch, gap time.Duration, names []string) error {
	if _, err := tx.Exec(ctx, addNames, names); err != nil {
		return fmt.Errorf("jump identifiers: %w", err)
	}
	seconds := max(gap.Seconds(), 0)
	_, err := tx.Exec(ctx, jumpAll, e.No, e.BegunAt, seconds, billsPerSecond, idsPerSecond, billMargin, idMargin, peak)
	if err != nil {
		return fmt.Errorf("jump identifiers: %w", err)
	}
	return nil
}

// Jumps are what identifiers passed over in an epoch.
func Jumps(ctx context.Context, q postgres.Querier, epoch int32) ([]Jump, error) {
	rows, err := q.Query(ctx, `SELECT name, next_before, next_after FROM id_jumps WHERE epoch = $1 ORDER BY name`, epoch)
	if err != nil {
		return nil, fmt.Errorf("read jumps: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Jump])
}
