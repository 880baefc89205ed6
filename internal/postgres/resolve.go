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
var errUndecided = errors.New("postgres: the session of the transaction has not ended yet")

// errRecovered means that nobody will ever be able to tell.
var errRecovered = errors.New("postgres: the server recovered since, and the transaction is not there")

// resolve asks for the truth about a COMMIT whose answer was lost, until it is told or the budget ends. The caller has given
// the connection back: where a pool is as large as its users are many, there is no other to ask on.
func resolve(ctx context.Context, pool *pgxpool.Pool, key Key, t *tx, lost error) error {
	ctx, cancel := outlast(ctx, resolveGrace, resolveBudget)
	defer cancel()
	pause := resolvePause
	for {
		outcome, err := ask(ctx, pool, t)
		switch {
		case outcome == Done:
			return nil
		case outcome == Rejected:
			return &RejectedError{key.Name, fmt.Errorf("commit: connection lost before the server took it: %w", lost)}
		case errors.Is(err, errRecovered):
			return &UnknownError{key.Name, t.token.uuid, errors.Join(lost, err)}
		}
		select {
		case <-ctx.Done():
			return &UnknownError{key.Name, t.token.uuid, errors.Join(lost, err)}
		case <-time.After(pause):
		}
		pause = min(2*pause, resolveMax)
	}
}

// ask asks once, on another connection. An error comes with Unknown, and means: ask again, unless it is errRecovered. The
// session is looked for before the token, so that a token that is absent after the session has ended proves a rollback.
func ask(ctx context.Context, pool *pgxpool.Pool, t *tx) (Outcome, error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return Unknown, err
	}
	defer conn.Release()
	alive, err := t.session.alive(ctx, conn.Conn())
	if err != nil {
		return Unknown, err
	}
	var found bool
	if err := conn.QueryRow(ctx, sqlFound, t.token.at, t.token.uuid).Scan(&found); err != nil {
		return Unknown, err
	}
	outcome, err := decide(found, alive, t.session.life, sessionOf(conn.Conn()).life)
	if outcome == Done {
		if _, err := conn.Exec(ctx, sqlBarrier); err != nil {
			return Unknown, fmt.Errorf("committed, not yet replicated: %w", err)
		}
	}
	return outcome, err
}

const sqlFound = `SELECT EXISTS (SELECT FROM public.commits WHERE at = $1 AND token = $2)`

// sqlBarrier commits an empty message, which waits for the synchronous standby and so for all that was committed before.
// The driver cancels a COMMIT that it gives up, which makes it visible here though the standby may not have it.
const sqlBarrier = `SELECT pg_logical_emit_message(true, 'settled', 'resolved')`

// decide weighs what was seen. Only a token that is there proves a commit. One that is absent proves a rollback when the
// session that could still have committed has ended, and when the server that says so is the one that it ended on, in the
// same life: what a recovery or a fail-over has lost may have been seen by others, or may be elsewhere.
func decide(found, alive bool, begun, asked [16]byte) (Outcome, error) {
	switch none := [16]byte{}; {
	case found:
		return Done, nil
	case alive, asked == none: // a standby cannot tell its life
		return Unknown, errUndecided
	case begun != asked:
		return Unknown, errRecovered
	}
	return Rejected, nil
}

// sqlAlive ends the lost session if it idles in the transaction, which proves that COMMIT has not reached it and makes sure
// that it never does. It tells whether the session was there.
const sqlAlive = `
SELECT CASE WHEN state LIKE 'idle in transaction%' THEN pg_terminate_backend(pid) END
FROM pg_stat_activity WHERE pid = $1 AND coalesce(backend_start, $2) = $2`

// alive tells whether a session is still there. It asks as the login, which may end its own sessions and see when they began.
func (s session) alive(ctx context.Context, conn *pgx.Conn) (alive bool, err error) {
	err = pgx.BeginFunc(ctx, conn, func(q pgx.Tx) error {
		if _, err := q.Exec(ctx, "SET LOCAL ROLE NONE"); err != nil {
			return err
		}
		tag, err := q.Exec(ctx, sqlAlive, s.pid, s.began)
		alive = tag.RowsAffected() > 0
		return err
	})
	return alive, err
}
