package work

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"settled/clearing"
	"settled/internal/config"
	"settled/internal/postgres"
	"settled/settle/notification"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

// Jobs are the functions that do the work. All may run twice or be cut off, on any machine, and do the same.
type Jobs struct {
	PlanWindows  func(context.Context) error // makes windows ahead
	Expire       func(context.Context) error // gives up holds whose end has come
	Timeout      func(context.Context) error // ends what buyers did not finish in time
	Send         func(context.Context) error // sends owed reversals and refunds, resolves unknown outcomes
	FetchReplies func(context.Context) error // stores what centers have put out
	Reconcile    func(context.Context) error // compares what centers approved with the books
	Audit        func(context.Context) error // proves the books
	RollUp       func(context.Context) error // rolls up finished accounting days
	Retention    func(context.Context) error // erases what is kept longer than its time

	Seal    func(ctx context.Context, window int64) error // seals a window whose cut-off has passed
	Build   func(ctx context.Context, batch int64) error  // makes the bytes of a sealed batch
	Deliver func(ctx context.Context, file int64) error   // brings a file to its center
	Apply   func(ctx context.Context, reply int64) error  // applies a stored reply

	Notify           func(context.Context, notification.Key) error     // tries to tell a merchant's server a result
	DueNotifications func(context.Context) ([]notification.Due, error) // those that may be tried now

	// MendTimes puts right what waits for an instant that lies further ahead than it can. It returns how many rows of each kind.
	MendTimes func(context.Context) (map[string]int, error)

	// Next tells from rows which steps of the night are to be done now.
	Next func(context.Context) (Next, error)
}

// Next are the steps that are to be done: windows to seal, batches to build, files to deliver, replies to apply.
type Next struct{ Seal, Build, Deliver, Apply []int64 }

func (n Next) jobs() []river.JobArgs {
	var out []river.JobArgs
	for _, id := range n.Seal {
		out = append(out, Seal{Step{id}})
	}
	for _, id := range n.Build {
		out = append(out, Build{Step{id}})
	}
	for _, id := range n.Deliver {
		out = append(out, Deliver{Step{id}})
	}
	for _, id := range n.Apply {
		out = append(out, Apply{Step{id}})
	}
	return out
}

// Options of a runner.
type Options struct {
	Pool      *pgxpool.Pool
	Schedules []config.Schedule
	Zone      *time.Location // of the schedules
	Jobs      Jobs
	Now       func() time.Time
	// Instant is the time of a transaction that queues work, and whether it is certain. Default: Now, certain.
	Instant func(ctx context.Context, tx pgx.Tx) (at time.Time, certain bool, err error)
	Log     *slog.Logger
	Tick    time.Duration // between looks at the rows; default 1 s
	Workers int           // jobs at a time; default 8
	Alive   time.Duration // between looks for workers that vanished; default 5 s
}

// Runner finds what is due, queues it and works the queue.
type Runner struct {
	Options
	client  *river.Client[pgx.Tx]
	cancel  context.CancelFunc
	done    sync.WaitGroup
	wake    chan struct{}
	more    chan struct{} // a notification was tried: another one may have its place
	mended  *prometheus.CounterVec
	looked  time.Time // when times were last mended
	id      string    // of this worker: in the queue, and of its lease
	alive   atomic.Pointer[postgres.Lease]
	rescued prometheus.Counter
}

// never is longer than a job runs.
const never = 10 * 365 * 24 * time.Hour

// New makes a runner that does nothing until Start.
func New(o Options) (*Runner, error) {
	if o.Tick == 0 {
		o.Tick = time.Second
	}
	if o.Workers == 0 {
		o.Workers = 8
	}
	if o.Instant == nil {
		o.Instant = func(context.Context, pgx.Tx) (time.Time, bool, error) { return o.Now(), true, nil }
	}
	if o.Alive == 0 {
		o.Alive = aliveEvery
	}
	r := &Runner{Options: o, id: postgres.Holder(), mended: newMended(), rescued: newRescued(), wake: make(chan struct{}, 1), more: make(chan struct{}, 1)}
	var err error
	r.client, err = river.NewClient(riverpgxv5.New(o.Pool), &river.Config{
		ID: r.id, RescueStuckJobsAfter: never, // a lease tells who is dead, not the length of a job
		Logger: slog.New(quiet{o.Log.Handler()}), Workers: r.workers(), JobTimeout: -1, MaxAttempts: 25,
		CompletedJobRetentionPeriod: time.Hour, ReindexerIndexNames: []string{}, // the application's role owns no index
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: o.Workers}, notifyQueue: {MaxWorkers: notifyWorkers}},
	})
	if err != nil {
		return nil, fmt.Errorf("make job queue: %w", err)
	}
	return r, nil
}

