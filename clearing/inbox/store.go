package inbox

import (
	"context"
	"errors"
	"io"
	"path"

	"settled/clearing/format"
	"settled/clearing/remote"
	"settled/clearing/rows"
	"settled/clearing/store"
	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

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
func (i *Inbox) note(ctx context.Context, q execer, s *Site, e remote.Entry, state string, reply int64) error {
	_, err := q.Exec(ctx, noteInbox, s.Server.Center, remote.Printable(e.Name), e.Size, e.Modified, i.now(), state, reply)
	return err
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
func (i *Inbox) store(ctx context.Context, s *Site, link *remote.Link, e remote.Entry, settled bool) (id int64, err error) {
	err = postgres.InTx(ctx, i.pool, rows.Key("reply/%s/%s", s.Server.Name, e.Name), func(tx pgx.Tx) error {
		if err := rows.LongFar(ctx, tx); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, nextReply).Scan(&id); err != nil {
			return err
		}
		var whole bool
		size, sum, err := store.Write(ctx, tx, i.vault, store.Replies, id, func(_ context.Context, out *store.Cutter) error {
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
		if err := tx.QueryRow(ctx, replyBySum, s.Server.Center, sum[:]).Scan(&earlier); err == nil {
			id = earlier
			return errStored
		} else if !rows.Missing(err) {
			return err
		}
		tag, err := tx.Exec(ctx, insertReply, id, s.Server.Center, remote.Printable(e.Name), size, sum[:], i.now(), e.Modified)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 { // another worker stored it this moment
			return errors.Join(tx.QueryRow(ctx, replyBySum, s.Server.Center, sum[:]).Scan(&id), errStored)
		}
		if err := i.note(ctx, tx, s, e, "fetched", id); err != nil {
			return err
		}
		return i.toApply(ctx, tx, id)
	})
	return id, err
}

// fetchBytes copies a remote reply to out and tells whether its trailer closes it.
func fetchBytes(s *Site, link *remote.Link, name string, out *store.Cutter) (whole bool, err error) {
	r, w := io.Pipe()
	result := make(chan bool, 1)
	go func() {
		result <- closes(s.Reader(r))
		_, _ = io.Copy(io.Discard, r)
	}()
	_, err = link.Read(path.Join(s.Directory, name), remote.AtMost(io.MultiWriter(out, w), s.MaxBytes))
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
