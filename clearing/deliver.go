package clearing

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"settled/clearing/remote"
	"settled/internal/postgres"
	"settled/internal/vault"

	"github.com/jackc/pgx/v5"
)

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

// refusalsPerHour bounds logins that fail for a reason that more logins do not repair: they lock accounts. Between two of
// them a center is left alone for loginPauses, whatever the connection was for: a delivery, a look into the inbox, a person.
const refusalsPerHour = 3

var loginPauses = [refusalsPerHour - 1]time.Duration{time.Minute, 5 * time.Minute}

var (
	refusals = `SELECT at FROM link_failures WHERE center_id = $1 AND at > $2 ORDER BY at`
	postpone = `UPDATE files SET next_attempt_at = $2 WHERE file_id = $1 AND state IN ` + onItsWay
)

// parked refuses to connect so soon after refusals, and moves the file's next attempt to the end of the pause.
func (n *Night) parked(ctx context.Context, s *station, file int64) error {
	now := n.now()
	refused, err := collectColumn[time.Time](ctx, n.Pool, refusals, s.ID, now.Add(-time.Hour))
	if err != nil {
		return err
	}
	until := nextLogin(refused)
	if !until.After(now) {
		return nil
	}
	if file > 0 {
		if _, err := n.Pool.Exec(ctx, postpone, file, until); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w until %s", ErrParked, until.Format(time.RFC3339))
}

// nextLogin is when a center may be logged in to again that refused at these instants, in order. Refusals of logins that
// were under way at the same time count as one.
func nextLogin(refused []time.Time) time.Time {
	var counted []time.Time
	for _, at := range refused {
		if n := len(counted); n == 0 || !at.Before(counted[n-1].Add(loginPauses[0])) {
			counted = append(counted, at)
		}
	}
	switch n := len(counted); {
	case n == 0:
		return time.Time{}
	case n < refusalsPerHour:
		return counted[n-1].Add(loginPauses[n-1])
	default:
		return counted[n-refusalsPerHour].Add(time.Hour)
	}
}

// Unpark lets a center be connected to again at once, after its credentials or host keys have been put right.
func (n *Night) Unpark(ctx context.Context, center int16) error {
	return postgres.InTx(ctx, n.Pool, key("center/%d/unpark", center), func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM link_failures WHERE center_id = $1`, center); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE files SET next_attempt_at = $2 WHERE center_id = $1 AND state IN `+onItsWay, center, n.now())
		return err
	})
}

// dial connects to a center and keeps the record of refusals.
func (n *Night) dial(ctx context.Context, s *station) (*remote.Link, error) {
	link, err := remote.Dial(ctx, s.SFTP)
	if err == nil {
		n.metrics.up.WithLabelValues(s.Name).Set(1)
		return link, nil
	}
	n.metrics.up.WithLabelValues(s.Name).Set(0)
	n.linkError(ctx, s, err)
	return nil, err
}

// linkError counts an error of a center's file server; refusals are kept, and paged.
func (n *Night) linkError(ctx context.Context, s *station, err error) {
	class := remote.ClassOf(err)
	n.metrics.sftpErrors.WithLabelValues(s.Name, string(class)).Inc()
	switch class {
	case remote.Auth:
		n.page(ctx, s, pageLogin, "error", err)
	case remote.HostKey:
		n.page(ctx, s, pageHostKey, "error", err)
	default:
		return
	}
	_, dbErr := n.Pool.Exec(ctx, `INSERT INTO link_failures (center_id, at, class, error) VALUES ($1, $2, $3, $4)`, s.ID, n.now(), class, vault.Words(err.Error()))
	if dbErr != nil {
		n.Log.ErrorContext(ctx, "record refused login", slog.String("center", s.Name), slog.Any("error", dbErr))
	}
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

// changeFile runs an update of one file that must be in the state that it asks for.
func changeFile(ctx context.Context, tx pgx.Tx, file int64, sql string, args ...any) error {
	tag, err := tx.Exec(ctx, sql, append([]any{file}, args...)...)
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("%w: file %d", ErrState, file)
	}
	return err
}
