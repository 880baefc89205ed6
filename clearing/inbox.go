package clearing

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path"
	"slices"
	"strings"
	"time"

	"settled/clearing/dial"
	"settled/clearing/format"
	"settled/clearing/remote"
	"settled/clearing/states"
	"settled/clearing/store"
	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// FetchReplies looks into the inbox of a center and stores every reply that is whole and not stored yet: its bytes are
// sealed, hashed and committed before anybody reads them. A reply is whole when its trailer closes it; one that stays without
// for brokenAfter is taken as it is, and will be quarantined. What was stored and decided is removed at a later look, if the
// profile says so and the very same bytes still stand there. Names that are not those of replies are reported once and left
// alone, until a pattern matches them. It returns how many replies it stored. Errors: ErrBusy, ErrParked, *remote.Error.
func (n *Night) FetchReplies(ctx context.Context, center int16) (int, error) {
	s, err := n.station(center)
	if err != nil {
		return 0, err
	}
	if _, err := n.dialer.Parked(ctx, s.ID); err != nil {
		return 0, err
	}
	ctx, release, err := n.dialer.Lease(ctx, "fetch", s.ID)
	if err != nil {
		return 0, err
	}
	defer release()
	link, err := n.dialer.Dial(ctx, s.server())
	if err != nil {
		return 0, fmt.Errorf("fetch replies of %s: %w", s.Name, err)
	}
	defer func() { _ = link.Close() }()
	entries, err := link.List(ctx, s.Inbox)
	if err != nil {
		n.dialer.Failed(ctx, s.server(), err)
		return 0, fmt.Errorf("fetch replies of %s: %w", s.Name, err)
	}
	slices.SortFunc(entries, func(a, b remote.Entry) int { return strings.Compare(a.Name, b.Name) })
	return n.fetchEntries(ctx, s, link, entries)
}

// fetchCenter looks into the inbox when it is time to.
func (n *Night) fetchCenter(ctx context.Context, s *station, now time.Time) (int, error) {
	s.mu.Lock()
	recent := !s.polled.IsZero() && now.Sub(s.polled).Abs() < s.PollEvery
	if !recent {
		s.polled = now
	}
	s.mu.Unlock()
	if recent {
		return 0, nil
	}
	fetched, err := n.FetchReplies(ctx, s.ID)
	if errors.Is(err, dial.ErrBusy) || errors.Is(err, dial.ErrParked) {
		return fetched, nil
	}
	return fetched, err
}

// brokenAfter is how long a reply must stand unchanged without its end to be taken for broken instead of half written.
const brokenAfter = 15 * time.Minute

// seen is what was found of a name before.
type seen struct {
	Name      string
	Size      int64
	Modified  time.Time
	State     string // seen, fetched, duplicate, ignored
	SeenAt    time.Time
	CheckedAt *time.Time
	SHA256    []byte // of the reply that was stored
	Applied   bool   // that reply is applied, or says what was applied
}

var inboxOf = `
SELECT i.name, i.size, i.modified_at, i.state, i.seen_at, i.checked_at, r.sha256, coalesce(r.state IN ` + states.In(states.ReplyApplied, states.ReplyDuplicate) + `, false)
FROM inbox_files i LEFT JOIN replies r USING (reply_id) WHERE i.center_id = $1 AND i.name = ANY ($2)`

func (b seen) looksLike(e remote.Entry) bool {
	return b.State != "" && b.Size == e.Size && b.Modified.Equal(e.Modified)
}

// dueForCheck tells that the bytes under a name are to be compared again with those stored, although size and time are the
// same: times are of whole seconds, and may be set. It is due at once, and then each time that the age has doubled.
func (b seen) dueForCheck(now time.Time) bool {
	return b.CheckedAt == nil || now.Sub(b.SeenAt) >= 2*max(b.CheckedAt.Sub(b.SeenAt), 0)
}

// fetchEntries goes through a listing. An error with one file does not keep the others from being fetched, unless the
// connection is gone.
func (n *Night) fetchEntries(ctx context.Context, s *station, link *remote.Link, entries []remote.Entry) (fetched int, err error) {
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = remote.Printable(e.Name)
	}
	before, err := collect[seen](ctx, n.Pool, inboxOf, s.ID, names)
	if err != nil {
		return 0, fmt.Errorf("read inbox of %s: %w", s.Name, err)
	}
	known := make(map[string]seen, len(before))
	for _, b := range before {
		known[b.Name] = b
	}
	var all []error
	for i, e := range entries {
		stored, err := n.fetchEntry(ctx, s, link, e, known[names[i]])
		if stored {
			fetched++
		}
		if err == nil {
			continue
		}
		all = append(all, fmt.Errorf("fetch %q of %s: %w", e.Name, s.Name, err))
		if class := remote.ClassOf(err); class == remote.Connection || class == remote.Timeout {
			break
		}
	}
	return fetched, errors.Join(all...)
}

