package work

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"settled/internal/postgres"

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

	ReconcileAuthorizations struct{ Run }
)

func (PlanWindows) Kind() string  { return "plan-windows" }
func (Expire) Kind() string       { return "expire" }
func (Timeout) Kind() string      { return "timeout" }
func (Send) Kind() string         { return "send" }
func (FetchReplies) Kind() string { return "fetch-replies" }
func (Audit) Kind() string        { return "audit" }
func (RollUp) Kind() string       { return "rollup" }

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
	r, name := s.runner, job.Args.Kind()
	var note string
	ran, err := r.alone(ctx, name, s.do)
	if !ran && err == nil {
		note = "an earlier run still goes on"
	}
	if err != nil {
		note = err.Error()
		r.Log.Error("job was not done", slog.String("job", name), slog.String("slot", job.Args.slot()), slog.Any("err", err))
	}
	// The run is noted even when the process is being stopped: the function has done what it could.
	saved, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if _, e := r.Pool.Exec(saved, finishRun, name, job.Args.slot(), r.Now(), note); e != nil {
		r.Log.Error("run was not noted", slog.String("job", name), slog.Any("err", e))
	}
	return err
}

// runLock is the class of the session locks under which recurring jobs run, apart from every other advisory lock.
const runLock = 0x5e77a0

// alone runs fn unless a run of the same schedule goes on anywhere. The lock ends with the connection, so the death of a
// worker blocks nobody.
func (r *Runner) alone(ctx context.Context, name string, fn func(context.Context) error) (ran bool, err error) {
	conn, err := r.Pool.Acquire(ctx)
	if err != nil {
		return false, fmt.Errorf("lock schedule %s: %w", name, err)
	}
	defer conn.Release()
	if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1, hashtext($2))`, runLock, name).Scan(&ran); err != nil || !ran {
		return false, err
	}
	defer func() {
		_, unlocked := conn.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1, hashtext($2))`, runLock, name)
		if unlocked != nil { // the lock goes with the connection
			_ = conn.Conn().Close(context.WithoutCancel(ctx))
		}
	}()
	return true, fn(ctx)
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
	err := s.do(ctx, job.Args.id())
	if err != nil {
		s.runner.Log.Error("step was not done", slog.String("step", job.Args.Kind()), slog.Int64("id", job.Args.id()),
			slog.Int("attempt", job.Attempt), slog.String("outcome", postgres.Kind(err).String()), slog.Any("err", err))
	}
	return err
}
