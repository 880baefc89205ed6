package delivery

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"settled/clearing/dial"
	"settled/clearing/files"
	"settled/clearing/rows"
	"settled/clearing/states"
	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// Deliveries go file by file in the order of a center, and end in proof; what cannot be proven waits for a reply or a person.

// firstUndelivered passes over a file that cannot be built, unless the center takes files in order only.
var firstUndelivered = files.Select + `
WHERE center_id = $1 AND stream = $2 AND state IN ` + states.Undelivered + `
	AND ($3 OR state <> ` + states.Quoted(states.FilePlanned) + ` OR failures = 0)
ORDER BY file_id LIMIT 1`

// DeliverDue delivers every file of a center that is released and due, in order: a file waits for the ones before it. It returns how many
// files it brought further. now is the instant at which they are due.
func (c *Courier) DeliverDue(ctx context.Context, center int16, now time.Time) (int, error) {
	s, err := c.center(center)
	if err != nil {
		return 0, err
	}
	for moved := 0; ; moved++ {
		f, err := c.first(ctx, s)
		if err != nil || f == nil {
			return moved, err
		}
		switch {
		case f.AttemptDue(now):
			if err := c.Deliver(ctx, f.ID); err != nil {
				return moved, unlessLost(err)
			}
		case f.State == states.FileUnknown && !f.Frozen:
			resent, err := c.decideUnknown(ctx, s, *f, now)
			if err != nil || !resent {
				return moved, err
			}
		default:
			return moved, nil
		}
	}
}

// Next is the file of a center for which those after it wait; nil when there is none.
func (c *Courier) Next(ctx context.Context, center int16) (*files.File, error) {
	s, err := c.center(center)
	if err != nil {
		return nil, err
	}
	return c.first(ctx, s)
}

