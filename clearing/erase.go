package clearing

import (
	"context"
	"fmt"
	"time"

	"settled/clearing/rows"
	"settled/clearing/states"
	"settled/clearing/store"
	"settled/internal/postgres"
	"settled/settle/retention"

	"github.com/jackc/pgx/v5"
)

// chunksAtOnce is how many chunks one transaction deletes, about a megabyte each.
const chunksAtOnce = 64

// erasing is a sweep over files or replies: it marks them, and deletes their bytes. All else of them stays.
type erasing struct {
	name    retention.Name
	chunks  store.Table
	due     string // FROM: rows x with number id, at, bytes, erased_at and why, before $1
	mark    string // marks row $1 at $2, if it still stands where it is not needed
	missing string // that chunks of x are left
}

// fileStanding tells why the bytes of a file f of a batch b are not erased, that of which $1 is the end. A file is of use until the verdict on its batch,
// and whenever it is sent again.
var fileStanding = `CASE
	WHEN greatest(f.built_at, f.delivered_at, b.replied_at, (SELECT max(r.at) FROM file_resends r WHERE r.file_id = f.file_id)) >= $1 THEN 'later'
	WHEN f.frozen OR f.state NOT IN ` + states.In(states.FileReplied, states.FileRejected) + ` THEN 'open'
	WHEN b.state <> ` + states.Quoted(states.BatchReplied) + ` THEN 'clearing'
	ELSE '' END`

// replyStanding tells the same of a reply r. One that is in quarantine waits for a person.
var replyStanding = `CASE
	WHEN r.decided_at >= $1 THEN 'later'
	WHEN r.state NOT IN ` + states.In(states.ReplyApplied, states.ReplyDuplicate) + ` THEN 'open'
	ELSE '' END`

// Sweeps erase the bytes of files and replies when their time is over.
func (n *Night) Sweeps() []retention.Sweep {
	return []retention.Sweep{
		&erasing{name: retention.Name{Class: retention.Files, Subject: "files"}, chunks: store.Files,
			due: `(SELECT f.file_id AS id, f.built_at AS at, f.bytes, f.erased_at, ` + fileStanding + ` AS why FROM files f JOIN batches b USING (batch_id)
				WHERE f.built_at < $1) x`,
			mark: `UPDATE files SET erased_at = coalesce(erased_at, $2) WHERE file_id = $1 AND NOT frozen AND state IN ` +
				states.In(states.FileReplied, states.FileRejected),
			missing: `EXISTS (SELECT FROM file_chunks c WHERE c.file_id = x.id)`},
		&erasing{name: retention.Name{Class: retention.Replies, Subject: "replies"}, chunks: store.Replies,
			due: `(SELECT r.reply_id AS id, r.fetched_at AS at, r.bytes, r.erased_at, ` + replyStanding + ` AS why FROM replies r
				WHERE r.fetched_at < $1) x`,
			mark: `UPDATE replies SET erased_at = coalesce(erased_at, $2) WHERE reply_id = $1 AND state IN ` +
				states.In(states.ReplyApplied, states.ReplyDuplicate),
			missing: `EXISTS (SELECT FROM reply_chunks c WHERE c.reply_id = x.id)`},
	}
}

// Name implements retention.Sweep.
func (e *erasing) Name() retention.Name { return e.name }

func (e *erasing) left() string { return `(x.erased_at IS NULL OR ` + e.missing + `)` }

// Look implements retention.Sweep.
func (e *erasing) Look(ctx context.Context, q postgres.Querier, s retention.Span, _ time.Time) ([]retention.Standing, error) {
	all, err := rows.Collect[retention.Standing](ctx, q, `
SELECT why, count(*), coalesce(sum(bytes), 0)::bigint, min(at) FROM `+e.due+` WHERE at >= $2 AND `+e.left()+` GROUP BY why ORDER BY why`, s.Before, s.From)
	if err != nil {
		return nil, fmt.Errorf("look at %s: %w", e.name.Subject, err)
	}
	return all, nil
}

// Next implements retention.Sweep.
func (e *erasing) Next(ctx context.Context, q postgres.Querier, s retention.Span, after retention.Key, limit int) ([]retention.Key, error) {
	found, err := q.Query(ctx, `SELECT at, id FROM `+e.due+` WHERE at >= $2 AND id > $3 AND `+e.left()+` ORDER BY id LIMIT $4`, s.Before, s.From, after.ID, limit)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", e.name.Subject, err)
	}
	return pgx.CollectRows(found, func(row pgx.CollectableRow) (k retention.Key, err error) {
		err = row.Scan(&k.At, &k.ID)
		return k, err
	})
}

// Erase implements retention.Sweep: as many of the rows as one transaction may delete the chunks of.
func (e *erasing) Erase(ctx context.Context, tx pgx.Tx, s retention.Span, keys []retention.Key, now time.Time) (b retention.Batch, err error) {
	for room := chunksAtOnce; room > 0; {
		id, size, err := e.first(ctx, tx, s, keys)
		if rows.Missing(err) {
			b.Left, err = e.standing(ctx, tx, s, keys)
			return b, err
		}
		if err != nil {
			return b, err
		}
		deleted, whole, err := e.erase(ctx, tx, id, room, now)
		if err != nil {
			return b, fmt.Errorf("erase %s %d: %w", e.name.Subject, id, err)
		}
		room -= max(deleted, 1)
		if whole {
			b.Erased, b.Bytes = b.Erased+1, b.Bytes+size
		}
	}
	b.Again = true
	return b, nil
}

// first is the first of the rows that is to be erased, or of which something is left.
func (e *erasing) first(ctx context.Context, tx pgx.Tx, s retention.Span, keys []retention.Key) (id, size int64, err error) {
	err = tx.QueryRow(ctx, `SELECT id, coalesce(bytes, 0) FROM `+e.due+` WHERE id = ANY ($2) AND why = '' AND `+e.left()+` ORDER BY id LIMIT 1`,
		s.Before, numbersOf(keys)).Scan(&id, &size)
	return id, size, err
}

// standing tells how those stand that are not erased.
func (e *erasing) standing(ctx context.Context, tx pgx.Tx, s retention.Span, keys []retention.Key) ([]retention.Standing, error) {
	return rows.Collect[retention.Standing](ctx, tx, `
SELECT why, count(*), coalesce(sum(bytes), 0)::bigint, min(at) FROM `+e.due+` WHERE id = ANY ($2) AND `+e.left()+` GROUP BY why`, s.Before, numbersOf(keys))
}

// erase marks a row and deletes up to room of its chunks. The mark locks the row: one that is sent again at this instant is not marked, or was before.
func (e *erasing) erase(ctx context.Context, tx pgx.Tx, id int64, room int, now time.Time) (deleted int, whole bool, err error) {
	tag, err := tx.Exec(ctx, e.mark, id, now)
	if err != nil || tag.RowsAffected() == 0 {
		return 0, false, err
	}
	return e.chunks.Erase(ctx, tx, id, room)
}

func numbersOf(keys []retention.Key) []int64 {
	all := make([]int64, len(keys))
	for i, k := range keys {
		all[i] = k.ID
	}
	return all
}
