package clearing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"settled/internal/postgres"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/ledger"

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
	Reconcile func(ctx context.Context, tx pgx.Tx, l *settle.CenterLog) (settle.Reconciled, error)
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
	holder  string // of leases
	// atCrashPoint is called where the death of the process leaves something half done; nil but in tests.
	atCrashPoint func(point string)
}

// station is a center with its profile.
type station struct {
	*settle.Center
	Profile
	mu      sync.Mutex
	planned time.Time // when windows were last planned
	polled  time.Time // when a step last looked into the inbox
}

// The errors of the night, besides those of packages settle, ledger, remote and schedules.
var (
	ErrNotFound = errors.New("clearing: no such row")
	ErrNotDue   = errors.New("clearing: not due")
	ErrOrder    = errors.New("clearing: an earlier one must go first")
	ErrState    = errors.New("clearing: not possible in this state")
	ErrContract = errors.New("clearing: merchant has no contract with the center")
	ErrTotals   = errors.New("clearing: the bytes of a file disagree with its batch")
	ErrFenced   = errors.New("clearing: another worker has taken over")
	ErrClock    = errors.New("clearing: nothing is sealed until the clocks agree")
)

// New checks the profiles and returns the night. It fails with ErrProfile.
func New(o Options) (*Night, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Enqueue == nil {
		o.Enqueue = func(context.Context, pgx.Tx, JobKind, int64) error { return nil }
	}
	if o.Reached == nil {
		o.Reached = func(context.Context, pgx.Tx, time.Time) error { return nil }
	}
	n := &Night{Options: o, holder: postgres.Holder()}
	for _, c := range o.Directory.Centers() {
		p, ok := o.Profiles[c.ID]
		if !ok {
			continue
		}
		p = p.withDefaults()
		if err := p.check(c); err != nil {
			return nil, err
		}
		n.centers = append(n.centers, &station{Center: c, Profile: p})
	}
	if len(n.centers) != len(o.Profiles) {
		return nil, fmt.Errorf("%w: a profile names no configured center", ErrProfile)
	}
	var err error
	n.metrics, err = newMetrics(n, o.Registerer)
	return n, err
}

func (n *Night) now() time.Time { return n.Now().UTC().Truncate(time.Microsecond) }

func (n *Night) station(id int16) (*station, error) {
	for _, s := range n.centers {
		if s.ID == id {
			return s, nil
		}
	}
	return nil, fmt.Errorf("%w: center %d has no profile", ErrNotFound, id)
}

// Step does everything that is due at the clock's instant once, in order, center by center. It reports whether anything
// moved; the caller repeats until nothing does. Errors of several centers are joined. While the books are held it does nothing.
func (n *Night) Step(ctx context.Context) (progressed bool, err error) {
	if held, err := n.heldAll(ctx); held || err != nil {
		return false, err
	}
	var all []error
	for _, s := range n.centers {
		moved, err := n.stepCenter(ctx, s)
		progressed = progressed || moved
		if err != nil {
			all = append(all, fmt.Errorf("center %s: %w", s.Name, err))
		}
	}
	return progressed, errors.Join(all...)
}

// stepCenter runs the steps of one center. A step that fails does not keep the following ones from files and replies that
// are further on.
func (n *Night) stepCenter(ctx context.Context, s *station) (progressed bool, err error) {
	now := n.now()
	steps := []func(context.Context, *station, time.Time) (int, error){
		n.plan, n.lookCenter, n.sealCenter, n.numberCenter, n.buildCenter, n.deliverCenter, n.fetchCenter, n.applyCenter, n.watchReplies,
	}
	var all []error
	for _, step := range steps {
		count, err := step(ctx, s, now)
		progressed = progressed || count > 0
		if err != nil {
			all = append(all, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return progressed, errors.Join(all...)
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

func key(format string, args ...any) postgres.Key {
	return postgres.Key{Name: fmt.Sprintf(format, args...)}
}

// ids runs a query of one bigint column.
func (n *Night) ids(ctx context.Context, sql string, args ...any) ([]int64, error) {
	rows, err := n.Pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

// long lifts the limit of statements of a transaction whose length depends on the size of a batch. One whose process stands
// still is ended all the same, with its locks.
func long(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `SET LOCAL statement_timeout = '30min'`)
	return err
}

// longFar is long for a transaction that waits for a center between its statements, and holds no lock that others want.
func longFar(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `SET LOCAL statement_timeout = '30min'; SET LOCAL idle_in_transaction_session_timeout = '30min'`)
	return err
}
