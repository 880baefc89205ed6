package clearing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"settled/clearing/rows"
	"settled/internal/postgres"
	"settled/schedules"
	"settled/settle"

	"github.com/jackc/pgx/v5"
)

// ErrNoneLeft means a replan after which a center would have no window at all.
var ErrNoneLeft = errors.New("clearing: no window would be left")

// Replanned is what a replan did, or would do.
type Replanned struct {
	Center  string            `json:"center"`
	Replan  int32             `json:"replan,omitempty"` // 0: nothing was changed
	Stays   []PlannedWindow   `json:"stays"`            // differ from the plan and are not changed
	Removed []PlannedWindow   `json:"removed"`
	Made    []PlannedInstants `json:"made"`
}

// PlannedInstants is a window that the configuration plans.
type PlannedInstants struct {
	BusinessDate schedules.Date `json:"business_date"`
	No           int            `json:"window_no"`
	CutoffAt     time.Time      `json:"cutoff_at"`
	DeadlineAt   time.Time      `json:"deadline_at"`
}

// Replan plans the windows of a center anew after its calendar or its cut-offs were changed, under the center's lock, which every
// writer of a record and the seal hold. Windows whose cut-off has passed, that are sealed or hold records, and those before one
// of these stay as they are. Those from the business date from on that differ from the plan are removed, what is planned is made.
// The reason is kept. With dry nothing is changed and no reason is needed. Errors: schedules.ErrBeyondHorizon when the calendar
// does not cover the windows that exist, ErrNoneLeft, states.ErrNotFound for a center that does not clear by file.
func (n *Night) Replan(ctx context.Context, center int16, from time.Time, reason string, dry bool) (done Replanned, err error) {
	s, err := n.station(center)
	if err != nil {
		return done, err
	}
	if dry {
		l, err := n.toReplan(ctx, n.Pool, s, from)
		return s.replanned(l), err
	}
	err = postgres.InTx(ctx, n.Pool, rows.Key("replan %s", s.Name), func(tx pgx.Tx) error {
		if err := rows.ByIndex(ctx, tx); err != nil {
			return err
		}
		if err := settle.LockCenter(ctx, tx, s.ID); err != nil {
			return err
		}
		l, err := n.toReplan(ctx, tx, s, from)
		if err != nil {
			return err
		}
		done = s.replanned(l)
		done.Replan, err = n.replan(ctx, tx, s, l, done, reason)
		return err
	})
	if err != nil {
		return Replanned{}, fmt.Errorf("replan %s: %w", s.Name, err)
	}
	n.Log.InfoContext(ctx, "windows planned anew", slog.String("center", s.Name), slog.Int("removed", len(done.Removed)), slog.Int("made", len(done.Made)), slog.String("reason", reason))
	return done, nil
}

// toReplan is the layout from a business date on, as far as the calendar is known.
func (n *Night) toReplan(ctx context.Context, q postgres.Querier, s *station, from time.Time) (layout, error) {
	l, err := n.layout(ctx, q, s, n.now(), from)
	return l, errors.Join(err, l.short)
}

func (s *station) replanned(l layout) Replanned {
	r := Replanned{Center: s.Name, Stays: []PlannedWindow{}, Removed: append([]PlannedWindow{}, l.removed...), Made: []PlannedInstants{}}
	for _, w := range l.windows {
		if w.Stays != "" && w.Differs != "" {
			r.Stays = append(r.Stays, w)
		}
	}
	for _, o := range l.made {
		r.Made = append(r.Made, PlannedInstants{o.BusinessDate, o.WindowNo, o.CutoffAt.UTC(), o.DeadlineAt.UTC()})
	}
	return r
}

const (
	insertReplan  = `INSERT INTO replans (center_id, stream, at, reason, removed, made) VALUES ($1, $2, $3, $4, $5, $6) RETURNING replan_id`
	deleteWindows = `DELETE FROM windows WHERE window_id = ANY ($1)`
)

// replan writes why, removes and makes windows, and goes on with the plan to its usual end. It returns the number of the replan, 0
// when nothing differs.
func (n *Night) replan(ctx context.Context, tx pgx.Tx, s *station, l layout, done Replanned, reason string) (id int32, err error) {
	if l.differing() == 0 {
		return 0, nil
	}
	now := n.now()
	if err := tx.QueryRow(ctx, insertReplan, s.ID, s.Stream, now, reason, done.Removed, done.Made).Scan(&id); err != nil {
		return 0, fmt.Errorf("keep the reason: %w", err)
	}
	ids := []int32{}
	for _, w := range l.removed {
		ids = append(ids, w.ID)
	}
	if _, err := tx.Exec(ctx, deleteWindows, ids); err != nil {
		return 0, err
	}
	if _, err := insertPlanned(ctx, tx, s, l.made, &id, now); err != nil {
		return 0, err
	}
	ahead, err := s.ahead(now)
	if err != nil {
		return 0, err
	}
	if _, err := n.appendLocked(ctx, tx, s, ahead, &id, now); err != nil {
		return 0, err
	}
	return id, n.someLeft(ctx, tx, s, now)
}

func (n *Night) someLeft(ctx context.Context, tx pgx.Tx, s *station, now time.Time) error {
	after, err := n.layout(ctx, tx, s, now, time.Time{})
	if err == nil && !after.end().After(now) {
		err = fmt.Errorf("%w at %s: the calendar has no business day within %d days", ErrNoneLeft, s.Name, PlanAhead)
	}
	return err
}