func (n *Night) fetchEntry(ctx context.Context, s *station, link *remote.Link, e remote.Entry, before seen) (stored bool, err error) {
	if !e.Regular || strings.HasPrefix(e.Name, ".") || strings.HasSuffix(e.Name, ".part") {
		return false, nil
	}
	if !s.ReplyName.MatchString(e.Name) {
		return false, n.stranger(ctx, s, e, before)
	}
	if same := before.looksLike(e); same && (before.State == "fetched" || before.State == "duplicate") {
		return n.keepOrRemove(ctx, s, link, e, before)
	}
	return n.fetchNew(ctx, s, link, e, before)
}

// fetchNew stores what stands under a name, if it is whole.
func (n *Night) fetchNew(ctx context.Context, s *station, link *remote.Link, e remote.Entry, before seen) (stored bool, err error) {
	if e.Size > s.MaxReplyBytes {
		return false, tooLarge(s)
	}
	settled := before.looksLike(e) && n.now().Sub(before.SeenAt) >= brokenAfter
	id, err := n.store(ctx, s, link, e, settled)
	switch {
	case errors.Is(err, errNotWhole):
		return false, n.note(ctx, n.Pool, s, e, "seen", 0)
	case errors.Is(err, errStored):
		n.metrics.replies.WithLabelValues(s.Name, "duplicate").Inc()
		return false, n.note(ctx, n.Pool, s, e, "duplicate", id)
	case err != nil:
		return false, err
	}
	n.crash("reply stored")
	n.Log.InfoContext(ctx, "reply fetched", slog.String("center", s.Name), slog.String("name", e.Name), slog.Int64("bytes", e.Size), slog.Int64("reply", id))
	return true, nil
}

func tooLarge(s *station) error {
	return &remote.Error{Op: "fetch", Class: remote.Other, Err: fmt.Errorf("more than the %d bytes that a reply may have", s.MaxReplyBytes)}
}

const checkedInbox = `UPDATE inbox_files SET checked_at = $3 WHERE center_id = $1 AND name = $2`

// keepOrRemove looks after a name whose bytes are stored. One whose reply is applied is removed, if the profile says so, and
// only when exactly the stored bytes stand there at this moment. Other bytes are another reply, whatever size and time say.
func (n *Night) keepOrRemove(ctx context.Context, s *station, link *remote.Link, e remote.Entry, before seen) (stored bool, err error) {
	remove, now := s.RemoveReplies && before.Applied, n.now()
	if !remove && !before.dueForCheck(now) {
		return false, nil
	}
	name, hash := path.Join(s.Inbox, e.Name), sha256.New()
	if _, err := link.Read(name, &limited{w: hash, left: s.MaxReplyBytes}); err != nil {
		return false, err
	}
	if !bytes.Equal(hash.Sum(nil), before.SHA256) {
		return n.fetchNew(ctx, s, link, e, before)
	}
	if remove {
		return false, link.Remove(name)
	}
	_, err = n.Pool.Exec(ctx, checkedInbox, s.ID, remote.Printable(e.Name), now)
	return false, err
}

// errTooLong ends the reading of a file that is larger than its server said.
var errTooLong = errors.New("clearing: more bytes than a reply may have")

// limited is a writer that takes no more than left bytes.
type limited struct {
	w    io.Writer
	left int64
}

// Write implements io.Writer.
func (l *limited) Write(p []byte) (int, error) {
	if l.left -= int64(len(p)); l.left < 0 {
		return 0, errTooLong
	}
	return l.w.Write(p)
}

// noteInbox: seen_at is when these bytes were first seen as they are now, and checks begin anew with it.
const noteInbox = `
INSERT INTO inbox_files AS i (center_id, name, size, modified_at, seen_at, state, reply_id) VALUES ($1, $2, $3, $4, $5, $6, nullif($7, 0))
ON CONFLICT (center_id, name) DO UPDATE SET size = excluded.size, modified_at = excluded.modified_at, state = excluded.state,
	reply_id = excluded.reply_id, checked_at = NULL,
	seen_at = CASE WHEN (i.size, i.modified_at, i.reply_id) IS NOT DISTINCT FROM (excluded.size, excluded.modified_at, excluded.reply_id) THEN i.seen_at ELSE excluded.seen_at END,
	listings = CASE WHEN (i.size, i.modified_at) = (excluded.size, excluded.modified_at) THEN i.listings + 1 ELSE 1 END`

