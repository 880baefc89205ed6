package work

import (
	"context"
	"errors"
	"fmt"
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
	lockDueSchedule = `SELECT next_at FROM schedules WHERE name = $1 AND next_at <= $2 FOR UPDATE SKIP LOCKED`
	insertRun       = `INSERT INTO schedule_runs (name, slot, due_at, queued_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`
	moveSchedule    = `UPDATE schedules SET next_at = $2, next_slot = $3 WHERE name = $1`
	finishRun       = `
WITH run AS (
	UPDATE schedule_runs SET finished_at = $3, error = $4 WHERE name = $1 AND slot = $2
)
UPDATE schedules SET last_ok_at = greatest(last_ok_at, $3) WHERE name = $1 AND $4 = ''`
	pruneRuns = `DELETE FROM schedule_runs WHERE queued_at < $1`
)

// queueDue queues the run of a schedule whose next slot has come, and reports whether it did. Of several missed slots the
// last one runs, and stands for all.
func (r *Runner) queueDue(ctx context.Context, s config.Schedule, now time.Time) (queued bool, err error) {
	err = postgres.InTx(ctx, r.Pool, postgres.Key{Name: "schedule/" + s.Name}, func(tx pgx.Tx) error {
		queued = false
		var next time.Time
		err := tx.QueryRow(ctx, lockDueSchedule, s.Name, now).Scan(&next)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("lock schedule: %w", err)
		}
		slot, ok := s.Spec.Latest(next.Add(-time.Nanosecond), now)
		if ok {
			if queued, err = r.queueSlot(ctx, tx, s.Name, slot.Key, slot.At); err != nil {
				return err
			}
		}
		if slot, ok = s.Spec.Next(now); !ok {
			return fmt.Errorf("%q has no next slot", s.Spec)
		}
		_, err = tx.Exec(ctx, moveSchedule, s.Name, slot.At, slot.Key)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("schedule %s: %w", s.Name, err)
	}
	return queued, nil
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

// Prune forgets the runs that are older than a week.
func (r *Runner) Prune(ctx context.Context) error {
	if _, err := r.Pool.Exec(ctx, pruneRuns, r.Now().AddDate(0, 0, -7)); err != nil {
		return fmt.Errorf("prune schedule runs: %w", err)
	}
	return nil
}
