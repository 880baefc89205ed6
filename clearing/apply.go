package clearing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"settled/clearing/files"
	"settled/clearing/rows"
	"settled/clearing/states"
	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// A stored reply is applied as a whole and exactly once, or quarantined.

var repliesToDo = `SELECT reply_id FROM replies WHERE center_id = $1 AND state = ` + states.Quoted(states.ReplyFetched) + ` ORDER BY reply_id`

// ApplyReplies applies every reply that is stored and not decided, in order of arrival. A reply that cannot be applied is
// quarantined and does not stop the others. It returns how many it decided.
func (n *Night) ApplyReplies(ctx context.Context, now time.Time) (int, error) {
	return n.each(ctx, now, n.applyCenter)
}

func (n *Night) applyCenter(ctx context.Context, s *station, _ time.Time) (int, error) {
	ids, err := n.repliesDue(ctx, s)
	if err != nil {
		return 0, err
	}
	decided := 0
	var all []error
	for _, id := range ids {
		if err := n.ApplyReply(ctx, id); err != nil {
			all = append(all, err)
			continue
		}
		decided++
	}
	return decided, errors.Join(all...)
}

// repliesDue are those that are stored and not decided, in order of arrival.
func (n *Night) repliesDue(ctx context.Context, s *station) ([]int64, error) {
	ids, err := rows.Column[int64](ctx, n.Pool, repliesToDo, s.ID)
	if err != nil {
		return nil, fmt.Errorf("read replies to apply: %w", err)
	}
	return ids, nil
}

// ApplyReply reads a stored reply and does what it says, exactly once: the verdict on a batch, or the refusal of a file.
// What it cannot apply as a whole it quarantines, with line and reason, and changes nothing else. A reply that is decided
// stays as it is. The error is about us (database, vault, configuration), never about the reply.
func (n *Night) ApplyReply(ctx context.Context, id int64) error {
	reply, err := rows.One[Reply](ctx, n.Pool, selectReply+`WHERE reply_id = $1`, id)
	if err != nil {
		return fmt.Errorf("apply reply %d: %w", id, err)
	}
	s, err := n.station(reply.Center)
	if err != nil {
		return fmt.Errorf("apply reply %d: %w", id, err)
	}
	for range maxRaces {
		if err = n.applyOnce(ctx, s, reply); !errors.Is(err, errRaced) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("apply reply %s of %s: %w", reply.Name, s.Name, err)
	}
	return nil
}

// maxRaces is how often a reply is judged at most, see errRaced.
const maxRaces = 4

// applyOnce judges a reply by what stands now. One that somebody else has decided, before or meanwhile, is left without a
// word.
func (n *Night) applyOnce(ctx context.Context, s *station, reply Reply) error {
	if reply.State != states.ReplyFetched {
		return nil
	}
	started := n.now()
	err := n.apply(ctx, s, reply)
	var refused *refusal
	if errors.As(err, &refused) {
		err = n.quarantine(ctx, s, reply, refused)
	}
	if err == nil {
		n.metrics.phase(s.Name, "reply", n.now().Sub(started))
	}
	return err
}

func (n *Night) apply(ctx context.Context, s *station, reply Reply) error {
	c, err := n.readContent(ctx, s, reply.ID)
	if err != nil {
		return err
	}
	if want := s.Format.Mode(); c.header.Mode != want {
		return refuse(1, "processing mode is %c, not %c: test data and real data do not mix", c.header.Mode, want)
	}
	n.crash("reply read")
	f, err := n.answered(ctx, s, reply, c)
	if err != nil {
		return err
	}
	b, err := readBatch(ctx, n.Pool, f.Batch)
	if err != nil {
		return err
	}
	content := c.hash()
	if decided, err := n.decidedBefore(ctx, s, reply, c, f, b, content); decided || err != nil {
		return err
	}
	if c.reject != nil {
		return n.applyFileReject(ctx, s, reply, c, f, content)
	}
	j, err := n.judge(ctx, s, reply, b, f, c)
	if err != nil {
		return err
	}
	return n.applyVerdict(ctx, s, reply, j, content)
}

