package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"settled/clearing/files"
	"settled/clearing/rows"
	"settled/clearing/states"
	"settled/internal/postgres"
	"settled/settle/breaks"

	"github.com/jackc/pgx/v5"
)

// ErrReason asks why a file is to be sent again.
var ErrReason = errors.New("clearing: a file is sent again for a reason only: say which")

// Resend is one time that a file was sent again.
type Resend struct {
	No          int32            `json:"resend"`
	At          time.Time        `json:"at"`
	Reason      string           `json:"reason"`
	FromState   states.FileState `json:"from_state"`
	Proof       string           `json:"proof"`                  // of the delivery before it
	DeliveredAt *time.Time       `json:"delivered_at,omitempty"` // of the delivery before it
	AtCenter    string           `json:"at_center"`              // what was found there before it
}

// Resend lets the same bytes of a file go again under the same name, on a person's word that the center does not have
// them, for a reason that is kept. The file may stand anywhere after it was released. The center is looked at first: a
// file that stands there is not sent over, and a center that cannot be asked gets nothing. It returns what was found.
// What the center says later of the file is applied as always; a verdict that it has stays. Errors: ErrReason, states.ErrState, states.ErrErased,
// dial.ErrBusy, dial.ErrParked, *remote.Error.
func (c *Courier) Resend(ctx context.Context, file int64, reason string) (AtCenter, error) {
	if strings.TrimSpace(reason) == "" {
		return AtCenter{}, ErrReason
	}
	f, s, err := c.built(ctx, file)
	if err == nil {
		err = f.There()
	}
	if err != nil {
		return AtCenter{}, err
	}
	ctx, release, err := c.dialer.Lease(ctx, "deliver", s.ID) // no attempt is under way meanwhile
	if err != nil {
		return AtCenter{}, fmt.Errorf("resend %s: %w", f.Name, err)
	}
	defer release()
	there, err := c.lookAt(ctx, s, f)
	if err != nil {
		return there, fmt.Errorf("resend %s: look at the center: %w", f.Name, err)
	}
	if there.Found != Absent && (f.Delivered() || there.Found == FoundOther) {
		return there, fmt.Errorf("%w: the center has a file %s (%s): nothing is sent over it", states.ErrState, f.Name, there)
	}
	if err := c.resend(ctx, f, strings.TrimSpace(reason), there.String()); err != nil {
		return there, fmt.Errorf("resend %s: %w", f.Name, err)
	}
	c.log.WarnContext(ctx, "file is sent again", slog.String("center", s.Name), slog.String("file", f.Name), slog.String("reason", reason), slog.String("at_center", there.String()))
	return there, nil
}

var (
	noteResend = `
INSERT INTO file_resends (file_id, resend, at, delivered_at, attempts, reason, from_state, proof, at_center)
SELECT file_id, 1 + (SELECT count(*) FROM file_resends r WHERE r.file_id = files.file_id), $2, delivered_at, attempts, $3, state, proof, $4
FROM files WHERE file_id = $1`
	resend = `
UPDATE files SET ` + states.SendFileAgain.Set() + `, next_attempt_at = $2, unknown_since = NULL, frozen = false, failures = 0, token = '',
	delivered_at = NULL, proof = '', last_error = '', error_class = ''
WHERE file_id = $1 AND ` + states.SendFileAgain.May()
)

// resend writes the resend down and lets the file go, if it still stands where it was seen. What is waited for of the
// delivery before it is waited for no more.
func (c *Courier) resend(ctx context.Context, seen files.File, reason, found string) error {
	now, id := c.now(), seen.ID
	return postgres.InTx(ctx, c.pool, rows.Key("file/%d/resend", id), func(tx pgx.Tx) error {
		f, err := files.One(ctx, tx, files.Lock, id)
		if err != nil {
			return err
		}
		if f.State != seen.State || f.Attempts != seen.Attempts || f.Resends != seen.Resends {
			return fmt.Errorf("%w: %s is %s now", states.ErrState, f.Name, f.State)
		}
		if err := f.There(); err != nil {
			return err
		}
		if err := withdrawRefusal(ctx, tx, f); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, noteResend, id, now, reason, found); err != nil {
			return err
		}
		if err := change(ctx, tx, id, resend, now); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, forgetRename, id); err != nil {
			return err
		}
		if err := breaks.Close(ctx, tx, now, breaks.Where{Under: OverdueOf(id)}, ""); err != nil {
			return err
		}
		return c.toDeliver(ctx, tx, id)
	})
}

// withdrawRefusal lets the batch of a refused file wait for a verdict again, unless another build has taken its place.
func withdrawRefusal(ctx context.Context, tx pgx.Tx, f files.File) error {
	if f.State != states.FileRejected {
		return nil
	}
	last, err := files.One(ctx, tx, files.LatestBuild, f.Batch)
	if err != nil {
		return err
	}
	reopened, err := files.ReopenBatch(ctx, tx, f.Batch)
	if err == nil && (!reopened || last.ID != f.ID) {
		err = fmt.Errorf("%w: %s was refused, and another build has taken its place", states.ErrState, f.Name)
	}
	return err
}
