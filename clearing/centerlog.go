package clearing

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

	"settled/clearing/remote"
	"settled/clearing/states"
	"settled/fileformats/authlog"
	"settled/internal/postgres"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/order"

	"github.com/jackc/pgx/v5"
)

const (
	maxLogBytes = 64 << 20            // of a center's log
	logOverlap  = time.Hour           // of a range on the link with the one before: a second look at what was late
	logChunk    = 6 * time.Hour       // longest range that is asked for at a time
	logFirst    = 24 * time.Hour      // range of the first question
	logKept     = 30 * 24 * time.Hour // how long the bytes of an applied log are kept
)

// Sources of logs of authorizations.
const (
	logFile = "file" // the center left it in a directory
	logLink = "link" // the center was asked for it
)

// AuthorizationLog is a center's log of authorizations and what came of it.
type AuthorizationLog struct {
	ID          int64
	Center      int16
	Source      string // file or link
	Name        string // of the file
	State       states.LogState
	Reason      string // why it is held
	From, Until *time.Time
	FetchedAt   *time.Time
	DecidedAt   *time.Time
	Entries     int
	Differences int
	Unknown     int
}

// AskLog asks a center on its link for its log of a range.
type AskLog func(ctx context.Context, center int16, from, until, now time.Time) (*authlog.Log, error)

// ReconcileAuthorizations gets the logs of authorizations that are there or due, of every center that tells them, stores them,
// and compares those whose time has come with the books. An error at one center does not stop the others.
func (n *Night) ReconcileAuthorizations(ctx context.Context, ask AskLog) error {
	var all []error
	for _, c := range n.Directory.Centers() {
		var err error
		switch c.Capabilities.Log {
		case order.LogByFile:
			err = n.fetchLogs(ctx, c)
		case order.LogByLink:
			err = n.askLogs(ctx, c, ask)
		default:
			continue
		}
		if err = errors.Join(err, n.applyLogs(ctx, c.ID)); err != nil {
			all = append(all, fmt.Errorf("authorizations of %s: %w", c.Name, err))
		}
	}
	_, err := n.Pool.Exec(ctx, `UPDATE authorization_logs SET bytes = NULL WHERE state = `+states.Quoted(states.LogApplied)+` AND decided_at < $1 AND bytes IS NOT NULL`, n.now().Add(-logKept))
	return errors.Join(append(all, err)...)
}

// WantLog makes the next run ask a center for its log of a range again. Only centers that answer on their link can be asked:
// ErrState. Errors: ErrNotFound, ErrNotDue for a range whose payments may still be on their way.
func (n *Night) WantLog(ctx context.Context, center int16, from, until time.Time) (id int64, err error) {
	c, ok := n.Directory.Center(center)
	switch {
	case !ok:
		return 0, fmt.Errorf("%w: center %d", states.ErrNotFound, center)
	case c.Capabilities.Log != order.LogByLink:
		return 0, fmt.Errorf("%w: %s cannot be asked for its log", states.ErrState, c.Name)
	case !from.Before(until):
		return 0, fmt.Errorf("%w: the range ends before it begins", states.ErrState)
	case until.After(n.now().Add(-settle.LogGrace)):
		return 0, fmt.Errorf("%w: payments of the last %v may still be on their way", states.ErrNotDue, settle.LogGrace)
	}
	err = n.Pool.QueryRow(ctx, `INSERT INTO authorization_logs (center_id, source, state, by_person, wanted_at, from_at, until_at)
		VALUES ($1, `+states.Quoted(logLink)+`, `+states.Quoted(states.LogWanted)+`, true, $2, $3, $4) RETURNING log_id`, center, n.now(), from.UTC().Truncate(time.Second), until.UTC().Truncate(time.Second)).Scan(&id)
	return id, err
}

