package clearing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"settled/clearing/centerlog"
	"settled/clearing/delivery"
	"settled/clearing/dial"
	"settled/clearing/inbox"
	"settled/clearing/pages"
	"settled/internal/postgres"
	"settled/settle"
	"settled/settle/reconcile"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
)

// The top of the night: New puts it together, and Step knows the order of its steps. Nothing of the package refers to this file.

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
	n := &Night{Options: o, metrics: newMetrics(), shown: &atomic.Pointer[Night]{}}
	if err := n.staff(); err != nil {
		return nil, err
	}
	n.furnish()
	n.Show()
	return n, n.register(o.Registerer)
}

// Changed is what of the options of a night another one may have that shares its metrics.
type Changed struct {
	Directory *settle.Directory
	Profiles  map[int16]Profile
	Reconcile func(ctx context.Context, tx pgx.Tx, l *reconcile.CenterLog) (reconcile.Reconciled, error)
	Enqueue   func(ctx context.Context, tx pgx.Tx, kind JobKind, id int64) error
}

// Under checks changed profiles and returns a night with them, which shares metrics with n; Show lets these tell of it. Windows that are
// planned stay as they are, and steps that are under way end with what they began with. It fails with ErrProfile.
func (n *Night) Under(c Changed) (*Night, error) {
	other := &Night{Options: n.Options, metrics: n.metrics, shown: n.shown, atCrashPoint: n.atCrashPoint}
	other.Directory, other.Profiles, other.Reconcile, other.Enqueue = c.Directory, c.Profiles, c.Reconcile, c.Enqueue
	if err := other.staff(); err != nil {
		return nil, err
	}
	other.furnish()
	return other, nil
}

// Show makes the metrics tell of this night from now on.
func (n *Night) Show() { n.shown.Store(n) }

// staff makes the stations of the centers that have a profile.
func (n *Night) staff() error {
	for _, c := range n.Directory.Centers() {
		p, ok := n.Profiles[c.ID]
		if !ok {
			continue
		}
		p = p.withDefaults()
		if err := p.check(c); err != nil {
			return err
		}
		n.centers = append(n.centers, &station{Center: c, Profile: p})
	}
	if len(n.centers) != len(n.Profiles) {
		return fmt.Errorf("%w: a profile names no configured center", ErrProfile)
	}
	return nil
}

// furnish makes the rooms of the night.
func (n *Night) furnish() {
	m := n.metrics
	n.pager = pages.New(n.Log, m.pages)
	n.dialer = dial.New(dial.Options{Pool: n.Pool, Log: n.Log, Now: n.now, Pager: n.pager, Holder: postgres.Holder(), Up: m.up, Errors: m.sftpErrors})
	files := delivery.Options{Pool: n.Pool, Vault: n.Vault, Log: n.Log, Now: n.now, Pager: n.pager, Dialer: n.dialer, Uploads: m.uploads,
		Took: m.phases.MustCurryWith(prometheus.Labels{"phase": "send"}), ToBuild: n.queue(JobBuild), ToDeliver: n.queue(JobDeliver), Crash: n.crash}
	replies := inbox.Options{Pool: n.Pool, Vault: n.Vault, Log: n.Log, Now: n.now, Dialer: n.dialer, Replies: m.replies, Strangers: m.strangers,
		ToApply: n.queue(JobApply), Crash: n.crash}
	logs := centerlog.Options{Pool: n.Pool, Directory: n.Directory, Log: n.Log, Now: n.now, Dialer: n.dialer, Reconcile: n.Reconcile}
	for _, s := range n.centers {
		files.Centers, replies.Sites, logs.Sites = append(files.Centers, s.delivery()), append(replies.Sites, s.replies()), append(logs.Sites, s.log())
	}
	n.Delivery, n.Inbox, n.Logs = delivery.New(files), inbox.New(replies), centerlog.New(logs)
}

// queue is Enqueue of one kind of jobs.
func (n *Night) queue(kind JobKind) func(context.Context, pgx.Tx, int64) error {
	return func(ctx context.Context, tx pgx.Tx, id int64) error { return n.Enqueue(ctx, tx, kind, id) }
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

// at is a step of a room that knows centers by their numbers.
func at(step func(context.Context, int16, time.Time) (int, error)) func(context.Context, *station, time.Time) (int, error) {
	return func(ctx context.Context, s *station, now time.Time) (int, error) { return step(ctx, s.ID, now) }
}

// stepCenter runs the steps of one center. A step that fails does not keep the following ones from files and replies that
// are further on.
func (n *Night) stepCenter(ctx context.Context, s *station) (progressed bool, err error) {
	now := n.now()
	steps := []func(context.Context, *station, time.Time) (int, error){
		n.plan, n.lookCenter, n.sealCenter, n.numberCenter, n.buildCenter, at(n.Delivery.DeliverDue), at(n.Inbox.FetchDue), n.applyCenter, at(n.Delivery.WatchReplies),
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

// heldAll tells that the books are held as a whole.
func (n *Night) heldAll(ctx context.Context) (held bool, err error) {
	if err := n.Pool.QueryRow(ctx, `SELECT held(0::smallint) IS NOT NULL`).Scan(&held); err != nil {
		return false, fmt.Errorf("ask whether the books are held: %w", err)
	}
	return held, nil
}