func (r *Runner) workers() *river.Workers {
	w := river.NewWorkers()
	j := r.Jobs
	river.AddWorker(w, &shell[PlanWindows]{runner: r, do: j.PlanWindows})
	river.AddWorker(w, &shell[Expire]{runner: r, do: j.Expire})
	river.AddWorker(w, &shell[Timeout]{runner: r, do: j.Timeout})
	river.AddWorker(w, &shell[Send]{runner: r, do: j.Send})
	river.AddWorker(w, &shell[FetchReplies]{runner: r, do: j.FetchReplies})
	river.AddWorker(w, &shell[ReconcileAuthorizations]{runner: r, do: j.Reconcile})
	river.AddWorker(w, &shell[Audit]{runner: r, do: j.Audit})
	river.AddWorker(w, &shell[RollUp]{runner: r, do: j.RollUp})
	river.AddWorker(w, &shell[Prune]{runner: r, do: r.Prune})
	river.AddWorker(w, &shell[Retention]{runner: r, do: j.Retention})
	river.AddWorker(w, &stepShell[Seal]{runner: r, do: j.Seal})
	river.AddWorker(w, &stepShell[Build]{runner: r, do: j.Build})
	river.AddWorker(w, &stepShell[Deliver]{runner: r, do: j.Deliver})
	river.AddWorker(w, &stepShell[Apply]{runner: r, do: j.Apply})
	river.AddWorker(w, &notifyShell{runner: r})
	return w
}

// Start registers the schedules, then looks at the rows and works the queue until Stop.
func (r *Runner) Start(ctx context.Context) error {
	if err := r.Register(ctx); err != nil {
		return err
	}
	if err := r.live(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	// The queue's life does not hang on the context of the start.
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r.cancel = cancel
	if err := r.client.Start(context.WithoutCancel(ctx)); err != nil {
		cancel()
		r.alive.Load().Release(ctx)
		return fmt.Errorf("start job queue: %w", err)
	}
	r.done.Go(func() { r.aliveLoop(run) })
	r.done.Go(func() { r.tickLoop(run) })
	r.done.Go(func() { r.sendLoop(run) })
	r.done.Go(func() { r.notifyLoop(run) })
	return nil
}

// Stop takes no new work and waits for what is running. When ctx ends first, what is running is canceled; the rows say
// what remains, and the next worker goes on.
func (r *Runner) Stop(ctx context.Context) error {
	r.cancel()
	r.done.Wait()
	defer func() { r.alive.Load().Release(ctx) }()
	err := r.client.Stop(ctx)
	if err == nil || !errors.Is(err, ctx.Err()) {
		return err
	}
	hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return r.client.StopAndCancel(hard)
}

// Enqueue queues a step of the night in the transaction that makes it possible.
func (r *Runner) Enqueue(ctx context.Context, tx pgx.Tx, kind clearing.JobKind, id int64) error {
	var args river.JobArgs
	switch kind {
	case clearing.JobBuild:
		args = Build{Step{id}}
	case clearing.JobDeliver:
		args = Deliver{Step{id}}
	case clearing.JobApply:
		args = Apply{Step{id}}
	default:
		return fmt.Errorf("queue a step of the night: there is no kind %q", kind)
	}
	if _, err := r.client.InsertTx(ctx, tx, args, nil); err != nil {
		return fmt.Errorf("queue a step of the night: %w", err)
	}
	return nil
}

// Wake sends owed messages at once instead of at the next slot. It does not block.
func (r *Runner) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *Runner) sendLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		}
		if err := r.Jobs.Send(ctx); err != nil && ctx.Err() == nil {
			r.Log.Warn("owed messages were not all sent", slog.Any("err", err))
		}
	}
}

func (r *Runner) tickLoop(ctx context.Context) {
	ticker := time.NewTicker(r.Options.Tick)
	defer ticker.Stop()
	for {
		if err := r.Tick(ctx); err != nil && ctx.Err() == nil {
			r.Log.Error("due work was not queued", slog.Any("err", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Tick queues everything that is due now. Any number of workers may call it at once.
func (r *Runner) Tick(ctx context.Context) error {
	now := r.Now()
	var failed []error
	for _, s := range r.Schedules {
		if _, err := r.queueDue(ctx, s, now); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(append(failed, r.mendTimes(ctx, now), r.queueSteps(ctx))...)
}

// mendEvery is the time between two looks for instants that are too far ahead.
const mendEvery = time.Minute

func (r *Runner) mendTimes(ctx context.Context, now time.Time) error {
	if now.Sub(r.looked).Abs() < mendEvery {
		return nil
	}
	r.looked = now
	rows, err := r.Jobs.MendTimes(ctx)
	for kind, n := range rows {
		if n > 0 {
			r.mended.WithLabelValues(kind).Add(float64(n))
			r.Log.WarnContext(ctx, "times stood too far in the future and were mended", slog.String("of", kind), slog.Int("rows", n))
		}
	}
	return err
}

// queueSteps queues what was found, beside what could not be asked for.
func (r *Runner) queueSteps(ctx context.Context) error {
	next, unread := r.Jobs.Next(ctx)
	var params []river.InsertManyParams
	for _, args := range next.jobs() {
		params = append(params, river.InsertManyParams{Args: args})
	}
	var unqueued error
	if len(params) > 0 {
		_, unqueued = r.client.InsertMany(ctx, params)
	}
	if err := errors.Join(unread, unqueued); err != nil {
		return fmt.Errorf("queue steps of the night: %w", err)
	}
	return nil
}

// quiet lowers the queue's notes about its own life to debug.
type quiet struct{ slog.Handler }

// Enabled leaves out what the queue says below a warning, unless debug is asked for.
func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && q.Handler.Enabled(ctx, level) || q.Handler.Enabled(ctx, slog.LevelDebug)
}
