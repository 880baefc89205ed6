package clearing

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"settled/clearing/files"
	"settled/clearing/rows"
	"settled/clearing/states"
	"settled/internal/postgres"
	"settled/internal/vault"

	"github.com/jackc/pgx/v5"
)

// Reply is a file of a center, stored as it came.
type Reply struct {
	ID        int64             `json:"reply"`
	Center    int16             `json:"center"`
	Name      string            `json:"name"`
	Bytes     int64             `json:"bytes"`
	SHA256    files.Digest      `json:"sha256"`
	LogicalID string            `json:"file_id"`
	State     states.ReplyState `json:"state"`
	Reason    string            `json:"reason,omitempty"`
	Line      int64             `json:"line,omitempty"` // record of the reply that the reason is about
	File      *int64            `json:"answers,omitempty"`
	Accepted  int32             `json:"accepted"`
	Rejected  int32             `json:"rejected"`
	Unknown   int32             `json:"unknown"` // refusals of messages that we never sent
	Forced    bool              `json:"forced,omitempty"`
	FetchedAt time.Time         `json:"fetched_at"`
	DecidedAt *time.Time        `json:"decided_at,omitempty"`
	Content   []byte            `json:"-"`
	WrittenAt *time.Time        `json:"written_at,omitempty"` // by the center's clock
	ErasedAt  *time.Time        `json:"erased_at,omitempty"`  // when its bytes were, or began to be
}

const selectReply = `
SELECT reply_id, center_id, name, bytes, sha256, logical_id, state, reason, line, file_id, accepted, rejected, unknown, forced, fetched_at, decided_at, content, written_at, erased_at
FROM replies `

// clockTolerance is by how much a center's clock may be behind ours before the time of a reply misleads us.
const clockTolerance = 10 * time.Minute

// tooOld tells that a reply was there before the delivery began that it would answer.
func (r Reply) tooOld(began *time.Time) bool {
	if began == nil {
		return true
	}
	return r.FetchedAt.Before(*began) || r.WrittenAt != nil && r.WrittenAt.Before(began.Add(-clockTolerance))
}

// errRaced says that another reply decided the file while this one was read: it is judged again by what stands now. Each
// time something was decided, so it does not happen more often than maxRaces.
var errRaced = fmt.Errorf("%w: another reply decided the file meanwhile", states.ErrState)

var decideReply = `
UPDATE replies SET state = $2, decided_at = $3, line = $4, reason = $5, file_id = $6, logical_id = $7, content = $8,
	accepted = $9, rejected = $10, unknown = $11 WHERE reply_id = $1 AND state = ` + states.Quoted(states.ReplyFetched)

// decision is what becomes of a reply.
type decision struct {
	step                        states.Step[states.ReplyState]
	line                        int64
	reason                      string
	file                        *int64
	logicalID                   string
	content                     []byte
	accepted, rejected, unknown int
}

// write guards a reply: it returns false when the reply was decided by somebody else.
func (d decision) write(ctx context.Context, tx pgx.Tx, reply int64, now time.Time) (bool, error) {
	tag, err := tx.Exec(ctx, decideReply, reply, d.step.Into, now, d.line, d.reason, d.file, d.logicalID, d.content, d.accepted, d.rejected, d.unknown)
	return tag.RowsAffected() == 1, err
}

// decide writes a decision that changes nothing else. It returns false, and says nothing, when somebody else was first.
func (n *Night) decide(ctx context.Context, s *station, reply Reply, to states.Step[states.ReplyState], line int64, reason string, file *int64, c *content, content []byte) (mine bool, err error) {
	d := decision{step: to, line: line, reason: vault.Words(reason), file: file, content: content}
	if c != nil {
		d.logicalID = c.header.ID
	}
	err = postgres.InTx(ctx, n.Pool, rows.Key("reply/%d/%s", reply.ID, to.Into), func(tx pgx.Tx) error {
		mine, err = d.write(ctx, tx, reply.ID, n.now())
		return err
	})
	if err == nil && mine {
		n.metrics.replies.WithLabelValues(s.Name, string(to.Into)).Inc()
		n.Log.InfoContext(ctx, "reply decided", slog.String("center", s.Name), slog.String("name", reply.Name), slog.Any("state", to.Into), slog.String("reason", reason))
	}
	return mine, err
}
