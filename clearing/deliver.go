package clearing

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// Deliveries go file by file in the order of a center, and end in proof; what cannot be proven waits for a reply or a person.

// firstUndelivered passes over a file that cannot be built, unless the center takes files in order only.
var firstUndelivered = selectFile + `
WHERE center_id = $1 AND stream = $2 AND state IN ` + undelivered + `
	AND ($3 OR state <> ` + quoted(FilePlanned) + ` OR failures = 0)
ORDER BY file_id LIMIT 1`

// DeliverDue delivers every file that is released and due, those of a center in order: a file waits for the ones before it.
// It returns how many files it brought further.
func (n *Night) DeliverDue(ctx context.Context, now time.Time) (int, error) {
	return n.each(ctx, now, n.deliverCenter)
}

func (n *Night) deliverCenter(ctx context.Context, s *station, now time.Time) (int, error) {
	for moved := 0; ; moved++ {
		f, err := n.firstUndelivered(ctx, s)
		if err != nil || f == nil {
			return moved, err
		}
		switch {
		case f.attemptDue(now):
			if err := n.DeliverFile(ctx, f.ID); err != nil {
				return moved, unlessLost(err)
			}
		case f.State == FileUnknown && !f.Frozen:
			resent, err := n.decideUnknown(ctx, s, *f, now)
			if err != nil || !resent {
				return moved, err
			}
		default:
			return moved, nil
		}
	}
}

// firstUndelivered is the file for which those after it wait; nil when there is none.
func (n *Night) firstUndelivered(ctx context.Context, s *station) (*File, error) {
	f, err := oneFile(ctx, n.Pool, firstUndelivered, s.ID, s.Stream, s.InOrder)
	switch {
	case isNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read files to deliver: %w", err)
	}
	return &f, nil
}

// DeliverFile makes one attempt to deliver a released file, and records it. nil means that the file is now proven to be at
// the center. What an attempt leaves behind after an error, or when the process dies in it, is in docs/delivery.md. Errors:
// ErrState, ErrOrder, ErrBusy, ErrParked, ErrFenced, ErrHeld, and *remote.Error.
func (n *Night) DeliverFile(ctx context.Context, id int64) error {
	f, err := oneFile(ctx, n.Pool, selectFile+`WHERE file_id = $1`, id)
	if err != nil {
		return fmt.Errorf("deliver file %d: %w", id, err)
	}
	s, err := n.station(f.Center)
	if err != nil {
		return err
	}
	if err := n.parked(ctx, s, f.ID); err != nil {
		return fmt.Errorf("deliver %s: %w", f.Name, err)
	}
	ctx, release, err := n.lease(ctx, "deliver", s.ID)
	if err != nil {
		return fmt.Errorf("deliver %s: %w", f.Name, err)
	}
	defer release()
	started := n.now()
	a := &attempt{night: n, s: s, token: newToken()}
	if err := a.begin(ctx, id); err != nil {
		return fmt.Errorf("deliver %s: %w", f.Name, err)
	}
	n.crash("attempt begun")
	out := a.run(ctx)
	n.crash("before commit")
	if err := a.end(ctx, out); err != nil {
		return fmt.Errorf("deliver %s: %w", f.Name, err)
	}
	n.crash("after commit")
	n.metrics.phase(s.Name, "send", n.now().Sub(started))
	if out.err != nil {
		return fmt.Errorf("deliver %s: %w: %w", f.Name, ErrRecorded, out.err)
	}
	return nil
}

func newToken() string {
	var b [6]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

var freeze = `UPDATE files SET frozen = true WHERE file_id = $1 AND state = ` + quoted(FileUnknown) + ` AND NOT frozen`

// decideUnknown waits for the reply that would prove a delivery. After the center's time for it, the same bytes go again
// only where the contract says that the center refuses a file id that it has processed; elsewhere a person decides.
func (n *Night) decideUnknown(ctx context.Context, s *station, f File, now time.Time) (resent bool, err error) {
	if f.UnknownSince == nil || now.Before(f.UnknownSince.Add(s.ReplyTimeout)) {
		return false, nil
	}
	if s.DedupesByFileID {
		err := n.resend(ctx, f, "the contract says that the center refuses a file id that it has processed", "not looked: it takes files away")
		return err == nil, unlessLost(err)
	}
	tag, err := n.Pool.Exec(ctx, freeze, f.ID)
	if err != nil {
		return false, fmt.Errorf("freeze %s: %w", f.Name, err)
	}
	if tag.RowsAffected() == 1 {
		n.page(ctx, s, pageUnknownDelivery, "file", f.Name, "since", f.UnknownSince)
	}
	return false, nil
}

// unlessLost is err, unless it says that another worker was first: then everything is as it should be.
func unlessLost(err error) error {
	for _, first := range []error{ErrBusy, ErrParked, ErrState, ErrOrder, ErrNotDue, ErrFenced, ErrHeld} {
		if errors.Is(err, first) {
			return nil
		}
	}
	return err
}

var (
	provenByPerson = `
UPDATE files SET state = ` + provenState + `, proof = 'person', delivered_at = $2, frozen = false, unknown_since = NULL, token = '',
	last_error = $3 WHERE file_id = $1 AND ` + fileVouched.may()
	goOn = `
UPDATE files SET frozen = false, failures = 0, next_attempt_at = $2 WHERE file_id = $1 AND state IN ` + in(FilePlanned, FileReleased, FileSending) + `
RETURNING state, batch_id`
)

// MarkDelivered takes a person's word, with its evidence, that the center has the file.
func (n *Night) MarkDelivered(ctx context.Context, file int64, evidence string) error {
	return postgres.InTx(ctx, n.Pool, key("file/%d/mark delivered", file), func(tx pgx.Tx) error {
		return changeFile(ctx, tx, file, provenByPerson, n.now(), "person: "+evidence)
	})
}

// Retry lets a file go on at once that waits for its next attempt, or that was stopped because of what was found at the
// center: it is built or delivered now. A center that is left alone after refused logins stays so.
func (n *Night) Retry(ctx context.Context, file int64) error {
	return postgres.InTx(ctx, n.Pool, key("file/%d/retry", file), func(tx pgx.Tx) error {
		var state FileState
		var batch int64
		err := tx.QueryRow(ctx, goOn, file, n.now()).Scan(&state, &batch)
		switch {
		case isNotFound(err):
			return fmt.Errorf("%w: file %d waits for no attempt", ErrState, file)
		case err != nil:
			return err
		case state == FilePlanned:
			return n.Enqueue(ctx, tx, JobBuild, batch)
		}
		return n.Enqueue(ctx, tx, JobDeliver, file)
	})
}
