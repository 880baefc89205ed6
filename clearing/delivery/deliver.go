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
// states.ErrState, states.ErrOrder, dial.ErrBusy, dial.ErrParked, ErrFenced, states.ErrHeld, and *remote.Error.
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
