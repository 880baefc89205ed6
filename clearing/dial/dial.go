// Package dial connects to the file servers of centers: it remembers who refused us and leaves them alone for a while, and lets one
// worker at a time be connected to a center for a purpose. It writes link_failures.
package dial

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"settled/clearing/pages"
	"settled/clearing/remote"
	"settled/clearing/rows"
	"settled/internal/vault"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// ErrBusy means that another worker has the center's connection; ErrParked that the center refused our login or showed
// another host key too often, so that it is left alone for a while.
var (
	ErrBusy   = errors.New("clearing: another worker is connected to the center")
	ErrParked = errors.New("clearing: the center is left alone after refused logins")
)

var (
	pageLogin = pages.Page{Reason: "sftp_auth", Means: "The center's file server refused our login; it is left alone for a while.",
		Do: "Renew the password or the key with the center, then `settled center unpark`"}
	pageHostKey = pages.Page{Reason: "sftp_hostkey", Means: "The center's file server showed a key that is not pinned: it may not be the center. Nothing was sent.",
		Do: "Ask the center by another way before `clearing.sftp.host_keys` is changed; then `settled center unpark`"}
)

// Server is the file server of a center.
type Server struct {
	Center int16
	Name   string // of the center
	SFTP   remote.Config
}

// Options of a dialer; all are required.
type Options struct {
	Pool   *pgxpool.Pool
	Log    *slog.Logger
	Now    func() time.Time
	Pager  *pages.Pager
	Holder string                 // of leases
	Up     *prometheus.GaugeVec   // 1 when the last connection to a center succeeded
	Errors *prometheus.CounterVec // by center and class
}

// Dialer connects to centers. Its methods are safe for concurrent use, in this process and in others.
type Dialer struct{ o Options }

// New returns a dialer.
func New(o Options) *Dialer { return &Dialer{o} }

// Dial connects to a center and keeps the record of refusals. The caller asks Parked first.
func (d *Dialer) Dial(ctx context.Context, s Server) (*remote.Link, error) {
	link, err := remote.Dial(ctx, s.SFTP)
	if err == nil {
		d.o.Up.WithLabelValues(s.Name).Set(1)
		return link, nil
	}
	d.o.Up.WithLabelValues(s.Name).Set(0)
	d.Failed(ctx, s, err)
	return nil, err
}

// Failed counts an error of a center's file server; refusals are kept, and paged.
func (d *Dialer) Failed(ctx context.Context, s Server, err error) {
	class := remote.ClassOf(err)
	d.o.Errors.WithLabelValues(s.Name, string(class)).Inc()
	switch class {
	case remote.Auth:
		d.o.Pager.Page(ctx, s.Name, pageLogin, "error", err)
	case remote.HostKey:
		d.o.Pager.Page(ctx, s.Name, pageHostKey, "error", err)
	default:
		return
	}
	_, dbErr := d.o.Pool.Exec(ctx, `INSERT INTO link_failures (center_id, at, class, error) VALUES ($1, $2, $3, $4)`, s.Center, d.o.Now(), class, vault.Words(err.Error()))
	if dbErr != nil {
		d.o.Log.ErrorContext(ctx, "record refused login", slog.String("center", s.Name), slog.Any("error", dbErr))
	}
}

// refusalsPerHour bounds logins that fail for a reason that more logins do not repair: they lock accounts. Between two of
// them a center is left alone for loginPauses, whatever the connection was for: a delivery, a look into the inbox, a person.
const refusalsPerHour = 3

var loginPauses = [refusalsPerHour - 1]time.Duration{time.Minute, 5 * time.Minute}

const refusals = `SELECT at FROM link_failures WHERE center_id = $1 AND at > $2 ORDER BY at`

// Parked fails with ErrParked so soon after refusals of a center, and tells until when it does.
func (d *Dialer) Parked(ctx context.Context, center int16) (until time.Time, err error) {
	now := d.o.Now()
	refused, err := rows.Column[time.Time](ctx, d.o.Pool, refusals, center, now.Add(-time.Hour))
	if err != nil {
		return until, err
	}
	if until = nextLogin(refused); until.After(now) {
		return until, fmt.Errorf("%w until %s", ErrParked, until.Format(time.RFC3339))
	}
	return until, nil
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

// Unpark forgets the refusals of a center: it may be connected to again at once.
func Unpark(ctx context.Context, tx pgx.Tx, center int16) error {
	_, err := tx.Exec(ctx, `DELETE FROM link_failures WHERE center_id = $1`, center)
	return err
}
