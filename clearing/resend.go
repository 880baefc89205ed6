package clearing

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"strings"
	"time"

	"settled/clearing/remote"
	"settled/internal/postgres"
	"settled/settle/breaks"

	"github.com/jackc/pgx/v5"
)

// Found says what stands at a center under a file's name.
type Found string

// What may be found. FoundSize is the right size of a file that we may not read; FoundOther are other bytes than ours.
const (
	FoundSame  Found = "same"
	FoundSize  Found = "same_size"
	FoundOther Found = "other"
	Absent     Found = "absent"
)

// AtCenter is what a center's file server says of a file now.
type AtCenter struct {
	Found    Found      `json:"found"`
	Bytes    int64      `json:"bytes,omitempty"`
	SHA256   Digest     `json:"sha256,omitempty"` // empty where the file may not be read
	Modified *time.Time `json:"modified_at,omitempty"`
	LeftOver []string   `json:"left_over,omitempty"` // temporary names of the file
}

// String says it in words.
func (c AtCenter) String() string {
	var words string
	switch c.Found {
	case FoundSame:
		words = fmt.Sprintf("present: our %d bytes, sha256 %s", c.Bytes, c.SHA256)
	case FoundSize:
		words = fmt.Sprintf("present: %d bytes, as ours; they may not be read", c.Bytes)
	case FoundOther:
		words = fmt.Sprintf("present, but not ours: %d bytes, sha256 %s", c.Bytes, c.SHA256)
	default:
		words = "absent"
	}
	if len(c.LeftOver) > 0 {
		words += "; left over: " + strings.Join(c.LeftOver, ", ")
	}
	return words
}

// lookAt asks the center what stands under a file's name now, and reads it.
func (n *Night) lookAt(ctx context.Context, s *station, f File) (AtCenter, error) {
	if err := n.parked(ctx, s, 0); err != nil {
		return AtCenter{}, err
	}
	link, err := n.dial(ctx, s)
	if err != nil {
		return AtCenter{}, err
	}
	defer func() { _ = link.Close() }()
	c, err := n.found(link, s, f)
	if err != nil {
		return c, err
	}
	entries, err := link.List(ctx, s.Outbox)
	if err != nil && remote.Lost(err) {
		return c, err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name, "."+f.Name+".") && strings.HasSuffix(e.Name, ".part") {
			c.LeftOver = append(c.LeftOver, e.Name)
		}
	}
	return c, nil
}

func (n *Night) found(link *remote.Link, s *station, f File) (AtCenter, error) {
	name := path.Join(s.Outbox, f.Name)
	e, there, err := link.Stat(name)
	if err != nil || !there {
		return AtCenter{Found: Absent}, err
	}
	hash := sha256.New()
	read, err := link.Read(name, hash)
	if err != nil && remote.ClassOf(err) == remote.Permission {
		c := AtCenter{Found: FoundOther, Bytes: e.Size, Modified: &e.Modified}
		if e.Size == *f.Bytes {
			c.Found = FoundSize
		}
		return c, nil
	}
	if err != nil {
		return AtCenter{}, err
	}
	c := AtCenter{Found: FoundOther, Bytes: read.Size, SHA256: hash.Sum(nil), Modified: &read.Modified}
	if string(c.SHA256) == string(f.SHA256) {
		c.Found = FoundSame
	}
	return c, nil
}

// ErrReason asks why a file is to be sent again.
var ErrReason = errors.New("clearing: a file is sent again for a reason only: say which")

// Resend is one time that a file was sent again.
type Resend struct {
	No          int32      `json:"resend"`
	At          time.Time  `json:"at"`
	Reason      string     `json:"reason"`
	FromState   FileState  `json:"from_state"`
	Proof       string     `json:"proof"`                  // of the delivery before it
	DeliveredAt *time.Time `json:"delivered_at,omitempty"` // of the delivery before it
	AtCenter    string     `json:"at_center"`              // what was found there before it
}

const resendsOf = `SELECT resend, at, reason, from_state, proof, delivered_at, at_center FROM file_resends WHERE file_id = $1 ORDER BY resend`

// LookAtCenter tells what the center has under a built file's name now. Errors: ErrState, ErrParked, *remote.Error.
func (n *Night) LookAtCenter(ctx context.Context, file int64) (AtCenter, error) {
	f, s, err := n.builtFile(ctx, file)
	if err != nil {
		return AtCenter{}, err
	}
	return n.lookAt(ctx, s, f)
}

