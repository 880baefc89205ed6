package centerlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"settled/clearing/rows"
	"settled/clearing/states"
	"settled/fileformats/authlog"
	"settled/internal/postgres"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/reconcile"

	"github.com/jackc/pgx/v5"
)

// applyLogs compares the stored logs of a center with the books. One that cannot be read, or has too much that the books do
// not know, is held for a person, and keeps no other waiting.
func (l *Logs) applyLogs(ctx context.Context, center int16) error {
	ids, err := rows.Column[int64](ctx, l.pool, `SELECT log_id FROM authorization_logs WHERE center_id = $1 AND state = `+states.Quoted(states.LogFetched)+` ORDER BY log_id`, center)
	if err != nil {
		return err
	}
	var all []error
	for _, id := range ids {
		if err := l.applyLog(ctx, id); err != nil {
			all = append(all, fmt.Errorf("apply log %d: %w", id, err))
		}
	}
	return errors.Join(all...)
}

func (l *Logs) applyLog(ctx context.Context, id int64) error {
	var result reconcile.Reconciled
	done := false
	err := postgres.InTx(ctx, l.pool, rows.Key("log/%d", id), func(tx pgx.Tx) (err error) {
		result, done, err = l.applyIn(ctx, tx, id)
		return err
	})
	var wrong *authlog.Error
	switch {
	case errors.Is(err, reconcile.ErrTooManyUnknown), errors.Is(err, errLogContent), errors.As(err, &wrong):
		return l.holdLog(ctx, id, err)
	case err == nil && done:
		l.log.InfoContext(ctx, "log of authorizations compared", slog.Int64("log", id), slog.Int("differences", result.Differences), slog.Int("unknown", result.Unknown))
	}
	return err
}

var errLogContent = errors.New("clearing: log is of another member or range")

var (
	lockLog  = `SELECT center_id, source, forced, from_at, until_at, fetched_at, bytes FROM authorization_logs WHERE log_id = $1 AND state = ` + states.Quoted(states.LogFetched) + ` FOR UPDATE`
	closeLog = `UPDATE authorization_logs SET state = ` + states.Quoted(states.LogApplied) + `, decided_at = $2, from_at = $3, until_at = $4, entries = $5, differences = $6, unknown = $7, reason = ''
WHERE log_id = $1`
)

// applyIn compares one log; done is false when somebody else has, or when payments of its range may still be on their way.
func (l *Logs) applyIn(ctx context.Context, tx pgx.Tx, id int64) (r reconcile.Reconciled, done bool, err error) {
	var source string
	var from, until *time.Time
	var fetched time.Time
	var data []byte
	c := &reconcile.CenterLog{ID: id}
	if err := tx.QueryRow(ctx, lockLog, id).Scan(&c.Center, &source, &c.Forced, &from, &until, &fetched, &data); err != nil {
		if rows.Missing(err) {
			err = nil
		}
		return r, false, err
	}
	if err := rows.Long(ctx, tx); err != nil {
		return r, false, err
	}
	told, err := authlog.Parse(data)
	if err != nil {
		return r, false, err
	}
	if err := l.fits(c.Center, told, from, until); err != nil || l.now().Before(told.Until.Add(reconcile.LogGrace)) {
		return r, false, err
	}
	c.From, c.Until, c.Sure = told.From, told.Until, sureUntil(source, told.Made, fetched)
	for i := range told.Entries {
		c.Approvals = append(c.Approvals, approvalOf(&told.Entries[i]))
	}
	if r, err = l.reconcile(ctx, tx, c); err != nil {
		return r, false, err
	}
	_, err = tx.Exec(ctx, closeLog, id, l.now(), told.From, told.Until, len(told.Entries), r.Differences, r.Unknown)
	return r, true, err
}

// fits refuses a log that is not about us, or not the one that was asked for.
func (l *Logs) fits(center int16, told *authlog.Log, from, until *time.Time) error {
	if _, ok := l.directory.Center(center); !ok {
		return fmt.Errorf("%w: center %d", states.ErrNotFound, center)
	}
	if from != nil && until != nil && (!from.Equal(told.From) || !until.Equal(told.Until)) {
		return fmt.Errorf("%w: it is from %v to %v", errLogContent, told.From, told.Until)
	}
	for _, s := range l.sites {
		if s.Server.Center == center && strings.TrimLeft(told.Member, "0") != strings.TrimLeft(s.Acquirer, "0") {
			return fmt.Errorf("%w: it is for member %s", errLogContent, told.Member)
		}
	}
	return nil
}

// sureUntil is the instant up to which a log shows everything. An answer on the link says when we asked; a file says when it was
// made by the center's clock, which may be off.
func sureUntil(source string, made, fetched time.Time) time.Time {
	if source == logLink {
		return made
	}
	if fetched.Before(made) {
		made = fetched
	}
	return made.Add(-reconcile.LogGrace)
}

var approvalKinds = map[authlog.Kind]settle.Kind{authlog.Authorization: settle.Authorization, authlog.Purchase: settle.Purchase, authlog.Refund: settle.Refund}

func approvalOf(e *authlog.Entry) reconcile.CenterApproval {
	return reconcile.CenterApproval{Kind: approvalKinds[e.Kind], Terminal: e.Terminal, Acceptor: e.Acceptor, STAN: e.STAN, RRN: e.RRN, Sent: e.Sent,
		Amount: e.Amount, Reversed: e.Reversed, Approval: e.Approval}
}

// holdLog leaves a log to a person, and pages.
func (l *Logs) holdLog(ctx context.Context, id int64, why error) error {
	_, err := l.pool.Exec(ctx, `UPDATE authorization_logs SET state = `+states.Quoted(states.LogHeld)+`, decided_at = $2, reason = $3 WHERE log_id = $1 AND state = `+states.Quoted(states.LogFetched), id, l.now(), vault.Words(why.Error()))
	l.log.ErrorContext(ctx, "log of authorizations is held; a person decides", slog.Int64("log", id), slog.Any("error", why))
	return err
}
