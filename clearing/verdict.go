package clearing

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"settled/clearing/delivery"
	"settled/clearing/files"
	"settled/clearing/rows"
	"settled/clearing/states"
	"settled/internal/postgres"
	"settled/settle/breaks"
	"settled/settle/totals"
	"settled/settle/verdict"

	"github.com/jackc/pgx/v5"
)

// judged is a reply and what it decides about a batch.
type judged struct {
	batch   Batch // as its file has it
	file    files.File
	content *content
	verdict verdict.Verdict
}

// maxUnknown is how many refusals of messages that we never sent a reply may hold and still be applied.
const maxUnknown = 100

// judge computes the verdict, and refuses a reply whose accepted and rejected records are not together what was sent, to
// the record and to the minor unit.
func (n *Night) judge(ctx context.Context, s *station, reply Reply, b Batch, f files.File, c *content) (*judged, error) {
	j := &judged{file: f, content: c, verdict: verdict.Verdict{Reply: reply.ID,
		Batch: verdict.Batch{ID: b.ID, Window: b.Window, Center: s.ID, Currency: b.Currency}}}
	unknown, err := n.readVerdict(ctx, s, b, j)
	if err != nil {
		return nil, err
	}
	b = j.batch
	refused := verdict.SumOf(j.verdict.Refused)
	trailer := int64(len(c.exceptions) + 2)
	switch rest := b.Sum.Minus(refused); {
	case c.currency != 0 && c.currency != b.Currency:
		return nil, refuse(trailer, "accounts in %v, the file was in %v", c.currency, b.Currency)
	case rest != c.accepted:
		return nil, refuse(trailer, "sent %v; rejected %v; accepted should be %v, the reply says %v", b.Sum, refused, rest, c.accepted)
	case len(unknown) > maxUnknown:
		return nil, refuse(int64(unknown[maxUnknown].line), "refuses %d messages that we never sent", len(unknown))
	case !reply.Forced && s.MaxRejects > 0 && float64(refused.Records()) > s.MaxRejects*float64(b.Records()):
		return nil, refuse(trailer, "rejects %d of %d records: more than usual, a person must agree", refused.Records(), b.Records())
	}
	for _, x := range unknown {
		note := fmt.Sprintf("line %d of %s refuses message %d of %s (%s), which is no record of ours", x.line, reply.Name, x.message, f.Name, c.codes[x.code])
		j.verdict.Unknown = append(j.verdict.Unknown, verdict.Unknown{Line: int32(x.line), Note: note})
	}
	return j, nil
}

// readVerdict reads what was sent, which records of it the reply refuses, and under which contracts they were born. It returns the
// refusals of what was not sent.
func (n *Night) readVerdict(ctx context.Context, s *station, b Batch, j *judged) (unknown []exception, err error) {
	v := &j.verdict
	if v.Refused, unknown, err = n.resolve(ctx, s, b, j.file, j.content); err != nil {
		return nil, err
	}
	var out totals.Sum
	if v.Sent, out, err = verdict.Sent(ctx, n.Pool, v.Batch, j.file.ID); err != nil {
		return nil, err
	}
	j.batch = b
	j.batch.Sum = b.Sum.Minus(out)
	if v.Contracts, err = n.Directory.ContractsOf(ctx, n.Pool, b.ID, s.ID); err != nil {
		return nil, err
	}
	for _, t := range v.Sent {
		if _, ok := v.Contracts[t.Key().ContractKey]; !ok {
			return nil, fmt.Errorf("%w: merchant %d at %s", ErrContract, t.Merchant, s.Name)
		}
	}
	return unknown, nil
}

var (
	lockSent = files.Select + `
WHERE file_id = $1 AND (attempts > 0 OR proof = 'person' OR EXISTS (SELECT FROM file_resends r WHERE r.file_id = $1))
	AND ` + states.AnswerFile.May() + ` FOR NO KEY UPDATE`
	replyBatch = `UPDATE batches SET ` + states.AnswerBatch.Set() + `, replied_at = $2, reply_id = $3 WHERE batch_id = $1 AND ` + states.AnswerBatch.May()
	replyFile  = `
UPDATE files SET ` + states.AnswerFile.Set() + `, delivered_at = coalesce(delivered_at, $2), proof = CASE proof WHEN '' THEN 'reply' ELSE proof END,
	token = '', frozen = false, unknown_since = NULL, last_error = '', error_class = '' WHERE file_id = $1`
)

// applyVerdict writes a verdict in one transaction: the reply's row is the guard, so it happens once.
func (n *Night) applyVerdict(ctx context.Context, s *station, reply Reply, j *judged, hash []byte) error {
	now, refused := n.now(), len(j.verdict.Refused)
	d := decision{step: states.TakeReply, file: &j.file.ID, logicalID: j.content.header.ID, content: hash,
		accepted: int(j.batch.Records()) - refused, rejected: refused, unknown: len(j.verdict.Unknown)}
	applied := false
	err := postgres.InTx(ctx, n.Pool, rows.Key("reply/%d/apply", reply.ID), func(tx pgx.Tx) error {
		applied = false
		if err := rows.Long(ctx, tx); err != nil {
			return err
		}
		if mine, err := d.write(ctx, tx, reply.ID, now); !mine || err != nil {
			return err
		}
		if err := n.closeBatch(ctx, tx, j, reply.ID, now); err != nil {
			return err
		}
		applied = true
		return j.verdict.Apply(ctx, tx, n.Ledger, now)
	})
	if err == nil && applied {
		n.reportVerdict(ctx, s, reply, j)
	}
	return err
}

func (n *Night) closeBatch(ctx context.Context, tx pgx.Tx, j *judged, reply int64, now time.Time) error {
	if _, err := files.One(ctx, tx, lockSent, j.file.ID); rows.Missing(err) {
		return errRaced
	} else if err != nil {
		return fmt.Errorf("lock file %s: %w", j.file.Name, err)
	}
	tag, err := tx.Exec(ctx, replyBatch, j.batch.ID, now, reply)
	if err != nil {
		return err
	}
	if tag.RowsAffected() != 1 {
		return errRaced
	}
	if _, err := tx.Exec(ctx, replyFile, j.file.ID, now); err != nil {
		return err
	}
	return breaks.Close(ctx, tx, now, breaks.Where{Under: delivery.OverdueOf(j.file.ID)}, "")
}

func (n *Night) reportVerdict(ctx context.Context, s *station, reply Reply, j *judged) {
	accepted := j.batch.Records() - int64(len(j.verdict.Refused))
	n.metrics.replies.WithLabelValues(s.Name, string(states.ReplyApplied)).Inc()
	n.metrics.records.WithLabelValues(s.Name, "accepted", "").Add(float64(accepted))
	for _, r := range j.verdict.Refused {
		n.metrics.records.WithLabelValues(s.Name, "rejected", r.Class).Inc()
	}
	if len(j.verdict.Unknown) > 0 {
		n.page(ctx, s, pageUnknownRecords, "reply", reply.Name, "lines", len(j.verdict.Unknown))
	}
	n.Log.InfoContext(ctx, "reply applied", slog.String("center", s.Name), slog.String("name", reply.Name), slog.String("file", j.file.Name), slog.Int64("accepted", accepted), slog.Int("rejected", len(j.verdict.Refused)))
}
