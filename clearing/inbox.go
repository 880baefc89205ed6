package clearing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"settled/clearing/remote"
	"settled/fileformats/ipm"
	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// FetchReplies looks into the inbox of a center and stores every reply that is whole and not stored yet: its bytes are
// sealed, hashed and committed before anybody reads them, and before they are removed at the center. A reply is whole when
// its trailer closes it, or when two looks found it unchanged. Names that are not those of replies are reported once and
// left alone. It returns how many replies it stored. Errors: ErrBusy, ErrParked, *remote.Error.
func (n *Night) FetchReplies(ctx context.Context, center int16) (int, error) {
	s, err := n.station(center)
	if err != nil {
		return 0, err
	}
	if err := n.parked(ctx, s, 0); err != nil {
		return 0, err
	}
	unlock, err := n.sessionLock(ctx, fetchLock, s.ID)
	if err != nil {
		return 0, err
	}
	defer unlock()
	link, err := n.dial(ctx, s)
	if err != nil {
		return 0, fmt.Errorf("fetch replies of %s: %w", s.Name, err)
	}
	defer func() { _ = link.Close() }()
	entries, err := link.List(ctx, s.Inbox)
	if err != nil {
		n.linkError(ctx, s, err)
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
	if errors.Is(err, ErrBusy) || errors.Is(err, ErrParked) {
		return fetched, nil
	}
	return fetched, err
}

// seen is what was found of a name before.
type seen struct {
	Name     string
	Size     int64
	Modified time.Time
	State    string
	Listings int32
}

const inboxOf = `SELECT name, size, modified_at, state, listings FROM inbox_files WHERE center_id = $1 AND name = ANY ($2)`

// fetchEntries goes through a listing. An error with one file does not keep the others from being fetched, unless the
// connection is gone.
func (n *Night) fetchEntries(ctx context.Context, s *station, link *remote.Link, entries []remote.Entry) (fetched int, err error) {
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = printable(e.Name)
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

// printable is a name as it is kept: remote names are data.
func printable(name string) string {
	quoted := strconv.QuoteToASCII(name)
	if len(name) <= 255 && quoted == `"`+name+`"` {
		return name
	}
	return quoted[:min(len(quoted), 255)]
}

func (n *Night) fetchEntry(ctx context.Context, s *station, link *remote.Link, e remote.Entry, before seen) (stored bool, err error) {
	if !e.Regular || strings.HasPrefix(e.Name, ".") || strings.HasSuffix(e.Name, ".part") {
		return false, nil
	}
	if !s.ReplyName.MatchString(e.Name) {
		return false, n.stranger(ctx, s, e, before)
	}
	same := before.Size == e.Size && before.Modified.Equal(e.Modified) && before.State != ""
	if same && before.State != "seen" {
		return false, n.removeFetched(s, link, e.Name)
	}
	if e.Size > s.MaxReplyBytes {
		return false, &remote.Error{Op: "fetch", Class: remote.Other, Err: fmt.Errorf("%d bytes are more than a reply may have", e.Size)}
	}
	id, err := n.store(ctx, s, link, e, same)
	switch {
	case errors.Is(err, errNotWhole):
		return false, n.note(ctx, n.Pool, s, e, "seen", 0)
	case errors.Is(err, errStored):
		n.metrics.replies.WithLabelValues(s.Name, "duplicate").Inc()
		if err := n.note(ctx, n.Pool, s, e, "duplicate", id); err != nil {
			return false, err
		}
		return false, n.removeFetched(s, link, e.Name)
	case err != nil:
		return false, err
	}
	n.crash("reply stored")
	n.Log.InfoContext(ctx, "reply fetched", "center", s.Name, "name", e.Name, "bytes", e.Size, "reply", id)
	return true, n.removeFetched(s, link, e.Name)
}

func (n *Night) removeFetched(s *station, link *remote.Link, name string) error {
	if !s.RemoveReplies {
		return nil
	}
	return link.Remove(path.Join(s.Inbox, name))
}

const noteInbox = `
INSERT INTO inbox_files (center_id, name, size, modified_at, seen_at, state, reply_id) VALUES ($1, $2, $3, $4, $5, $6, nullif($7, 0))
ON CONFLICT (center_id, name) DO UPDATE SET size = excluded.size, modified_at = excluded.modified_at, state = excluded.state,
	reply_id = excluded.reply_id,
	listings = CASE WHEN inbox_files.size = excluded.size AND inbox_files.modified_at = excluded.modified_at THEN inbox_files.listings + 1 ELSE 1 END`

// execer writes: a pool or a transaction.
type execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// note keeps what was seen of a name.
func (n *Night) note(ctx context.Context, q execer, s *station, e remote.Entry, state string, reply int64) error {
	_, err := q.Exec(ctx, noteInbox, s.ID, printable(e.Name), e.Size, e.Modified, n.now(), state, reply)
	return err
}

// stranger reports a name that no reply has, once.
func (n *Night) stranger(ctx context.Context, s *station, e remote.Entry, before seen) error {
	if before.State != "" {
		return nil
	}
	n.metrics.strangers.WithLabelValues(s.Name).Inc()
	n.Log.WarnContext(ctx, "inbox holds a file that is no reply", "center", s.Name, "name", printable(e.Name), "bytes", e.Size)
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

// store fetches one reply into the database, in one transaction. settled tells that the file did not change between two
// looks, so that it is taken even if its end is missing. errStored comes with the id of the reply that has the same bytes.
func (n *Night) store(ctx context.Context, s *station, link *remote.Link, e remote.Entry, settled bool) (id int64, err error) {
	err = postgres.InTx(ctx, n.Pool, key("reply/%s/%s", s.Name, e.Name), func(tx pgx.Tx) error {
		if err := long(ctx, tx); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, nextReply).Scan(&id); err != nil {
			return err
		}
		var whole bool
		size, sum, err := storeChunks(ctx, tx, n.Vault, replyChunks, id, func(ctx context.Context, out *chunker) error {
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
		tag, err := tx.Exec(ctx, insertReply, id, s.ID, printable(e.Name), size, sum[:], n.now(), e.Modified)
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
func fetchBytes(s *station, link *remote.Link, name string, out *chunker) (whole bool, err error) {
	out.messages = func() int64 { return 0 }
	r, w := io.Pipe()
	result := make(chan bool, 1)
	go func() {
		result <- closes(ipm.NewReplyReader(r, s.Format, ipm.Options{}))
		_, _ = io.Copy(io.Discard, r)
	}()
	_, err = link.Read(path.Join(s.Inbox, name), io.MultiWriter(out, w))
	_ = w.Close()
	whole = <-result
	if err != nil {
		return false, err
	}
	return whole, out.flush()
}

// closes reads a reply to its end, whatever single entries are like.
func closes(r *ipm.ReplyReader) bool {
	var entry ipm.Reply
	last := int64(-1)
	for {
		err := r.Read(&entry)
		var at *ipm.Error
		switch {
		case errors.Is(err, io.EOF):
			return true
		case err == nil:
			continue
		case !errors.As(err, &at) || at.Record == last: // an error of the framing is returned again by each call
			return false
		}
		last = at.Record
	}
}
