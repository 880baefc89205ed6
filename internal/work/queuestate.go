package work

import (
	"context"
	"fmt"
	"time"

	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/rivertype"
)

// Queue is how the work queue stands.
type Queue struct {
	Due       int64     // jobs whose time has come and that nobody works on
	OldestDue time.Time // since when the oldest of them could be worked on; zero: there is none
	OldestOf  string    // its kind
	Working   int64     // jobs that somebody works on
	Longest   time.Time // since when the oldest of them is worked on; zero: there is none
	LongestOf string    // its kind
	Discarded int64     // jobs that were tried as often as they may and are tried no more
	Last      string    // kind of the newest of them
}

const queueNow = `
WITH due AS (SELECT scheduled_at, kind FROM river_job WHERE state = ANY ($1::text[]::river_job_state[]) AND scheduled_at <= $4),
	working AS (SELECT attempted_at, kind FROM river_job WHERE state = $2::text::river_job_state),
	discarded AS (SELECT finalized_at, kind FROM river_job WHERE state = $3::text::river_job_state)
SELECT (SELECT count(*) FROM due) AS due, coalesce((SELECT min(scheduled_at) FROM due), '0001-01-01 00:00Z') AS oldest_due,
	coalesce((SELECT kind FROM due ORDER BY scheduled_at LIMIT 1), '') AS oldest_of,
	(SELECT count(*) FROM working) AS working, coalesce((SELECT min(attempted_at) FROM working), '0001-01-01 00:00Z') AS longest,
	coalesce((SELECT kind FROM working ORDER BY attempted_at LIMIT 1), '') AS longest_of,
	(SELECT count(*) FROM discarded) AS discarded, coalesce((SELECT kind FROM discarded ORDER BY finalized_at DESC LIMIT 1), '') AS last`

// QueueAt tells how the work queue stands at now.
func QueueAt(ctx context.Context, q postgres.Querier, now time.Time) (Queue, error) {
	waiting := []string{string(rivertype.JobStateAvailable), string(rivertype.JobStateRetryable), string(rivertype.JobStateScheduled)}
	rows, err := q.Query(ctx, queueNow, waiting, string(rivertype.JobStateRunning), string(rivertype.JobStateDiscarded), now)
	if err != nil {
		return Queue{}, fmt.Errorf("read the work queue: %w", err)
	}
	found, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Queue])
	if err != nil {
		return Queue{}, fmt.Errorf("read the work queue: %w", err)
	}
	return found, nil
}
