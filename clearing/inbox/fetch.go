package inbox

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
)

// Fetch looks into the inbox of a center and stores every reply that is whole and not stored yet: its bytes are
// sealed, hashed and committed before anybody reads them. A reply is whole when its trailer closes it; one that stays without
// for brokenAfter is taken as it is, and will be quarantined. What was stored and decided is removed at a later look, if the
// profile says so and the very same bytes still stand there. One with more bytes than a reply may have is left, and opens a break. Names that are not those of replies are reported once and left
// alone, until a pattern matches them. It returns how many replies it stored. Errors: dial.ErrBusy, dial.ErrParked, *remote.Error.
func (i *Inbox) Fetch(ctx context.Context, center int16) (int, error) {
	s, err := i.site(center)
	if err != nil {
		return 0, err
	}
	if _, err := i.dialer.Parked(ctx, s.Server.Center); err != nil {
		return 0, err
	}
	ctx, release, err := i.dialer.Lease(ctx, "fetch", s.Server.Center)
	if err != nil {
		return 0, err
	}
	defer release()
	link, err := i.dialer.Dial(ctx, s.Server)
	if err != nil {
		return 0, fmt.Errorf("fetch replies of %s: %w", s.Server.Name, err)
	}
	defer func() { _ = link.Close() }()
	entries, err := link.List(ctx, s.Directory)
	if err != nil {
		i.dialer.Failed(ctx, s.Server, err)
		return 0, fmt.Errorf("fetch replies of %s: %w", s.Server.Name, err)
	}
	slices.SortFunc(entries, func(a, b remote.Entry) int { return strings.Compare(a.Name, b.Name) })
	return i.fetchEntries(ctx, s, link, entries)
}

// FetchDue looks into the inbox of a center when it is time to.
func (i *Inbox) FetchDue(ctx context.Context, center int16, now time.Time) (int, error) {
	s, err := i.site(center)
	if err != nil || !s.due(now) {
		return 0, err
	}
	fetched, err := i.Fetch(ctx, center)
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
func (i *Inbox) fetchEntries(ctx context.Context, s *Site, link *remote.Link, entries []remote.Entry) (fetched int, err error) {
	names := make([]string, len(entries))
	for at, e := range entries {
		names[at] = remote.Printable(e.Name)
	}
	before, err := rows.Collect[seen](ctx, i.pool, inboxOf, s.Server.Center, names)
	if err != nil {
		return 0, fmt.Errorf("read inbox of %s: %w", s.Server.Name, err)
	}
	known := make(map[string]seen, len(before))
	for _, b := range before {
		known[b.Name] = b
	}
	var all []error
	left := dial.Left{Server: s.Server, What: "reply", Most: s.MaxBytes}
	for at, e := range entries {
		stored, err := i.fetchEntry(ctx, s, link, e, known[names[at]])
		if stored {
			fetched++
		}
		if errors.Is(err, remote.ErrTooLarge) {
			left.Files = append(left.Files, e)
			continue
		}
		if err == nil {
			continue
		}
		all = append(all, fmt.Errorf("fetch %q of %s: %w", e.Name, s.Server.Name, err))
		if class := remote.ClassOf(err); class == remote.Connection || class == remote.Timeout {
			return fetched, errors.Join(all...) // what else is there, nobody has seen
		}
	}
	return fetched, errors.Join(append(all, i.dialer.TellLeft(ctx, left))...)
}

func (i *Inbox) fetchEntry(ctx context.Context, s *Site, link *remote.Link, e remote.Entry, before seen) (stored bool, err error) {
	if !e.Regular || strings.HasPrefix(e.Name, ".") || strings.HasSuffix(e.Name, ".part") {
		return false, nil
	}
	if !s.Pattern.MatchString(e.Name) {
		return false, i.stranger(ctx, s, e, before)
	}
	if same := before.looksLike(e); same && (before.State == "fetched" || before.State == "duplicate") {
		return i.keepOrRemove(ctx, s, link, e, before)
	}
	return i.fetchNew(ctx, s, link, e, before)
}

// fetchNew stores what stands under a name, if it is whole.
func (i *Inbox) fetchNew(ctx context.Context, s *Site, link *remote.Link, e remote.Entry, before seen) (stored bool, err error) {
	if e.Size > s.MaxBytes {
		return false, remote.ErrTooLarge
	}
	settled := before.looksLike(e) && i.now().Sub(before.SeenAt) >= brokenAfter
	id, err := i.store(ctx, s, link, e, settled)
	switch {
	case errors.Is(err, errNotWhole):
		return false, i.note(ctx, i.pool, s, e, "seen", 0)
	case errors.Is(err, errStored):
		i.replies.WithLabelValues(s.Server.Name, "duplicate").Inc()
		return false, i.note(ctx, i.pool, s, e, "duplicate", id)
	case err != nil:
		return false, err
	}
	i.crash("reply stored")
	i.log.InfoContext(ctx, "reply fetched", slog.String("center", s.Server.Name), slog.String("name", e.Name), slog.Int64("bytes", e.Size), slog.Int64("reply", id))
	return true, nil
}

const checkedInbox = `UPDATE inbox_files SET checked_at = $3 WHERE center_id = $1 AND name = $2`

// keepOrRemove looks after a name whose bytes are stored. One whose reply is applied is removed, if the profile says so, and
// only when exactly the stored bytes stand there at this moment. Other bytes are another reply, whatever size and time say.
func (i *Inbox) keepOrRemove(ctx context.Context, s *Site, link *remote.Link, e remote.Entry, before seen) (stored bool, err error) {
	remove, now := s.Remove && before.Applied, i.now()
	if !remove && !before.dueForCheck(now) {
		return false, nil
	}
	name, hash := path.Join(s.Directory, e.Name), sha256.New()
	if _, err := link.Read(name, remote.AtMost(hash, s.MaxBytes)); err != nil {
		return false, err
	}
	if !bytes.Equal(hash.Sum(nil), before.SHA256) {
		return i.fetchNew(ctx, s, link, e, before)
	}
	if remove {
		return false, link.Remove(name)
	}
	_, err = i.pool.Exec(ctx, checkedInbox, s.Server.Center, remote.Printable(e.Name), now)
	return false, err
}

// stranger reports a name that no reply has, once.
func (i *Inbox) stranger(ctx context.Context, s *Site, e remote.Entry, before seen) error {
	if before.State != "" {
		return nil
	}
	i.strangers.WithLabelValues(s.Server.Name).Inc()
	i.log.WarnContext(ctx, "inbox holds a file that is no reply", slog.String("center", s.Server.Name), slog.String("name", remote.Printable(e.Name)), slog.Int64("bytes", e.Size))
	return i.note(ctx, i.pool, s, e, "ignored", 0)
}
