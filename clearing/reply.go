package clearing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"settled/internal/postgres"
	"settled/internal/vault"
	"settled/settle/breaks"

	"github.com/jackc/pgx/v5"
)

// Reply is a file of a center, stored as it came.
type Reply struct {
	ID        int64      `json:"reply"`
	Center    int16      `json:"center"`
	Name      string     `json:"name"`
	Bytes     int64      `json:"bytes"`
	SHA256    Digest     `json:"sha256"`
	LogicalID string     `json:"file_id"`
	State     ReplyState `json:"state"`
	Reason    string     `json:"reason,omitempty"`
	Line      int64      `json:"line,omitempty"` // record of the reply that the reason is about
	File      *int64     `json:"answers,omitempty"`
	Accepted  int32      `json:"accepted"`
	Rejected  int32      `json:"rejected"`
	Unknown   int32      `json:"unknown"` // refusals of messages that we never sent
	Forced    bool       `json:"forced,omitempty"`
	FetchedAt time.Time  `json:"fetched_at"`
	DecidedAt *time.Time `json:"decided_at,omitempty"`
	Content   []byte     `json:"-"`
	WrittenAt *time.Time `json:"written_at,omitempty"` // by the center's clock
}

const selectReply = `
SELECT reply_id, center_id, name, bytes, sha256, logical_id, state, reason, line, file_id, accepted, rejected, unknown, forced, fetched_at, decided_at, content, written_at
FROM replies `

var repliesToDo = `SELECT reply_id FROM replies WHERE center_id = $1 AND state = ` + quoted(ReplyFetched) + ` ORDER BY reply_id`

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

