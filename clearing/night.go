package clearing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"settled/clearing/centerlog"
	"settled/clearing/delivery"
	"settled/clearing/dial"
	"settled/clearing/inbox"
	"settled/clearing/pages"
	"settled/clearing/states"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/ledger"
	"settled/settle/order"
	"settled/settle/reconcile"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// JobKind is a step of the night that a job queue may be asked for.
type JobKind string

// The kinds of jobs, and whose id each takes.
const (
	JobBuild   JobKind = "build"   // a batch
	JobDeliver JobKind = "deliver" // a file
	JobApply   JobKind = "apply"   // a reply
)

// Options of the night.
type Options struct {
	Pool      *pgxpool.Pool
	Directory *settle.Directory
	Vault     *vault.Vault
	Ledger    ledger.Book
	Profiles  map[int16]Profile // by center; a center without one has no night
	Now       func() time.Time
	Log       *slog.Logger
	// Registerer takes the metrics; nil: none are registered.
	Registerer prometheus.Registerer
	// Reconcile compares a center's log of authorizations with the books, inside the transaction that closes the log. Needed
	// only where a center tells one.
	Reconcile func(ctx context.Context, tx pgx.Tx, l *reconcile.CenterLog) (reconcile.Reconciled, error)
	// Enqueue is called inside the transaction that makes a job possible; nil: Step finds the work in the rows.
	Enqueue func(ctx context.Context, tx pgx.Tx, kind JobKind, id int64) error
	// Reached is called inside the transaction that shuts a window, which cannot be taken back: it fails unless the instant has
	// come by every clock, and with ErrClock while they disagree. nil: Now decides alone.
	Reached func(ctx context.Context, tx pgx.Tx, instant time.Time) error
}

// Night does the steps. Its methods are safe for concurrent use, in this process and in others.
type Night struct {
	Options
	centers []*station
	metrics *metrics
	shown   *atomic.Pointer[Night] // the night that the gauges tell of
	pager   *pages.Pager
	dialer  *dial.Dialer
	// Delivery brings the files that are built to their centers.
	Delivery *delivery.Courier
	// Inbox fetches what the centers leave for us.
	Inbox *inbox.Inbox
	// Logs are the centers' own lists of what they authorized.
	Logs *centerlog.Logs
	// atCrashPoint is called where the death of the process leaves something half done; nil but in tests.
	atCrashPoint func(point string)
}

// station is a center with its profile.
type station struct {
	*settle.Center
	Profile
	mu      sync.Mutex
	planned time.Time // when windows were last planned
}

// server is the center's file server.
func (s *station) server() dial.Server { return dial.Server{Center: s.ID, Name: s.Name, SFTP: s.SFTP} }

// delivery is what a delivery needs to know of the center.
func (s *station) delivery() *delivery.Center {
	return &delivery.Center{ID: s.ID, Name: s.Name, Stream: s.Stream, SFTP: s.SFTP, Outbox: s.Outbox, Directories: s.directories(), InOrder: s.InOrder,
		Removes: s.RemovesFiles, HidesSizes: s.HidesSizes, Dedupes: s.DedupesByFileID, ReplyAfter: s.ReplyTimeout, WeakAfter: s.WeakTimeout}
}

// replies is what the inbox needs to know of the center.
func (s *station) replies() *inbox.Site {
	return &inbox.Site{Server: s.server(), Directory: s.Inbox, Pattern: s.ReplyName, Reader: s.Format.NewReplyReader, MaxBytes: s.MaxReplyBytes,
		Remove: s.RemoveReplies, Every: s.PollEvery}
}

// log is where the center leaves its logs of authorizations.
func (s *station) log() centerlog.Site {
	return centerlog.Site{Server: s.server(), Directory: s.LogDir, Acquirer: s.Acquirer}
}

// directories are those besides the outbox that a center is worked with in. Logs are fetched only where the center leaves them in files.
func (s *station) directories() []string {
	dirs := []string{s.Inbox}
	if s.Capabilities.Log == order.LogByFile {
		dirs = append(dirs, s.LogDir)
	}
	return dirs
}

func (n *Night) now() time.Time { return n.Now().UTC().Truncate(time.Microsecond) }

func (n *Night) station(id int16) (*station, error) {
	for _, s := range n.centers {
		if s.ID == id {
			return s, nil
		}
	}
	return nil, fmt.Errorf("%w: center %d has no profile", states.ErrNotFound, id)
}

// each runs one step for every center; an error at one does not stop the others.
func (n *Night) each(ctx context.Context, now time.Time, step func(context.Context, *station, time.Time) (int, error)) (int, error) {
	var total int
	var all []error
	for _, s := range n.centers {
		count, err := step(ctx, s, now)
		total += count
		if err != nil {
			all = append(all, fmt.Errorf("center %s: %w", s.Name, err))
		}
	}
	return total, errors.Join(all...)
}

// crash lets tests end an attempt where a process can die.
func (n *Night) crash(point string) {
	if n.atCrashPoint != nil {
		n.atCrashPoint(point)
	}
}
