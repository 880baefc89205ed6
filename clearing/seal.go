package clearing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"settled/clearing/files"
	"settled/clearing/rows"
	"settled/clearing/states"
	"settled/internal/money"
	"settled/internal/postgres"
	"settled/settle"
	"settled/settle/totals"

	"github.com/jackc/pgx/v5"
)

// A seal is two commits: the first shuts the writers out of a window, the second counts what is in it.

var (
	dueWindows = selectWindow + `
WHERE center_id = $1 AND stream = $2 AND state IN ` + states.NotSealed + ` AND cutoff_at <= $3 ORDER BY cutoff_at`
	windowByID   = selectWindow + `WHERE window_id = $1`
	earlierUnset = `
SELECT count(*) FROM windows WHERE center_id = $1 AND stream = $2 AND state IN ` + states.NotSealed + ` AND cutoff_at < $3`
)

// SealDue seals every window whose cut-off has come, in order of the cut-offs of each center: after a downtime one after
// the other, each with its own business date and number. It returns how many it sealed.
func (n *Night) SealDue(ctx context.Context, now time.Time) (int, error) {
	return n.each(ctx, now, n.sealCenter)
}

func (n *Night) sealCenter(ctx context.Context, s *station, now time.Time) (int, error) {
	due, err := n.windowsDue(ctx, s, now)
	if err != nil {
		return 0, err
	}
	for i, w := range due {
		err := n.SealWindow(ctx, w.ID)
		if errors.Is(err, states.ErrHeld) {
			return i, nil
		}
		if err != nil {
			return i, err
		}
	}
	return len(due), nil
}

// windowsDue are those whose cut-off has come and that are not sealed, in order.
func (n *Night) windowsDue(ctx context.Context, s *station, now time.Time) ([]Window, error) {
	due, err := rows.Collect[Window](ctx, n.Pool, dueWindows, s.ID, s.Stream, now)
	if err != nil {
		return nil, fmt.Errorf("read windows due: %w", err)
	}
	return due, nil
}

// SealWindow seals one window whose cut-off has come. A window that is sealed already stays as it is. Errors: states.ErrNotFound,
// states.ErrNotDue, states.ErrOrder while an earlier window of the center is not sealed, ErrClock while the clocks disagree, states.ErrHeld.
func (n *Night) SealWindow(ctx context.Context, id int32) error {
	w, err := rows.One[Window](ctx, n.Pool, windowByID, id)
	if err != nil {
		return fmt.Errorf("seal window %d: %w", id, err)
	}
	s, err := n.station(w.Center)
	if err != nil {
		return fmt.Errorf("seal window %d: %w", id, err)
	}
	started := n.now()
	if w.State == states.WindowOpen {
		if err := n.shutOut(ctx, s, w, w.CutoffAt, func() (time.Time, error) { return w.dueAt(n.now()) }, func(pgx.Tx) error { return nil }); err != nil {
			return fmt.Errorf("seal window %d of %s: %w", id, s.Name, err)
		}
	}
	if err := n.count(ctx, s, id); err != nil {
		return fmt.Errorf("seal window %d of %s: %w", id, s.Name, err)
	}
	n.metrics.phase(s.Name, "seal", n.now().Sub(started))
	return nil
}

func (w Window) dueAt(now time.Time) (time.Time, error) {
	if w.CutoffAt.After(now) {
		return time.Time{}, fmt.Errorf("%w: cut-off is at %s", states.ErrNotDue, w.CutoffAt.Format(time.RFC3339))
	}
	return now, nil
}

// continueDay makes a window of the same business date, with the cut-off that a window had before it was cut.
const continueDay = `
INSERT INTO windows (center_id, stream, business_date, window_no, cutoff_at, deadline_at, calendar, planned_at, replan_id)
SELECT center_id, stream, business_date, (SELECT max(window_no) + 1 FROM windows x
	WHERE (x.center_id, x.stream, x.business_date) = (w.center_id, w.stream, w.business_date)), $2, deadline_at, calendar, planned_at, replan_id
FROM windows w WHERE window_id = $1 AND cutoff_at < $2`

// SealNow cuts the open window of a center before its time: its cut-off becomes this instant. What is confirmed from now on
// belongs to a further window of the same business date, which keeps the cut-off that was planned. It returns the window that
// it sealed. states.ErrNotDue tells that the open window is of a business date that has not begun.
func (n *Night) SealNow(ctx context.Context, center int16) (Window, error) {
	s, err := n.station(center)
	if err != nil {
		return Window{}, err
	}
	w, err := rows.One[Window](ctx, n.Pool, nextWindow, s.ID, s.Stream)
	if err != nil {
		return Window{}, fmt.Errorf("find the open window of %s: %w", s.Name, err)
	}
	err = n.shutOut(ctx, s, w, time.Time{}, func() (time.Time, error) { return w.cutAt(s, n.now()) }, func(tx pgx.Tx) error {
		if err := rows.ByIndex(ctx, tx); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, continueDay, w.ID, w.CutoffAt)
		return err
	})
	if err != nil {
		return Window{}, fmt.Errorf("seal window %d of %s: %w", w.ID, s.Name, err)
	}
	if err := n.SealWindow(ctx, w.ID); err != nil {
		return Window{}, err
	}
	return rows.One[Window](ctx, n.Pool, windowByID, w.ID)
}

// cutAt refuses to cut a window before its business date has begun: its file would be dated ahead.
func (w Window) cutAt(s *station, now time.Time) (time.Time, error) {
	if today := now.In(s.Plan.Zone).Format(time.DateOnly); w.BusinessDate.Format(time.DateOnly) > today {
		return time.Time{}, fmt.Errorf("%w: the open window is of business date %s, and today is %s", states.ErrNotDue, w.BusinessDate.Format(time.DateOnly), today)
	}
	return now, nil
}

