package work

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"settled/internal/config"
	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// A changed spec or zone starts anew from the next slot of the new one.
const upsertSchedule = `
INSERT INTO schedules (name, spec, zone, next_at, next_slot) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (name) DO UPDATE SET spec = excluded.spec, zone = excluded.zone, next_at = excluded.next_at, next_slot = excluded.next_slot
WHERE schedules.spec <> excluded.spec OR schedules.zone <> excluded.zone`

// Register writes the rows of the configured schedules. A row that exists keeps its next slot, so that what fell due while
// no worker was up is made up for.
func (r *Runner) Register(ctx context.Context) error {
	for _, s := range r.Schedules {
		slot, ok := s.Spec.Next(r.Now())
		if !ok {
			return fmt.Errorf("schedule %s: %q has no next slot", s.Name, s.Spec)
		}
		if _, err := r.Pool.Exec(ctx, upsertSchedule, s.Name, s.Spec.String(), r.Zone.String(), slot.At, slot.Key); err != nil {
			return fmt.Errorf("register schedule %s: %w", s.Name, err)
		}
	}
	return nil
}

const (
	// A slot after the first one to come is none of this spec: somebody's clock was ahead when it was written.
	lockDueSchedule = `
SELECT next_at FROM schedules WHERE name = $1 AND (next_at <= $2 OR next_at > $3 AND spec = $4 AND zone = $5) FOR UPDATE SKIP LOCKED`
	insertRun    = `INSERT INTO schedule_runs (name, slot, due_at, queued_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`
	moveSchedule = `UPDATE schedules SET next_at = $2, next_slot = $3 WHERE name = $1`
	forgetRuns   = `DELETE FROM schedule_runs WHERE name = $1 AND due_at > $2`
	lastRun      = `SELECT max(due_at) FROM schedule_runs WHERE name = $1`
	// A run whose lease went to another worker notes nothing.
	finishRun = `
WITH held AS (
	SELECT 1 WHERE $6::bigint = 0 OR EXISTS (SELECT FROM leases WHERE name = $5 AND fence = $6)
), run AS (
	UPDATE schedule_runs SET finished_at = $3, error = $4 WHERE name = $1 AND slot = $2 AND EXISTS (SELECT FROM held)
)
UPDATE schedules SET last_ok_at = greatest(last_ok_at, $3) WHERE name = $1 AND $4 = '' AND EXISTS (SELECT FROM held)`
	pruneRuns   = `DELETE FROM schedule_runs WHERE queued_at < $1`
	pruneLeases = `DELETE FROM leases WHERE name LIKE 'worker/%' AND until < clock_timestamp() - interval '7 days'`
)

// queueDue queues the run of a schedule whose next slot has come, and reports whether it did. Of several missed slots the
// last one runs, and stands for all. now only finds the row: what is due is decided by the time of the transaction, and the slot
// after it is computed from the slot itself.
func (r *Runner) queueDue(ctx context.Context, s config.Schedule, now time.Time) (queued bool, err error) {
	first, ok := s.Spec.Next(now)
	if !ok {
		return false, fmt.Errorf("schedule %s: %q has no next slot", s.Name, s.Spec)
	}
	err = postgres.InTx(ctx, r.Pool, postgres.Key{Name: "schedule/" + s.Name}, func(tx pgx.Tx) error {
		queued = false
		var next time.Time
		err := tx.QueryRow(ctx, lockDueSchedule, s.Name, now, first.At, s.Spec.String(), r.Zone.String()).Scan(&next)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("lock schedule: %w", err)
		}
		queued, err = r.queueLocked(ctx, tx, s, next)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("schedule %s: %w", s.Name, err)
	}
	return queued, nil
}

// queueLocked queues the slot of a locked schedule that has come, if one has.
func (r *Runner) queueLocked(ctx context.Context, tx pgx.Tx, s config.Schedule, next time.Time) (queued bool, err error) {
	now, certain, err := r.Instant(ctx, tx)
	if err != nil {
		return false, err
	}
	if certain {
		if next, err = r.mend(ctx, tx, s, next, now); err != nil {
			return false, err
		}
	}
	if next.After(now) {
		return false, nil
	}
	last := now
	if slot, ok := s.Spec.Latest(next.Add(-time.Nanosecond), now); ok {
		if queued, err = r.queueSlot(ctx, tx, s.Name, slot.Key, slot.At); err != nil {
			return false, err
		}
		last = slot.At
	}
	slot, ok := s.Spec.Next(last)
	if !ok {
		return false, fmt.Errorf("%q has no next slot", s.Spec)
	}
	_, err = tx.Exec(ctx, moveSchedule, s.Name, slot.At, slot.Key)
	return queued, err
}

// mend returns the next slot of a schedule. One that is later than the first slot to come was written by a clock that was
// ahead: the runs of slots that have not come are forgotten, and the slot after the last run is the next.
func (r *Runner) mend(ctx context.Context, tx pgx.Tx, s config.Schedule, next, now time.Time) (time.Time, error) {
	slot, ok := s.Spec.Next(now)
	if !ok || !next.After(slot.At) {
		return next, nil
	}
	if _, err := tx.Exec(ctx, forgetRuns, s.Name, now); err != nil {
		return next, err
	}
	var last *time.Time
	if err := tx.QueryRow(ctx, lastRun, s.Name).Scan(&last); err != nil {
		return next, err
	}
	if last != nil {
		slot, _ = s.Spec.Next(*last)
	}
	r.mended.WithLabelValues("schedule").Inc()
	r.Log.WarnContext(ctx, "schedule stood in the future and was mended", slog.String("schedule", s.Name), slog.Time("stood_at", next), slog.Time("next", slot.At))
	_, err := tx.Exec(ctx, moveSchedule, s.Name, slot.At, slot.Key)
	return slot.At, err
}

// queueSlot notes the run and queues its job.
func (r *Runner) queueSlot(ctx context.Context, tx pgx.Tx, name, slot string, due time.Time) (bool, error) {
	tag, err := tx.Exec(ctx, insertRun, name, slot, due, r.Now())
	if err != nil || tag.RowsAffected() == 0 {
		return false, err
	}
	if _, err := r.client.InsertTx(ctx, tx, recurring[name](Run{Slot: slot}), nil); err != nil {
		return false, fmt.Errorf("queue job: %w", err)
	}
	return true, nil
}

// Prune forgets the runs that are older than a week, the workers that ended then, and the tokens of transactions that nobody
// asks about any more.
func (r *Runner) Prune(ctx context.Context) error {
	return errors.Join(r.pruneRuns(ctx), postgres.Forget(ctx, r.Pool))
}

func (r *Runner) pruneRuns(ctx context.Context) error {
	if _, err := r.Pool.Exec(ctx, pruneRuns, r.Now().AddDate(0, 0, -7)); err != nil {
		return fmt.Errorf("prune schedule runs: %w", err)
	}
	if _, err := r.Pool.Exec(ctx, pruneLeases); err != nil {
		return fmt.Errorf("prune leases of workers: %w", err)
	}
	return nil
}