func (n *Night) quarantine(ctx context.Context, s *station, reply Reply, r *refusal) error {
	mine, err := n.decide(ctx, s, reply, states.QuarantineReply, r.line, r.reason, nil, nil, nil)
	if err == nil && mine {
		n.page(ctx, s, pageReplyQuarantined, "reply", reply.Name, "line", r.line, "reason", r.reason)
	}
	return err
}

var reconsider = `
UPDATE replies SET ` + states.ReconsiderReply.Set() + `, decided_at = NULL, reason = '', line = 0, forced = $2 WHERE reply_id = $1 AND ` + states.ReconsiderReply.May()

// Reconsider lets a quarantined reply be applied again, after a person has looked; force lets it through the limit of
// rejects, and lets it answer the newest delivery where it could be a late word about an earlier one.
func (n *Night) Reconsider(ctx context.Context, reply int64, force bool) error {
	return postgres.InTx(ctx, n.Pool, rows.Key("reply/%d/reconsider", reply), func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, reconsider, reply, force)
		if err == nil && tag.RowsAffected() != 1 {
			err = fmt.Errorf("%w: reply %d is not quarantined", states.ErrState, reply)
		}
		if err == nil {
			err = n.Enqueue(ctx, tx, JobApply, reply)
		}
		return err
	})
}

var (
	rejectFile = `
UPDATE files SET ` + states.RefuseFile.Set() + `, error_class = 'rejected', last_error = $2, token = '', frozen = false, unknown_since = NULL,
	delivered_at = coalesce(delivered_at, $3), proof = CASE proof WHEN '' THEN 'reply' ELSE proof END
WHERE file_id = $1 AND ` + states.RefuseFile.May()
	provenByReply = `
UPDATE files SET state = ` + files.ProvenState + `, proof = 'reply', delivered_at = $2, token = '', frozen = false, unknown_since = NULL, last_error = ''
WHERE file_id = $1 AND ` + states.VouchForFile.May()
	nackBatch = `UPDATE batches SET ` + states.RefuseBatch.Set() + ` WHERE batch_id = $1 AND ` + states.RefuseBatch.May()
)

// applyFileReject takes note that a file was refused whole: nothing is posted, the batch waits for a new build. When the
// center says that it has processed the identical file, the refusal proves the delivery instead. errRaced tells that
// another reply decided the file meanwhile: tried again, the refusal is a repeat or a contradiction.
func (n *Night) applyFileReject(ctx context.Context, s *station, reply Reply, c *content, f files.File, content []byte) error {
	now := n.now()
	code := c.codes[c.reject.code]
	d := decision{step: states.TakeReply, file: &f.ID, logicalID: c.header.ID, content: content, reason: "file refused: " + code}
	duplicate := s.saysDuplicate(c.reject.raw)
	if duplicate {
		d.reason, d.step = "the center has processed the file before: "+code, states.RepeatReply
	}
	mine := false
	err := postgres.InTx(ctx, n.Pool, rows.Key("reply/%d/apply", reply.ID), func(tx pgx.Tx) error {
		var err error
		if mine, err = d.write(ctx, tx, reply.ID, now); !mine || err != nil {
			return err
		}
		if duplicate {
			_, err := tx.Exec(ctx, provenByReply, f.ID, now)
			return err
		}
		if tag, err := tx.Exec(ctx, rejectFile, f.ID, d.reason, now); err != nil || tag.RowsAffected() != 1 {
			return errors.Join(err, errRaced)
		}
		return nack(ctx, tx, f.Batch)
	})
	if err != nil || !mine {
		return err
	}
	n.metrics.replies.WithLabelValues(s.Name, string(d.step.Into)).Inc()
	if !duplicate {
		n.page(ctx, s, pageFileRejected, "file", f.Name, "code", code)
	}
	return nil
}

func nack(ctx context.Context, tx pgx.Tx, batch int64) error {
	tag, err := tx.Exec(ctx, nackBatch, batch)
	if err == nil && tag.RowsAffected() != 1 {
		err = errRaced
	}
	return err
}