func (c *Courier) first(ctx context.Context, s *Center) (*files.File, error) {
	f, err := files.One(ctx, c.pool, firstUndelivered, s.ID, s.Stream, s.InOrder)
	switch {
	case rows.Missing(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read files to deliver: %w", err)
	}
	return &f, nil
}

// Deliver makes one attempt to deliver a released file, and records it. nil means that the file is now proven to be at
// the center. What an attempt leaves behind after an error, or when the process dies in it, is in docs/delivery.md. Errors:
// ErrState, ErrOrder, ErrBusy, ErrParked, ErrFenced, ErrHeld, and *remote.Error.
func (c *Courier) Deliver(ctx context.Context, id int64) error {
	f, err := files.One(ctx, c.pool, files.ByID, id)
	if err != nil {
		return fmt.Errorf("deliver file %d: %w", id, err)
	}
	s, err := c.center(f.Center)
	if err != nil {
		return err
	}
	if err := c.parked(ctx, s, f.ID); err != nil {
		return fmt.Errorf("deliver %s: %w", f.Name, err)
	}
	ctx, release, err := c.dialer.Lease(ctx, "deliver", s.ID)
	if err != nil {
		return fmt.Errorf("deliver %s: %w", f.Name, err)
	}
	defer release()
	started := c.now()
	a := &attempt{courier: c, s: s, token: newToken()}
	if err := a.begin(ctx, id); err != nil {
		return fmt.Errorf("deliver %s: %w", f.Name, err)
	}
	c.crash("attempt begun")
	out := a.run(ctx)
	c.crash("before commit")
	if err := a.end(ctx, out); err != nil {
		return fmt.Errorf("deliver %s: %w", f.Name, err)
	}
	c.crash("after commit")
	c.took.WithLabelValues(s.Name).Observe(c.now().Sub(started).Seconds())
	if out.err != nil {
		return fmt.Errorf("deliver %s: %w: %w", f.Name, states.ErrRecorded, out.err)
	}
	return nil
}

// postpone moves a file's next attempt to the end of the pause of its center.
var postpone = `UPDATE files SET next_attempt_at = $2 WHERE file_id = $1 AND state IN ` + states.OnItsWay

// parked refuses to connect so soon after refusals, and postpones the file.
func (c *Courier) parked(ctx context.Context, s *Center, file int64) error {
	until, err := c.dialer.Parked(ctx, s.ID)
	if !errors.Is(err, dial.ErrParked) {
		return err
	}
	if _, unwritten := c.pool.Exec(ctx, postpone, file, until); unwritten != nil {
		return unwritten
	}
	return err
}

func newToken() string {
	var b [6]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

var freeze = `UPDATE files SET frozen = true WHERE file_id = $1 AND state = ` + states.Quoted(states.FileUnknown) + ` AND NOT frozen`

// decideUnknown waits for the reply that would prove a delivery. After the center's time for it, the same bytes go again
// only where the contract says that the center refuses a file id that it has processed; elsewhere a person decides.
func (c *Courier) decideUnknown(ctx context.Context, s *Center, f files.File, now time.Time) (resent bool, err error) {
	if f.UnknownSince == nil || now.Before(f.UnknownSince.Add(s.ReplyAfter)) {
		return false, nil
	}
	if s.Dedupes {
		err := c.resend(ctx, f, "the contract says that the center refuses a file id that it has processed", "not looked: it takes files away")
		return err == nil, unlessLost(err)
	}
	tag, err := c.pool.Exec(ctx, freeze, f.ID)
	if err != nil {
		return false, fmt.Errorf("freeze %s: %w", f.Name, err)
	}
	if tag.RowsAffected() == 1 {
		c.pager.Page(ctx, s.Name, pageUnknownDelivery, "file", f.Name, "since", f.UnknownSince)
	}
	return false, nil
}

// unlessLost is err, unless it says that another worker was first: then everything is as it should be.
func unlessLost(err error) error {
	for _, first := range []error{dial.ErrBusy, dial.ErrParked, states.ErrState, states.ErrOrder, states.ErrNotDue, ErrFenced, states.ErrHeld} {
		if errors.Is(err, first) {
			return nil
		}
	}
	return err
}

var (
	provenByPerson = `
UPDATE files SET state = ` + files.ProvenState + `, proof = 'person', delivered_at = $2, frozen = false, unknown_since = NULL, token = '',
	last_error = $3 WHERE file_id = $1 AND ` + states.VouchForFile.May()
	goOn = `
UPDATE files SET frozen = false, failures = 0, next_attempt_at = $2 WHERE file_id = $1 AND state IN ` + states.In(states.FilePlanned, states.FileReleased, states.FileSending) + `
RETURNING state, batch_id`
)

// MarkDelivered takes a person's word, with its evidence, that the center has the file.
func (c *Courier) MarkDelivered(ctx context.Context, file int64, evidence string) error {
	return postgres.InTx(ctx, c.pool, rows.Key("file/%d/mark delivered", file), func(tx pgx.Tx) error {
		return change(ctx, tx, file, provenByPerson, c.now(), "person: "+evidence)
	})
}

// Retry lets a file go on at once that waits for its next attempt, or that was stopped because of what was found at the
// center: it is built or delivered now. A center that is left alone after refused logins stays so.
func (c *Courier) Retry(ctx context.Context, file int64) error {
	return postgres.InTx(ctx, c.pool, rows.Key("file/%d/retry", file), func(tx pgx.Tx) error {
		var state states.FileState
		var batch int64
		err := tx.QueryRow(ctx, goOn, file, c.now()).Scan(&state, &batch)
		switch {
		case rows.Missing(err):
			return fmt.Errorf("%w: file %d waits for no attempt", states.ErrState, file)
		case err != nil:
			return err
		case state == states.FilePlanned:
			return c.toBuild(ctx, tx, batch)
		}
		return c.toDeliver(ctx, tx, file)
	})
}

var hurry = `UPDATE files SET next_attempt_at = $2 WHERE center_id = $1 AND state IN ` + states.OnItsWay

// Unpark lets a center be connected to again at once, after its credentials or host keys have been put right, and its files go.
func (c *Courier) Unpark(ctx context.Context, center int16) error {
	return postgres.InTx(ctx, c.pool, rows.Key("center/%d/unpark", center), func(tx pgx.Tx) error {
		if err := dial.Unpark(ctx, tx, center); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, hurry, center, c.now())
		return err
	})
}
