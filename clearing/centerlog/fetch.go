package centerlog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"strings"
	"time"

	"settled/clearing/dial"
	"settled/clearing/remote"
	"settled/clearing/rows"
	"settled/clearing/states"
	"settled/fileformats/authlog"
	"settled/internal/postgres"
	"settled/settle"
	"settled/settle/order"
	"settled/settle/reconcile"

	"github.com/jackc/pgx/v5"
)

const (
	maxLogBytes = 64 << 20            // of a center's log
	logOverlap  = time.Hour           // of a range on the link with the one before: a second look at what was late
	logChunk    = 6 * time.Hour       // longest range that is asked for at a time
	logFirst    = 24 * time.Hour      // range of the first question
	logKept     = 30 * 24 * time.Hour // how long the bytes of an applied log are kept
)

// Reconcile gets the logs of authorizations that are there or due, of every center that tells them, stores them,
// and compares those whose time has come with the books. An error at one center does not stop the others.
func (l *Logs) Reconcile(ctx context.Context, ask Ask) error {
	var all []error
	for _, c := range l.directory.Centers() {
		var err error
		switch c.Capabilities.Log {
		case order.LogByFile:
			err = l.fetchLogs(ctx, c)
		case order.LogByLink:
			err = l.askLogs(ctx, c, ask)
		default:
			continue
		}
		if err = errors.Join(err, l.applyLogs(ctx, c.ID)); err != nil {
			all = append(all, fmt.Errorf("authorizations of %s: %w", c.Name, err))
		}
	}
	_, err := l.pool.Exec(ctx, `UPDATE authorization_logs SET bytes = NULL WHERE state = `+states.Quoted(states.LogApplied)+` AND decided_at < $1 AND bytes IS NOT NULL`, l.now().Add(-logKept))
	return errors.Join(append(all, err)...)
}

// Want makes the next run ask a center for its log of a range again. Only centers that answer on their link can be asked:
// states.ErrState. Errors: states.ErrNotFound, states.ErrNotDue for a range whose payments may still be on their way.
func (l *Logs) Want(ctx context.Context, center int16, from, until time.Time) (id int64, err error) {
	c, ok := l.directory.Center(center)
	switch {
	case !ok:
		return 0, fmt.Errorf("%w: center %d", states.ErrNotFound, center)
	case c.Capabilities.Log != order.LogByLink:
		return 0, fmt.Errorf("%w: %s cannot be asked for its log", states.ErrState, c.Name)
	case !from.Before(until):
		return 0, fmt.Errorf("%w: the range ends before it begins", states.ErrState)
	case until.After(l.now().Add(-reconcile.LogGrace)):
		return 0, fmt.Errorf("%w: payments of the last %v may still be on their way", states.ErrNotDue, reconcile.LogGrace)
	}
	err = postgres.InTx(ctx, l.pool, rows.Key("center/%d/want log", center), func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `INSERT INTO authorization_logs (center_id, source, state, by_person, wanted_at, from_at, until_at)
			VALUES ($1, `+states.Quoted(logLink)+`, `+states.Quoted(states.LogWanted)+`, true, $2, $3, $4) RETURNING log_id`, center, l.now(), from.UTC().Truncate(time.Second), until.UTC().Truncate(time.Second)).Scan(&id)
	})
	return id, err
}

// askLogs makes the ranges that are due wanted, and asks for everything wanted.
func (l *Logs) askLogs(ctx context.Context, c *settle.Center, ask Ask) error {
	if err := l.wantDue(ctx, c.ID); err != nil {
		return err
	}
	wanted, err := l.read(ctx, `WHERE center_id = $1 AND state = `+states.Quoted(states.LogWanted)+` ORDER BY log_id`, c.ID)
	for _, w := range wanted {
		told, err := ask(ctx, c.ID, *w.From, *w.Until, l.now())
		if err != nil {
			return err
		}
		if err := l.keepAsked(ctx, w.ID, told); err != nil {
			return err
		}
	}
	return err
}

// The ranges that are due begin an overlap before the last one that was planned ended, so that an outage is made up for. What a
// person asked for moves nothing.
var (
	plannedUntil = `SELECT max(until_at) FROM authorization_logs WHERE center_id = $1 AND source = ` + states.Quoted(logLink) + ` AND NOT by_person`
	wantDue      = `
INSERT INTO authorization_logs (center_id, source, state, wanted_at, from_at, until_at)
SELECT $1, ` + states.Quoted(logLink) + `, ` + states.Quoted(states.LogWanted) + `, $2, $3, $4
WHERE NOT EXISTS (SELECT FROM authorization_logs WHERE center_id = $1 AND source = ` + states.Quoted(logLink) + ` AND NOT by_person AND until_at >= $4)`
)

func (l *Logs) wantDue(ctx context.Context, center int16) error {
	end := l.now().Add(-reconcile.LogGrace).Truncate(time.Second)
	from := end.Add(-logFirst)
	var last *time.Time
	if err := l.pool.QueryRow(ctx, plannedUntil, center).Scan(&last); err != nil {
		return fmt.Errorf("read how far the log was asked for: %w", err)
	}
	if last != nil {
		from = last.Add(-logOverlap)
	}
	if last != nil && !last.Before(end) {
		return nil
	}
	for from.Before(end) {
		until := from.Add(logChunk)
		if until.After(end) {
			until = end
		}
		if _, err := l.pool.Exec(ctx, wantDue, center, l.now(), from, until); err != nil {
			return fmt.Errorf("want a log: %w", err)
		}
		from = until
	}
	return nil
}

