package work

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"settled/internal/postgres"
)

// aliveEvery is the pause between two looks at the worker's own lease and at the jobs of workers that vanished.
const aliveEvery = 5 * time.Second

// workerLease begins the name of a worker's own lease.
const workerLease = "worker/"

// live takes the worker's own lease: while it stands, the jobs that the queue shows as running by this worker are.
func (r *Runner) live(ctx context.Context) error {
	lease, err := postgres.TryLease(ctx, r.Pool, workerLease+r.id, r.id)
	if err != nil {
		return err
	}
	if lease == nil {
		return fmt.Errorf("worker %s has a lease already", r.id)
	}
	r.alive.Store(lease)
	return nil
}

// whileAlive returns a context that ends when the worker's lease is lost: its jobs are given to others then.
func (r *Runner) whileAlive(ctx context.Context) (context.Context, func()) {
	lease := r.alive.Load().Context()
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(lease, func() { cancel(context.Cause(lease)) })
	return ctx, func() { stop(); cancel(nil) }
}

// aliveLoop takes the lease anew when it was lost, and rescues jobs, until ctx ends. What was begun under the lost lease stays
// canceled.
func (r *Runner) aliveLoop(ctx context.Context) {
	ticker := time.NewTicker(r.Options.Alive)
	defer ticker.Stop()
	for {
		if r.alive.Load().Context().Err() != nil {
			r.Log.Error("this worker was not heard of for too long: its jobs were canceled and may go on elsewhere")
			if err := r.live(context.WithoutCancel(ctx)); err != nil && ctx.Err() == nil {
				r.Log.Warn("worker has no lease", slog.Any("err", err))
			}
		}
		if err := r.rescue(ctx); err != nil && ctx.Err() == nil {
			r.Log.Error("jobs of vanished workers were not rescued", slog.Any("err", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// rescueJobs gives the jobs of workers whose lease has ended to others; one that may not be repeated is discarded. A worker that
// never had a lease is of an earlier release: it gets an hour.
const rescueJobs = `
UPDATE river_job j SET errors = array_append(errors, jsonb_build_object('at', clock_timestamp(), 'attempt', attempt, 'error', 'its worker vanished', 'trace', '')),
	state = CASE WHEN attempt < max_attempts THEN 'available' ELSE 'discarded' END::river_job_state,
	scheduled_at = CASE WHEN attempt < max_attempts THEN clock_timestamp() ELSE scheduled_at END,
	finalized_at = CASE WHEN attempt < max_attempts THEN NULL ELSE clock_timestamp() END
FROM (SELECT r.id FROM river_job r LEFT JOIN leases l ON l.name = 'worker/' || r.attempted_by[array_upper(r.attempted_by, 1)]
	WHERE r.state = 'running' AND (l.until <= clock_timestamp() OR l.name IS NULL AND r.attempted_at < clock_timestamp() - interval '1 hour')
	ORDER BY r.id LIMIT 1000 FOR UPDATE OF r SKIP LOCKED) dead
WHERE j.id = dead.id AND j.state = 'running'`

func (r *Runner) rescue(ctx context.Context) error {
	tag, err := r.Pool.Exec(ctx, rescueJobs)
	if err != nil {
		return err
	}
	if n := tag.RowsAffected(); n > 0 {
		r.rescued.Add(float64(n))
		r.Log.Warn("jobs of workers that vanished were taken over", slog.Int64("jobs", n))
	}
	return nil
}