// execer writes: a pool or a transaction.
type execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// note keeps what was seen of a name.
func (n *Night) note(ctx context.Context, q execer, s *station, e remote.Entry, state string, reply int64) error {
	_, err := q.Exec(ctx, noteInbox, s.ID, remote.Printable(e.Name), e.Size, e.Modified, n.now(), state, reply)
	return err
}

// stranger reports a name that no reply has, once.
func (n *Night) stranger(ctx context.Context, s *station, e remote.Entry, before seen) error {
	if before.State != "" {
		return nil
	}
	n.metrics.strangers.WithLabelValues(s.Name).Inc()
	n.Log.WarnContext(ctx, "inbox holds a file that is no reply", slog.String("center", s.Name), slog.String("name", remote.Printable(e.Name)), slog.Int64("bytes", e.Size))
	return n.note(ctx, n.Pool, s, e, "ignored", 0)
}

var (
	errNotWhole = errors.New("clearing: reply is not whole yet")
	errStored   = errors.New("clearing: reply is stored already")
)

const (
	nextReply   = `SELECT nextval(pg_get_serial_sequence('replies', 'reply_id'))`
	replyBySum  = `SELECT reply_id FROM replies WHERE center_id = $1 AND sha256 = $2`
	insertReply = `
INSERT INTO replies (reply_id, center_id, name, bytes, sha256, fetched_at, written_at) OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (center_id, sha256) DO NOTHING`
)

// store fetches one reply into the database, in one transaction. settled tells that the file has not changed for long, so
// that it is taken even if its end is missing. errStored comes with the id of the reply that has the same bytes.
func (n *Night) store(ctx context.Context, s *station, link *remote.Link, e remote.Entry, settled bool) (id int64, err error) {
	err = postgres.InTx(ctx, n.Pool, key("reply/%s/%s", s.Name, e.Name), func(tx pgx.Tx) error {
		if err := longFar(ctx, tx); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, nextReply).Scan(&id); err != nil {
			return err
		}
		var whole bool
		size, sum, err := store.Write(ctx, tx, n.Vault, store.Replies, id, func(_ context.Context, out *store.Cutter) error {
			whole, err = fetchBytes(s, link, e.Name, out)
			return err
		})
		if err != nil {
			return err
		}
		if !whole && !settled {
			return errNotWhole
		}
		var earlier int64
		if err := tx.QueryRow(ctx, replyBySum, s.ID, sum[:]).Scan(&earlier); err == nil {
			id = earlier
			return errStored
		} else if !isNotFound(err) {
			return err
		}
		tag, err := tx.Exec(ctx, insertReply, id, s.ID, remote.Printable(e.Name), size, sum[:], n.now(), e.Modified)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 { // another worker stored it this moment
			return errors.Join(tx.QueryRow(ctx, replyBySum, s.ID, sum[:]).Scan(&id), errStored)
		}
		if err := n.note(ctx, tx, s, e, "fetched", id); err != nil {
			return err
		}
		return n.Enqueue(ctx, tx, JobApply, id)
	})
	return id, err
}

// fetchBytes copies a remote reply to out and tells whether its trailer closes it.
func fetchBytes(s *station, link *remote.Link, name string, out *store.Cutter) (whole bool, err error) {
	r, w := io.Pipe()
	result := make(chan bool, 1)
	go func() {
		result <- closes(s.Format.NewReplyReader(r))
		_, _ = io.Copy(io.Discard, r)
	}()
	_, err = link.Read(path.Join(s.Inbox, name), &limited{w: io.MultiWriter(out, w), left: s.MaxReplyBytes})
	_ = w.Close()
	whole = <-result
	if err != nil {
		return false, err
	}
	return whole, out.Flush()
}

// closes reads a reply to its end, whatever single entries are like.
func closes(r format.ReplyReader) bool {
	var entry format.Entry
	for {
		err := r.Read(&entry)
		var at *format.SyntaxError
		switch {
		case errors.Is(err, io.EOF):
			return true
		case err != nil && (!errors.As(err, &at) || at.Final):
			return false
		}
	}
}
