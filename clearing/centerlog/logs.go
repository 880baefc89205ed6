// Package centerlog keeps the centers' own lists of what they authorized: fetched or asked for, stored, and compared with the books. It
// writes authorization_logs.
package centerlog

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"settled/clearing/dial"
	"settled/clearing/states"
	"settled/fileformats/authlog"
	"settled/settle"
	"settled/settle/reconcile"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Sources of logs of authorizations.
const (
	logFile = "file" // the center left it in a directory
	logLink = "link" // the center was asked for it
)

// Log is a center's log of authorizations and what came of it.
type Log struct {
	ID          int64
	Center      int16
	Source      string // file or link
	Name        string // of the file
	State       states.LogState
	Reason      string // why it is held
	From, Until *time.Time
	FetchedAt   *time.Time
	DecidedAt   *time.Time
	Entries     int
	Differences int
	Unknown     int
}

// Ask asks a center on its link for its log of a range.
type Ask func(ctx context.Context, center int16, from, until, now time.Time) (*authlog.Log, error)

// Site is where a center leaves its log, and who we are in it.
type Site struct {
	Server    dial.Server
	Directory string
	Acquirer  string // our id in the center's messages
}

// Options of the logs.
type Options struct {
	Pool      *pgxpool.Pool
	Directory *settle.Directory
	Log       *slog.Logger
	Now       func() time.Time
	Dialer    *dial.Dialer
	Sites     []Site // of the centers that have a file server
	// Reconcile compares a log with the books, inside the transaction that closes the log. Needed only where a center tells one.
	Reconcile func(ctx context.Context, tx pgx.Tx, l *reconcile.CenterLog) (reconcile.Reconciled, error)
}

// Logs are the logs of authorizations of all centers. Its methods are safe for concurrent use.
type Logs struct {
	pool      *pgxpool.Pool
	directory *settle.Directory
	log       *slog.Logger
	now       func() time.Time
	dialer    *dial.Dialer
	sites     []Site
	reconcile func(ctx context.Context, tx pgx.Tx, l *reconcile.CenterLog) (reconcile.Reconciled, error)
}

// New returns the logs.
func New(o Options) *Logs {
	return &Logs{pool: o.Pool, directory: o.Directory, log: o.Log, now: o.Now, dialer: o.Dialer, sites: o.Sites, reconcile: o.Reconcile}
}

func (l *Logs) site(center int16) (Site, error) {
	for _, s := range l.sites {
		if s.Server.Center == center {
			return s, nil
		}
	}
	return Site{}, fmt.Errorf("%w: center %d has no profile", states.ErrNotFound, center)
}