// beginSeal moves the cut-off of a window that is cut before its time, but never to that of the window before it.
var beginSeal = `
UPDATE windows w SET ` + states.ShutWindow.Set() + `, sealing_at = $2, cutoff_at = least(cutoff_at, greatest($2,
	(SELECT max(cutoff_at) + interval '1 microsecond' FROM windows e WHERE e.center_id = w.center_id AND e.stream = w.stream AND e.cutoff_at < w.cutoff_at)))
WHERE window_id = $1 AND ` + states.ShutWindow.May()

// shutOut is the first commit of a seal: under the center's exclusive lock the window stops being open. Whoever writes a
// record of the center has committed before, or will look for a window afterwards. at is called under the lock, so no
// record that is in the window was born after it. due is the instant that must have come by every clock; then is what follows
// in the same commit.
func (n *Night) shutOut(ctx context.Context, s *station, w Window, due time.Time, at func() (time.Time, error), then func(pgx.Tx) error) error {
	return postgres.InTx(ctx, n.Pool, rows.Key("window/%d/shut out", w.ID), func(tx pgx.Tx) error {
		if err := errors.Join(files.Free(ctx, tx, s.ID, s.Name), n.Reached(ctx, tx, due)); err != nil { // before the lock: writers wait no longer for it
			return err
		}
		if err := settle.LockCenter(ctx, tx, w.Center); err != nil {
			return err
		}
		now, err := at()
		if err != nil {
			return err
		}
		var earlier int
		if err := tx.QueryRow(ctx, earlierUnset, w.Center, w.Stream, w.CutoffAt).Scan(&earlier); err != nil {
			return err
		}
		if earlier > 0 {
			return fmt.Errorf("%w: %d earlier windows are not sealed", states.ErrOrder, earlier)
		}
		tag, err := tx.Exec(ctx, beginSeal, w.ID, now)
		if err != nil || tag.RowsAffected() != 1 {
			return err
		}
		return then(tx)
	})
}

var endSeal = `UPDATE windows SET state = $2, sealed_at = $3 WHERE window_id = $1 AND ` + states.SealWindow.May()

// count is the second commit of a seal, with no writer left: totals, numbers, batches and their postings.
func (n *Night) count(ctx context.Context, s *station, id int32) error {
	err := postgres.InTx(ctx, n.Pool, rows.Key("window/%d/seal", id), func(tx pgx.Tx) error {
		if err := rows.Long(ctx, tx); err != nil {
			return err
		}
		if err := lockNumbers(ctx, tx, s); err != nil {
			return err
		}
		w, err := rows.One[Window](ctx, tx, windowByID, id)
		if err != nil || w.State != states.WindowSealing {
			return err
		}
		return n.countSealing(ctx, tx, s, w)
	})
	return err
}

func (n *Night) countSealing(ctx context.Context, tx pgx.Tx, s *station, w Window) error {
	held, err := totals.Of(ctx, tx, w.ID, s.ID)
	if err != nil {
		return err
	}
	now := n.now()
	if held, err = n.setAsideUncontracted(ctx, tx, s, w.ID, held, now); err != nil {
		return err
	}
	state := states.SealWindow.Into
	if len(held) == 0 {
		state = states.EmptyWindow.Into
	}
	batches := totals.ByCurrency(held)
	if len(batches) == 0 && s.Empty == SendEmpty {
		batches = [][]totals.Total{nil}
	}
	for i, part := range batches {
		if err := n.insertBatch(ctx, tx, s, w, part, int16(i+1), int16(len(batches)), now); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, endSeal, w.ID, state, now)
	if err == nil {
		n.Log.InfoContext(ctx, "window sealed", slog.String("center", s.Name), slog.Any("window", w.ID), slog.String("business_date", w.BusinessDate.Format(time.DateOnly)), slog.Any("state", state), slog.Int("batches", len(batches)))
	}
	return err
}

const insertBatch = `
INSERT INTO batches (window_id, center_id, stream, business_date, currency, part, parts, sales_count, sales_amount,
	credits_count, credits_amount, sealed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING batch_id`

// insertBatch writes a batch with its totals, its postings and its first file.
func (n *Night) insertBatch(ctx context.Context, tx pgx.Tx, s *station, w Window, held []totals.Total, part, parts int16, now time.Time) error {
	sum := totals.SumOf(held)
	var currency money.Currency
	if len(held) > 0 {
		currency = held[0].Currency
	}
	var id int64
	err := tx.QueryRow(ctx, insertBatch, w.ID, s.ID, s.Stream, w.BusinessDate, int16(currency), part, parts, sum.SalesCount,
		sum.SalesAmount, sum.CreditsCount, sum.CreditsAmount, now).Scan(&id)
	if err != nil {
		return fmt.Errorf("insert batch: %w", err)
	}
	if err := totals.Insert(ctx, tx, id, held); err != nil {
		return err
	}
	if err := n.Ledger.Post(ctx, tx, totals.Postings(id, s.ID, held, now)); err != nil {
		return err
	}
	b := Batch{ID: id, Center: s.ID, BusinessDate: w.BusinessDate, Part: part, Parts: parts, DeadlineAt: w.DeadlineAt}
	if _, err := n.planFile(ctx, tx, s, b, 1, now); err != nil {
		return err
	}
	return n.Enqueue(ctx, tx, JobBuild, id)
}
