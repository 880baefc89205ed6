package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	maxAttempts  = 5                      // runs of fn, the first included
	firstPause   = 5 * time.Millisecond   // doubled per attempt, with jitter
	resolvePause = 20 * time.Millisecond  // between two questions, doubled up to resolveMax
	resolveMax   = 500 * time.Millisecond // longest pause between two questions
)

// Variables only so that a test need not wait as long. The graces are how long after the deadline of its context, if it has
// one, InTx goes on to wait: a caller who is waited for gives a deadline that is this much earlier than his own.
var (
	commitTimeout = 30 * time.Second // wait for the answer to COMMIT
	commitGrace   = 3 * time.Second
	resolveBudget = 10 * time.Second // wait for the truth about a lost answer
	resolveGrace  = 5 * time.Second
)

// Key names a transaction for people.
type Key struct {
	// Name is for errors and logs, such as "order/1042/confirm".
	Name string
}

// InTx runs fn in a READ COMMITTED transaction and commits it if fn returns nil. pool comes from Open.
//
// The error is nil (committed), a *RejectedError (rolled back; it wraps what fn or the server said) or an *UnknownError;
// see the package comment. A serialization failure or deadlock, from fn or from COMMIT, is repeated up to five times with
// growing random pauses, so fn may run more than once and must do nothing outside tx. fn neither commits nor rolls back.
//
// COMMIT is not canceled with ctx, for a canceled COMMIT is an unknown one; it has its own limit of 30 s, and resolving
// a lost answer one of 10 s more. Where ctx has a deadline, InTx returns 5 s after it at the latest.
func InTx(ctx context.Context, pool *pgxpool.Pool, key Key, fn func(pgx.Tx) error) error {
	pause := firstPause
	for attempt := 1; ; attempt++ {
		err := once(ctx, pool, key, fn)
		if attempt == maxAttempts || !repeatable(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause/2 + rand.N(pause)): //nolint:gosec // spreads attempts, no secret
		}
		pause *= 2
	}
}

// once is one attempt: begin, fn, commit, and the truth about the commit.
func once(ctx context.Context, pool *pgxpool.Pool, key Key, fn func(pgx.Tx) error) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return &RejectedError{key.Name, fmt.Errorf("acquire connection: %w", err)}
	}
	release := sync.OnceFunc(conn.Release)
	defer release() // destroys a connection that is still in a transaction, so a panic of fn rolls back
	t, err := begin(ctx, conn.Conn())
	if err != nil {
		return &RejectedError{key.Name, err}
	}
	committed, err := t.work(ctx, fn)
	if err != nil {
		t.rollback(ctx)
		return &RejectedError{key.Name, err}
	}
	switch rejected, err := t.commit(ctx); {
	case err == nil:
		committed()
		return nil
	case rejected:
		return &RejectedError{key.Name, fmt.Errorf("commit: %w", err)}
	default:
		_ = conn.Conn().Close(ctx)
		release()
		if err = resolve(ctx, pool, key, t, err); err == nil {
			committed()
		}
		return err
	}
}

// work does what fn does, and what is to be done beside it.
func (t *tx) work(ctx context.Context, fn func(pgx.Tx) error) (committed func(), err error) {
	if err := fn(t); err != nil {
		return nil, err
	}
	return besides(ctx, t)
}

// outlast is a context that ends at a limit of its own, and some grace after the deadline of ctx, if it has one.
func outlast(ctx context.Context, grace, limit time.Duration) (context.Context, context.CancelFunc) {
	free, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	deadline, ok := ctx.Deadline()
	if !ok {
		return free, cancel
	}
	free, earlier := context.WithDeadline(free, deadline.Add(grace))
	return free, func() { earlier(); cancel() }
}

// commit sends COMMIT. rejected is true when the error proves that nothing was committed.
func (t *tx) commit(ctx context.Context) (rejected bool, err error) {
	if t.Conn().PgConn().TxStatus() != 'T' { // aborted by a statement whose error fn ignored, or the connection is gone
		t.rollback(ctx)
		return true, pgx.ErrTxCommitRollback
	}
	ctx, cancel := outlast(ctx, commitGrace, commitTimeout)
	defer cancel()
	err = t.Tx.Commit(ctx)
	return errors.Is(err, pgx.ErrTxCommitRollback) || refusedByServer(err), err
}

// refusedByServer reports whether err is the server's own word that it rolled back. A fatal error is not: the session
// ended, and its transaction may have ended either way. Neither is one of class 08 or 57P (connection, shutdown).
func refusedByServer(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.SeverityUnlocalized != "ERROR" {
		return false
	}
	return !strings.HasPrefix(pg.Code, "08") && !strings.HasPrefix(pg.Code, "57P")
}

// repeatable reports a rollback that a second attempt may avoid: serialization failure (40001) or deadlock (40P01).
func repeatable(err error) bool {
	var pg *pgconn.PgError
	return errors.Is(err, ErrRejected) && errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}