var keepAsked = `UPDATE authorization_logs SET state = ` + states.Quoted(states.LogFetched) + `, fetched_at = $2, size = $3, sha256 = $4, bytes = $5 WHERE log_id = $1 AND state = ` + states.Quoted(states.LogWanted)

// keepAsked stores the answer to a question as the file that it would be.
func (l *Logs) keepAsked(ctx context.Context, id int64, told *authlog.Log) error {
	data, err := authlog.Format(told)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(append(fmt.Appendf(nil, "log %d\n", id), data...)) // two equal answers are two logs
	_, err = l.pool.Exec(ctx, keepAsked, id, l.now(), len(data), sum[:], data)
	return err
}

// fetchLogs stores the logs that a center has left and that are whole.
func (l *Logs) fetchLogs(ctx context.Context, c *settle.Center) error {
	s, err := l.site(c.ID)
	if err != nil {
		return err
	}
	if _, err := l.dialer.Parked(ctx, c.ID); err != nil {
		return err
	}
	link, err := l.dialer.Dial(ctx, s.Server)
	if err != nil {
		return err
	}
	defer func() { _ = link.Close() }()
	entries, err := link.List(ctx, s.Directory)
	if err != nil {
		l.dialer.Failed(ctx, s.Server, err)
		return err
	}
	slices.SortFunc(entries, func(a, b remote.Entry) int { return strings.Compare(a.Name, b.Name) })
	var all []error
	left := dial.Left{Server: s.Server, What: "log", Most: maxLogBytes}
	for _, e := range entries {
		switch err := l.fetchLog(ctx, s, link, e); {
		case errors.Is(err, remote.ErrTooLarge):
			left.Files = append(left.Files, e)
		case err != nil:
			all = append(all, fmt.Errorf("fetch %q: %w", e.Name, err))
			if class := remote.ClassOf(err); class == remote.Connection || class == remote.Timeout {
				return errors.Join(all...) // what else is there, nobody has seen
			}
		}
	}
	return errors.Join(append(all, l.dialer.TellLeft(ctx, left))...)
}

var (
	logSeen   = `SELECT EXISTS (SELECT FROM authorization_logs WHERE center_id = $1 AND name = $2 AND size = $3 AND modified_at = $4)`
	insertLog = `
INSERT INTO authorization_logs (center_id, source, name, state, wanted_at, fetched_at, size, modified_at, sha256, bytes)
VALUES ($1, ` + states.Quoted(logFile) + `, $2, ` + states.Quoted(states.LogFetched) + `, $3, $3, $4, $5, $6, $7) ON CONFLICT (center_id, sha256) DO NOTHING`
)

// fetchLog stores a log once, whatever it is called. One without its trailer may still be on its way.
func (l *Logs) fetchLog(ctx context.Context, s Site, link *remote.Link, e remote.Entry) error {
	if !e.Regular || strings.HasPrefix(e.Name, ".") || strings.HasSuffix(e.Name, ".part") {
		return nil
	}
	name, seen := remote.Printable(e.Name), false
	if err := l.pool.QueryRow(ctx, logSeen, s.Server.Center, name, e.Size, e.Modified).Scan(&seen); err != nil || seen {
		return err
	}
	if e.Size > maxLogBytes {
		return remote.ErrTooLarge
	}
	var data bytes.Buffer
	got, err := link.Read(path.Join(s.Directory, e.Name), remote.AtMost(&data, maxLogBytes))
	if err != nil {
		return err
	}
	if !authlog.Whole(data.Bytes()) {
		l.log.WarnContext(ctx, "log of authorizations is not whole yet", slog.String("center", s.Server.Name), slog.String("name", name), slog.Int64("bytes", got.Size))
		return nil
	}
	sum := sha256.Sum256(data.Bytes())
	_, err = l.pool.Exec(ctx, insertLog, s.Server.Center, name, l.now(), got.Size, got.Modified, sum[:], data.Bytes())
	return err
}

// Approve lets a held log be compared again, without the limit of approvals that the books do not know: a person has looked.
// One that is not held is states.ErrState.
func (l *Logs) Approve(ctx context.Context, id int64) error {
	return postgres.InTx(ctx, l.pool, rows.Key("log/%d/approve", id), func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE authorization_logs SET state = `+states.Quoted(states.LogFetched)+`, decided_at = NULL, forced = true WHERE log_id = $1 AND state = `+states.Quoted(states.LogHeld), id)
		if err == nil && tag.RowsAffected() == 0 {
			err = fmt.Errorf("%w: log %d is not held", states.ErrState, id)
		}
		return err
	})
}

// List returns the newest logs, at most limit. center 0: of all centers.
func (l *Logs) List(ctx context.Context, center int16, limit int) ([]Log, error) {
	return l.read(ctx, `WHERE $1 = 0 OR center_id = $1 ORDER BY log_id DESC LIMIT $2`, center, limit)
}

func (l *Logs) read(ctx context.Context, where string, args ...any) ([]Log, error) {
	return rows.Collect[Log](ctx, l.pool, `SELECT log_id, center_id, source, name, state, reason, from_at, until_at, fetched_at, decided_at, entries, differences, unknown
FROM authorization_logs `+where, args...)
}