// ApplyReply reads a stored reply and does what it says, exactly once: the verdict on a batch, or the refusal of a file.
// What it cannot apply as a whole it quarantines, with line and reason, and changes nothing else. A reply that is decided
// stays as it is. The error is about us (database, vault, configuration), never about the reply.
func (n *Night) ApplyReply(ctx context.Context, id int64) error {
	reply, err := one[Reply](ctx, n.Pool, selectReply+`WHERE reply_id = $1`, id)
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

// errRaced says that another reply decided the file while this one was read: it is judged again by what stands now. Each
// time something was decided, so it does not happen more often than maxRaces.
var errRaced = fmt.Errorf("%w: another reply decided the file meanwhile", ErrState)

const maxRaces = 4

// applyOnce judges a reply by what stands now. One that somebody else has decided, before or meanwhile, is left without a
// word.
func (n *Night) applyOnce(ctx context.Context, s *station, reply Reply) error {
	if reply.State != ReplyFetched {
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

// saysDuplicate tells that a file reject means that the identical file was processed before.
func (p Profile) saysDuplicate(code uint16) bool { return slices.Contains(p.DuplicateCodes, code) }

var decideReply = `
UPDATE replies SET state = $2, decided_at = $3, line = $4, reason = $5, file_id = $6, logical_id = $7, content = $8,
	accepted = $9, rejected = $10, unknown = $11 WHERE reply_id = $1 AND state = ` + quoted(ReplyFetched)

// decision is what becomes of a reply.
type decision struct {
	step                        step[ReplyState]
	line                        int64
	reason                      string
	file                        *int64
	logicalID                   string
	content                     []byte
	accepted, rejected, unknown int
}

// write guards a reply: it returns false when the reply was decided by somebody else.
func (d decision) write(ctx context.Context, tx pgx.Tx, reply int64, now time.Time) (bool, error) {
	tag, err := tx.Exec(ctx, decideReply, reply, d.step.into, now, d.line, d.reason, d.file, d.logicalID, d.content, d.accepted, d.rejected, d.unknown)
	return tag.RowsAffected() == 1, err
}

// decide writes a decision that changes nothing else. It returns false, and says nothing, when somebody else was first.
func (n *Night) decide(ctx context.Context, s *station, reply Reply, to step[ReplyState], line int64, reason string, file *int64, c *content, content []byte) (mine bool, err error) {
	d := decision{step: to, line: line, reason: vault.Words(reason), file: file, content: content}
	if c != nil {
		d.logicalID = c.header.ID
	}
	err = postgres.InTx(ctx, n.Pool, key("reply/%d/%s", reply.ID, to.into), func(tx pgx.Tx) error {
		mine, err = d.write(ctx, tx, reply.ID, n.now())
		return err
	})
	if err == nil && mine {
		n.metrics.replies.WithLabelValues(s.Name, string(to.into)).Inc()
		n.Log.InfoContext(ctx, "reply decided", slog.String("center", s.Name), slog.String("name", reply.Name), slog.Any("state", to.into), slog.String("reason", reason))
	}
	return mine, err
}

func (n *Night) quarantine(ctx context.Context, s *station, reply Reply, r *refusal) error {
	mine, err := n.decide(ctx, s, reply, replyRefused, r.line, r.reason, nil, nil, nil)
	if err == nil && mine {
		n.page(ctx, s, pageReplyQuarantined, "reply", reply.Name, "line", r.line, "reason", r.reason)
	}
	return err
}

var reconsider = `
UPDATE replies SET ` + replyReconsider.set() + `, decided_at = NULL, reason = '', line = 0, forced = $2 WHERE reply_id = $1 AND ` + replyReconsider.may()

// Reconsider lets a quarantined reply be applied again, after a person has looked; force lets it through the limit of
// rejects, and lets it answer the newest delivery where it could be a late word about an earlier one.
func (n *Night) Reconsider(ctx context.Context, reply int64, force bool) error {
	return postgres.InTx(ctx, n.Pool, key("reply/%d/reconsider", reply), func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, reconsider, reply, force)
		if err == nil && tag.RowsAffected() != 1 {
			err = fmt.Errorf("%w: reply %d is not quarantined", ErrState, reply)
		}
		if err == nil {
			err = n.Enqueue(ctx, tx, JobApply, reply)
		}
		return err
	})
}

var (
	rejectFile = `
UPDATE files SET ` + fileRefused.set() + `, error_class = 'rejected', last_error = $2, token = '', frozen = false, unknown_since = NULL,
	delivered_at = coalesce(delivered_at, $3), proof = CASE proof WHEN '' THEN 'reply' ELSE proof END
WHERE file_id = $1 AND ` + fileRefused.may()
	provenByReply = `
UPDATE files SET state = ` + provenState + `, proof = 'reply', delivered_at = $2, token = '', frozen = false, unknown_since = NULL, last_error = ''
WHERE file_id = $1 AND ` + fileVouched.may()
	nackBatch = `UPDATE batches SET ` + batchNacked.set() + ` WHERE batch_id = $1 AND ` + batchNacked.may()
)

// applyFileReject takes note that a file was refused whole: nothing is posted, the batch waits for a new build. When the
// center says that it has processed the identical file, the refusal proves the delivery instead. errRaced tells that
// another reply decided the file meanwhile: tried again, the refusal is a repeat or a contradiction.
func (n *Night) applyFileReject(ctx context.Context, s *station, reply Reply, c *content, f File, content []byte) error {
	now := n.now()
	code := c.codes[c.reject.code]
	d := decision{step: replyTaken, file: &f.ID, logicalID: c.header.ID, content: content, reason: "file refused: " + code}
	duplicate := s.saysDuplicate(c.reject.raw)
	if duplicate {
		d.reason, d.step = "the center has processed the file before: "+code, replyRepeated
	}
	mine := false
	err := postgres.InTx(ctx, n.Pool, key("reply/%d/apply", reply.ID), func(tx pgx.Tx) error {
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
	n.metrics.replies.WithLabelValues(s.Name, string(d.step.into)).Inc()
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

// overdueReplies: each delivery of a file has its own break. $5 is the limit of weak proofs.
var overdueReplies = `
SELECT $1::text || '/file/' || f.file_id || coalesce('/' || nullif(r.n, 0), '') AS fingerprint, center_id, ` + breaks.OfNoMerchant + `,
	'no reply to ' || name || ' since ' || delivered_at || ', whose delivery is proven by: ' || proof AS note
FROM files f, LATERAL (SELECT count(*) AS n FROM file_resends r WHERE r.file_id = f.file_id) r
WHERE center_id = $2 AND stream = $3 AND state = ` + quoted(FileDelivered) + `
	AND delivered_at <= CASE WHEN proof IN ('hash', 'present', 'reply') THEN $4::timestamptz ELSE $5 END`

// overdueOf is the fingerprint of the breaks of a file whose reply is overdue, without the number of the delivery.
func overdueOf(file int64) string { return fmt.Sprintf("%s/file/%d", breaks.ReplyOverdue, file) }

// watchReplies opens a break for each delivered file whose reply is overdue: sooner where the proof of the delivery is weak.
// It never sends anything again.
func (n *Night) watchReplies(ctx context.Context, s *station, now time.Time) (int, error) {
	opened, err := breaks.OpenEach(ctx, n.Pool, breaks.ReplyOverdue, now, overdueReplies, s.ID, s.Stream, now.Add(-s.ReplyTimeout), now.Add(-s.WeakTimeout))
	if err != nil {
		return 0, fmt.Errorf("watch for replies: %w", err)
	}
	if len(opened) > 0 {
		n.page(ctx, s, pageReplyOverdue, "files", len(opened), "first", opened[0].Note)
	}
	return len(opened), nil
}