// askLogs makes the ranges that are due wanted, and asks for everything wanted.
func (n *Night) askLogs(ctx context.Context, c *settle.Center, ask AskLog) error {
	if err := n.wantDue(ctx, c.ID); err != nil {
		return err
	}
	wanted, err := n.logs(ctx, `WHERE center_id = $1 AND state = `+states.Quoted(states.LogWanted)+` ORDER BY log_id`, c.ID)
	for _, w := range wanted {
		l, err := ask(ctx, c.ID, *w.From, *w.Until, n.now())
		if err != nil {
			return err
		}
		if err := n.keepAsked(ctx, w.ID, l); err != nil {
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

func (n *Night) wantDue(ctx context.Context, center int16) error {
	end := n.now().Add(-settle.LogGrace).Truncate(time.Second)
	from := end.Add(-logFirst)
	var last *time.Time
	if err := n.Pool.QueryRow(ctx, plannedUntil, center).Scan(&last); err != nil {
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
		if _, err := n.Pool.Exec(ctx, wantDue, center, n.now(), from, until); err != nil {
			return fmt.Errorf("want a log: %w", err)
		}
		from = until
	}
	return nil
}

var keepAsked = `UPDATE authorization_logs SET state = ` + states.Quoted(states.LogFetched) + `, fetched_at = $2, size = $3, sha256 = $4, bytes = $5 WHERE log_id = $1 AND state = ` + states.Quoted(states.LogWanted)

// keepAsked stores the answer to a question as the file that it would be.
func (n *Night) keepAsked(ctx context.Context, id int64, l *authlog.Log) error {
	data, err := authlog.Format(l)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(append(fmt.Appendf(nil, "log %d\n", id), data...)) // two equal answers are two logs
	_, err = n.Pool.Exec(ctx, keepAsked, id, n.now(), len(data), sum[:], data)
	return err
}

// fetchLogs stores the logs that a center has left and that are whole.
func (n *Night) fetchLogs(ctx context.Context, c *settle.Center) error {
	s, err := n.station(c.ID)
	if err != nil {
		return err
	}
	if _, err := n.dialer.Parked(ctx, s.ID); err != nil {
		return err
	}
	link, err := n.dialer.Dial(ctx, s.server())
	if err != nil {
		return err
	}
	defer func() { _ = link.Close() }()
	entries, err := link.List(ctx, s.LogDir)
	if err != nil {
		n.dialer.Failed(ctx, s.server(), err)
		return err
	}
	slices.SortFunc(entries, func(a, b remote.Entry) int { return strings.Compare(a.Name, b.Name) })
	var all []error
	for _, e := range entries {
		if err := n.fetchLog(ctx, s, link, e); err != nil {
			all = append(all, fmt.Errorf("fetch %q: %w", e.Name, err))
		}
	}
	return errors.Join(all...)
}

var (
	logSeen   = `SELECT EXISTS (SELECT FROM authorization_logs WHERE center_id = $1 AND name = $2 AND size = $3 AND modified_at = $4)`
	insertLog = `
INSERT INTO authorization_logs (center_id, source, name, state, wanted_at, fetched_at, size, modified_at, sha256, bytes)
VALUES ($1, ` + states.Quoted(logFile) + `, $2, ` + states.Quoted(states.LogFetched) + `, $3, $3, $4, $5, $6, $7) ON CONFLICT (center_id, sha256) DO NOTHING`
)

// fetchLog stores a log once, whatever it is called. One without its trailer may still be on its way.
func (n *Night) fetchLog(ctx context.Context, s *station, link *remote.Link, e remote.Entry) error {
	if !e.Regular || strings.HasPrefix(e.Name, ".") || strings.HasSuffix(e.Name, ".part") {
		return nil
	}
	name, seen := remote.Printable(e.Name), false
	if err := n.Pool.QueryRow(ctx, logSeen, s.ID, name, e.Size, e.Modified).Scan(&seen); err != nil || seen {
		return err
	}
	if e.Size > maxLogBytes {
		return fmt.Errorf("%d bytes are more than a log may have", e.Size)
	}
	var data bytes.Buffer
	got, err := link.Read(path.Join(s.LogDir, e.Name), &data)
	if err != nil {
		return err
	}
	if !authlog.Whole(data.Bytes()) {
		n.Log.WarnContext(ctx, "log of authorizations is not whole yet", slog.String("center", s.Name), slog.String("name", name), slog.Int64("bytes", got.Size))
		return nil
	}
	sum := sha256.Sum256(data.Bytes())
	_, err = n.Pool.Exec(ctx, insertLog, s.ID, name, n.now(), got.Size, got.Modified, sum[:], data.Bytes())
	return err
}

// applyLogs compares the stored logs of a center with the books. One that cannot be read, or has too much that the books do
// not know, is held for a person, and keeps no other waiting.
func (n *Night) applyLogs(ctx context.Context, center int16) error {
	ids, err := n.ids(ctx, `SELECT log_id FROM authorization_logs WHERE center_id = $1 AND state = `+states.Quoted(states.LogFetched)+` ORDER BY log_id`, center)
	if err != nil {
		return err
	}
	var all []error
	for _, id := range ids {
		if err := n.applyLog(ctx, id); err != nil {
			all = append(all, fmt.Errorf("apply log %d: %w", id, err))
		}
	}
	return errors.Join(all...)
}

func (n *Night) applyLog(ctx context.Context, id int64) error {
	var result settle.Reconciled
	done := false
	err := postgres.InTx(ctx, n.Pool, key("log/%d", id), func(tx pgx.Tx) (err error) {
		result, done, err = n.applyIn(ctx, tx, id)
		return err
	})
	var wrong *authlog.Error
	switch {
	case errors.Is(err, settle.ErrTooManyUnknown), errors.Is(err, errLogContent), errors.As(err, &wrong):
		return n.holdLog(ctx, id, err)
	case err == nil && done:
		n.Log.InfoContext(ctx, "log of authorizations compared", slog.Int64("log", id), slog.Int("differences", result.Differences), slog.Int("unknown", result.Unknown))
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
func (n *Night) applyIn(ctx context.Context, tx pgx.Tx, id int64) (r settle.Reconciled, done bool, err error) {
	var source string
	var from, until *time.Time
	var fetched time.Time
	var data []byte
	c := &settle.CenterLog{ID: id}
	if err := tx.QueryRow(ctx, lockLog, id).Scan(&c.Center, &source, &c.Forced, &from, &until, &fetched, &data); err != nil {
		if isNotFound(err) {
			err = nil
		}
		return r, false, err
	}
	if err := long(ctx, tx); err != nil {
		return r, false, err
	}
	l, err := authlog.Parse(data)
	if err != nil {
		return r, false, err
	}
	if err := n.fits(c.Center, l, from, until); err != nil || n.now().Before(l.Until.Add(settle.LogGrace)) {
		return r, false, err
	}
	c.From, c.Until, c.Sure = l.From, l.Until, sureUntil(source, l.Made, fetched)
	for i := range l.Entries {
		c.Approvals = append(c.Approvals, approvalOf(&l.Entries[i]))
	}
	if r, err = n.Reconcile(ctx, tx, c); err != nil {
		return r, false, err
	}
	_, err = tx.Exec(ctx, closeLog, id, n.now(), l.From, l.Until, len(l.Entries), r.Differences, r.Unknown)
	return r, true, err
}

// fits refuses a log that is not about us, or not the one that was asked for.
func (n *Night) fits(center int16, l *authlog.Log, from, until *time.Time) error {
	c, ok := n.Directory.Center(center)
	if !ok {
		return fmt.Errorf("%w: center %d", states.ErrNotFound, center)
	}
	if from != nil && until != nil && (!from.Equal(l.From) || !until.Equal(l.Until)) {
		return fmt.Errorf("%w: it is from %v to %v", errLogContent, l.From, l.Until)
	}
	for _, s := range n.centers {
		if s.ID == c.ID && strings.TrimLeft(l.Member, "0") != strings.TrimLeft(s.Acquirer, "0") {
			return fmt.Errorf("%w: it is for member %s", errLogContent, l.Member)
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
	return made.Add(-settle.LogGrace)
}

var approvalKinds = map[authlog.Kind]settle.Kind{authlog.Authorization: settle.Authorization, authlog.Purchase: settle.Purchase, authlog.Refund: settle.Refund}

func approvalOf(e *authlog.Entry) settle.CenterApproval {
	return settle.CenterApproval{Kind: approvalKinds[e.Kind], Terminal: e.Terminal, Acceptor: e.Acceptor, STAN: e.STAN, RRN: e.RRN, Sent: e.Sent,
		Amount: e.Amount, Reversed: e.Reversed, Approval: e.Approval}
}

// holdLog leaves a log to a person, and pages.
func (n *Night) holdLog(ctx context.Context, id int64, why error) error {
	_, err := n.Pool.Exec(ctx, `UPDATE authorization_logs SET state = `+states.Quoted(states.LogHeld)+`, decided_at = $2, reason = $3 WHERE log_id = $1 AND state = `+states.Quoted(states.LogFetched), id, n.now(), vault.Words(why.Error()))
	n.Log.ErrorContext(ctx, "log of authorizations is held; a person decides", slog.Int64("log", id), slog.Any("error", why))
	return err
}

// ApproveLog lets a held log be compared again, without the limit of approvals that the books do not know: a person has looked.
// One that is not held is ErrState.
func (n *Night) ApproveLog(ctx context.Context, id int64) error {
	tag, err := n.Pool.Exec(ctx, `UPDATE authorization_logs SET state = `+states.Quoted(states.LogFetched)+`, decided_at = NULL, forced = true WHERE log_id = $1 AND state = `+states.Quoted(states.LogHeld), id)
	if err == nil && tag.RowsAffected() == 0 {
		err = fmt.Errorf("%w: log %d is not held", states.ErrState, id)
	}
	return err
}

// AuthorizationLogs returns the newest logs, at most limit. center 0: of all centers.
func (n *Night) AuthorizationLogs(ctx context.Context, center int16, limit int) ([]AuthorizationLog, error) {
	return n.logs(ctx, `WHERE $1 = 0 OR center_id = $1 ORDER BY log_id DESC LIMIT $2`, center, limit)
}

func (n *Night) logs(ctx context.Context, where string, args ...any) ([]AuthorizationLog, error) {
	return collect[AuthorizationLog](ctx, n.Pool, `SELECT log_id, center_id, source, name, state, reason, from_at, until_at, fetched_at, decided_at, entries, differences, unknown
FROM authorization_logs `+where, args...)
}
