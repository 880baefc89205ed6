package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// errUndecided means that the server was asked and cannot tell yet.
var errUndecided = errors.New("postgres: transaction still in progress")

// resolve asks for the truth about a COMMIT whose answer was lost, until it is told or the budget ends.
func resolve(ctx context.Context, pool *pgxpool.Pool, key Key, t *tx, lost error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resolveBudget)
	defer cancel()
	_ = t.Conn().Close(ctx)
	pause := resolvePause
	for {
		outcome, err := ask(ctx, pool, key, t)
		switch {
		case err == nil && outcome == Done:
			return nil
		case err == nil && outcome == Rejected:
			return &RejectedError{key.Name, fmt.Errorf("commit: connection lost before the server took it: %w", lost)}
		case err == nil:
			return &UnknownError{key.Name, t.xid, lost}
		}
		select {
		case <-ctx.Done():
			return &UnknownError{key.Name, t.xid, errors.Join(lost, err)}
		case <-time.After(pause):
		}
		pause = min(2*pause, resolveMax)
	}
}

// ask asks once, on another connection. An error means: ask again. The status of the transaction is read before the
// key, so that a key that is absent and a transaction that ended before prove a rollback.
func ask(ctx context.Context, pool *pgxpool.Pool, key Key, t *tx) (Outcome, error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return Unknown, fmt.Errorf("resolve %s: %w", key.Name, err)
	}
	defer conn.Release()
	status, err := status(ctx, conn.Conn(), t)
	if err != nil {
		return Unknown, fmt.Errorf("resolve %s: %w", key.Name, err)
	}
	var committed, known bool
	if key.Resolve != nil {
		if committed, known, err = key.Resolve(ctx, conn.Conn()); err != nil {
			return Unknown, fmt.Errorf("resolve %s: %w", key.Name, err)
		}
	}
	outcome, err := decide(status, committed, known)
	if outcome == Done {
		if _, err := conn.Exec(ctx, sqlBarrier); err != nil {
			return Unknown, fmt.Errorf("resolve %s: committed, not yet replicated: %w", key.Name, err)
		}
	}
	return outcome, err
}

// sqlBarrier commits an empty message, which waits for the synchronous standby and so for all that was committed before.
// The driver cancels a COMMIT that it gives up, which makes it visible here though the standby may not have it.
const sqlBarrier = `SELECT pg_logical_emit_message(true, 'settled', 'resolved')`

// decide weighs the key against the status. The key decides; the status speeds up the negative answer and decides
// alone only where there is no key.
func decide(status string, committed, known bool) (Outcome, error) {
	switch {
	case known && committed:
		return Done, nil
	case status == "in progress":
		return Unknown, errUndecided
	case status == "aborted":
		return Rejected, nil
	case status == "committed" && !known:
		return Done, nil
	case status == "" && known:
		return Rejected, nil
	}
	return Unknown, nil
}

// sqlStatus ends the lost session if it idles in the transaction, which proves that COMMIT has not reached it and makes
// sure that it never does. It reads the status of a transaction only on the timeline that the transaction was begun on:
// after a fail-over the id may belong to somebody else.
const sqlStatus = `
WITH ended AS (
	SELECT pg_terminate_backend(pid) FROM pg_stat_activity
	WHERE pid = $2 AND backend_xid = ($1::text::xid8)::xid AND state LIKE 'idle in transaction%'
)
SELECT CASE WHEN ` + sqlTimeline + ` = $3 THEN pg_xact_status($1::text::xid8) END
FROM (SELECT count(*) FROM ended) AS counted`

// status is "committed", "aborted", "in progress", or "" where the server cannot know. It asks as the login, which may end
// its own sessions.
func status(ctx context.Context, conn *pgx.Conn, t *tx) (string, error) {
	var status *string
	err := pgx.BeginFunc(ctx, conn, func(q pgx.Tx) error {
		if _, err := q.Exec(ctx, "SET LOCAL ROLE NONE"); err != nil {
			return err
		}
		return q.QueryRow(ctx, sqlStatus, fmt.Sprint(t.xid), int32(t.pid), t.timeline).Scan(&status)
	})
	if err != nil || status == nil {
		return "", err
	}
	return *status, nil
}