func (n *Night) builtFile(ctx context.Context, id int64) (File, *station, error) {
	f, err := oneFile(ctx, n.Pool, selectFile+`WHERE file_id = $1`, id)
	if err != nil {
		return f, nil, fmt.Errorf("read file %d: %w", id, err)
	}
	if f.SHA256 == nil {
		return f, nil, fmt.Errorf("%w: file %s is not built", ErrState, f.Name)
	}
	s, err := n.station(f.Center)
	return f, s, err
}

// Resend lets the same bytes of a file go again under the same name, on a person's word that the center does not have
// them, for a reason that is kept. The file may stand anywhere after it was released. The center is looked at first: a
// file that stands there is not sent over, and a center that cannot be asked gets nothing. It returns what was found.
// What the center says later of the file is applied as always; a verdict that it has stays. Errors: ErrReason, ErrState,
// ErrBusy, ErrParked, *remote.Error.
func (n *Night) Resend(ctx context.Context, file int64, reason string) (AtCenter, error) {
	if strings.TrimSpace(reason) == "" {
		return AtCenter{}, ErrReason
	}
	f, s, err := n.builtFile(ctx, file)
	if err != nil {
		return AtCenter{}, err
	}
	ctx, release, err := n.lease(ctx, "deliver", s.ID) // no attempt is under way meanwhile
	if err != nil {
		return AtCenter{}, fmt.Errorf("resend %s: %w", f.Name, err)
	}
	defer release()
	c, err := n.lookAt(ctx, s, f)
	if err != nil {
		return c, fmt.Errorf("resend %s: look at the center: %w", f.Name, err)
	}
	if c.Found != Absent && (f.delivered() || c.Found == FoundOther) {
		return c, fmt.Errorf("%w: the center has a file %s (%s): nothing is sent over it", ErrState, f.Name, c)
	}
	if err := n.resend(ctx, f, strings.TrimSpace(reason), c.String()); err != nil {
		return c, fmt.Errorf("resend %s: %w", f.Name, err)
	}
	n.Log.WarnContext(ctx, "file is sent again", slog.String("center", s.Name), slog.String("file", f.Name), slog.String("reason", reason), slog.String("at_center", c.String()))
	return c, nil
}

var (
	noteResend = `
INSERT INTO file_resends (file_id, resend, at, delivered_at, attempts, reason, from_state, proof, at_center)
SELECT file_id, 1 + (SELECT count(*) FROM file_resends r WHERE r.file_id = files.file_id), $2, delivered_at, attempts, $3, state, proof, $4
FROM files WHERE file_id = $1`
	resend = `
UPDATE files SET ` + fileSentOver.set() + `, next_attempt_at = $2, unknown_since = NULL, frozen = false, failures = 0, token = '',
	delivered_at = NULL, proof = '', last_error = '', error_class = ''
WHERE file_id = $1 AND ` + fileSentOver.may()
)

// resend writes the resend down and lets the file go, if it still stands where it was seen. What is waited for of the
// delivery before it is waited for no more.
func (n *Night) resend(ctx context.Context, seen File, reason, found string) error {
	now, id := n.now(), seen.ID
	return postgres.InTx(ctx, n.Pool, key("file/%d/resend", id), func(tx pgx.Tx) error {
		f, err := oneFile(ctx, tx, lockFile, id)
		if err != nil {
			return err
		}
		if f.State != seen.State || f.Attempts != seen.Attempts || f.Resends != seen.Resends {
			return fmt.Errorf("%w: %s is %s now", ErrState, f.Name, f.State)
		}
		if err := n.withdrawRefusal(ctx, tx, f); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, noteResend, id, now, reason, found); err != nil {
			return err
		}
		if err := changeFile(ctx, tx, id, resend, now); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, forgetRename, id); err != nil {
			return err
		}
		if err := breaks.Close(ctx, tx, now, breaks.Where{Under: overdueOf(id)}, ""); err != nil {
			return err
		}
		return n.Enqueue(ctx, tx, JobDeliver, id)
	})
}

// withdrawRefusal lets the batch of a refused file wait for a verdict again, unless another build has taken its place.
func (n *Night) withdrawRefusal(ctx context.Context, tx pgx.Tx, f File) error {
	if f.State != FileRejected {
		return nil
	}
	last, err := oneFile(ctx, tx, latestBuild, f.Batch)
	if err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, reopenBatch, f.Batch)
	if err == nil && (tag.RowsAffected() != 1 || last.ID != f.ID) {
		err = fmt.Errorf("%w: %s was refused, and another build has taken its place", ErrState, f.Name)
	}
	return err
}
