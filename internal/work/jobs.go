package work

import (
	"context"
	"log/slog"
	"time"

	"settled/internal/postgres"
	"settled/internal/vault"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// Run is what a recurring job is told: the slot of its schedule.
type Run struct {
	Slot string `json:"slot"`
}

// slot of the run.
func (r Run) slot() string { return r.Slot }

// InsertOpts never repeats a recurring job: its next slot does its work.
func (Run) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 1} }

// Step is what a step of the night is told: the window, file or reply that it is about.
type Step struct {
	ID int64 `json:"id" river:"unique"`
}

func (s Step) id() int64 { return s.ID }

// InsertOpts makes a step unique by what it is about while one is queued or running.
func (Step) InsertOpts() river.InsertOpts {
	return river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: live}}
}

// live are the states of a job that is still to be done.
var live = []rivertype.JobState{rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning,
	rivertype.JobStateRetryable, rivertype.JobStateScheduled}

// The recurring jobs, named as their schedules.
type (
	PlanWindows  struct{ Run }
	Expire       struct{ Run }
	Timeout      struct{ Run }
	Send         struct{ Run }
	FetchReplies struct{ Run }
	Audit        struct{ Run }
	RollUp       struct{ Run }
	Prune        struct{ Run }
	Retention    struct{ Run }

	ReconcileAuthorizations struct{ Run }
)

func (PlanWindows) Kind() string  { return "plan-windows" }
func (Expire) Kind() string       { return "expire" }
func (Timeout) Kind() string      { return "timeout" }
func (Send) Kind() string         { return "send" }
func (FetchReplies) Kind() string { return "fetch-replies" }
func (Audit) Kind() string        { return "audit" }
func (RollUp) Kind() string       { return "rollup" }
func (Prune) Kind() string        { return "prune" }
func (Retention) Kind() string    { return "retention" }

func (ReconcileAuthorizations) Kind() string { return "reconcile-authorizations" }

// The steps of the night: of a window, a batch, a file, a reply.
type (
	Seal    struct{ Step }
	Build   struct{ Step }
	Deliver struct{ Step }
	Apply   struct{ Step }
)

func (Seal) Kind() string    { return "seal" }
func (Build) Kind() string   { return "build" }
func (Deliver) Kind() string { return "deliver" }
func (Apply) Kind() string   { return "apply-reply" }

// recurring makes the job of a schedule.
var recurring = map[string]func(Run) river.JobArgs{
	"plan-windows":  func(r Run) river.JobArgs { return PlanWindows{r} },
	"expire":        func(r Run) river.JobArgs { return Expire{r} },
	"timeout":       func(r Run) river.JobArgs { return Timeout{r} },
	"send":          func(r Run) river.JobArgs { return Send{r} },
	"fetch-replies": func(r Run) river.JobArgs { return FetchReplies{r} },
	"audit":         func(r Run) river.JobArgs { return Audit{r} },
	"rollup":        func(r Run) river.JobArgs { return RollUp{r} },
	"prune":         func(r Run) river.JobArgs { return Prune{r} },
	"retention":     func(r Run) river.JobArgs { return Retention{r} },

	"reconcile-authorizations": func(r Run) river.JobArgs { return ReconcileAuthorizations{r} },
}

// shell is the worker of a recurring job.
type shell[T interface {
	river.JobArgs
	slot() string
}] struct {
	river.WorkerDefaults[T]
	runner *Runner
	do     func(context.Context) error
}

// Timeout gives a job as long as it needs: what bounds it is its own statements and connections.
func (*shell[T]) Timeout(*river.Job[T]) time.Duration { return -1 }

// Work calls the function and notes how it went. Where an earlier run of the schedule still goes on, it does nothing.
func (s *shell[T]) Work(ctx context.Context, job *river.Job[T]) error {
	r, name, slot := s.runner, job.Args.Kind(), job.Args.slot()
	ran, err := r.alone(ctx, name, func(ctx context.Context, fence int64) error {
		err := s.do(ctx)
		note := ""
		if err != nil {
			note = vault.Words(err.Error())
			r.Log.Error("job was not done", slog.String("job", name), slog.String("slot", slot), slog.Any("err", err))
		}
		r.note(ctx, name, slot, note, fence)
		return err
	})
	if err == nil && !ran {
		r.note(ctx, name, slot, "an earlier run still goes on", 0)
	}
	return quietly(err)
}

// note keeps how a run went, even when the process is being stopped: the function has done what it could.
func (r *Runner) note(ctx context.Context, name, slot, note string, fence int64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if _, err := r.Pool.Exec(ctx, finishRun, name, slot, r.Now(), note, leaseOf(name), fence); err != nil {
		r.Log.Error("run was not noted", slog.String("job", name), slog.Any("err", err))
	}
}

func leaseOf(schedule string) string { return "schedule/" + schedule }

// alone runs fn under the lease of a schedule and tells it the lease's fence, unless a run of it goes on anywhere. fn is
// canceled when the lease, or the worker's own, is lost: another worker may be at it.
func (r *Runner) alone(ctx context.Context, name string, fn func(ctx context.Context, fence int64) error) (ran bool, err error) {
	ctx, end := r.whileAlive(ctx)
	defer end()
	lease, err := postgres.TryLease(ctx, r.Pool, leaseOf(name), r.id)
	if err != nil || lease == nil {
		return false, err
	}
	defer lease.Release(ctx)
	return true, fn(lease.Context(), lease.Fence)
}

// stepShell is the worker of a step of the night.
type stepShell[T interface {
	river.JobArgs
	id() int64
}] struct {
	river.WorkerDefaults[T]
	runner *Runner
	do     func(context.Context, int64) error
}

// Timeout gives a step as long as it needs.
func (*stepShell[T]) Timeout(*river.Job[T]) time.Duration { return -1 }

// Work calls the function. An error is repeated by River.
func (s *stepShell[T]) Work(ctx context.Context, job *river.Job[T]) error {
	ctx, end := s.runner.whileAlive(ctx)
	defer end()
	err := s.do(ctx, job.Args.id())
	if err != nil {
		s.runner.Log.Error("step was not done", slog.String("step", job.Args.Kind()), slog.Int64("id", job.Args.id()),
			slog.Int("attempt", job.Attempt), slog.String("outcome", postgres.Kind(err).String()), slog.Any("err", err))
	}
	return quietly(err)
}

// plainError is an error whose text the queue keeps: without card data.
type plainError struct{ error }

// quietly returns err as the queue may keep it.
func quietly(err error) error {
	if err == nil {
		return nil
	}
	return plainError{err}
}

// Error returns the text of the error without card data.
func (q plainError) Error() string { return vault.Words(q.error.Error()) }

// Unwrap returns the error itself.
func (q plainError) Unwrap() error { return q.error }
