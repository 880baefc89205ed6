package clearing

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"settled/clearing/remote"
	"settled/internal/postgres"
	"settled/internal/vault"

	"github.com/jackc/pgx/v5"
)

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
