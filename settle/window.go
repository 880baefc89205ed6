package settle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrNoWindow is returned when no open window is planned for a center, so that a record would belong nowhere. It names
// the center; the remedy is the calendar.
var ErrNoWindow = errors.New("settle: no open clearing window is planned")

// centerLock is the class of the advisory locks of centers, apart from every other use of advisory locks.
const centerLock = 0x5e7713d

// moment is the instant of a transaction together with the windows open at it, read under the centers' shared locks.
type moment struct {
	at      time.Time
	windows map[int16]int32
}

// window returns the window that a record of the center born at this moment belongs to.
func (m moment) window(center int16) (int32, error) {
	if w, ok := m.windows[center]; ok {
		return w, nil
	}
	return 0, fmt.Errorf("%w: center %d at %s", ErrNoWindow, center, m.at.Format(time.RFC3339))
}

var (
	lockCenters = `SELECT pg_advisory_xact_lock_shared($1, c) FROM unnest($2::int[]) WITH ORDINALITY AS u (c, n) ORDER BY n`
	nextWindows = spelled(`
SELECT u.c, w.window_id, w.cutoff_at
FROM unnest($1::int[]) AS u (c),
	LATERAL (SELECT window_id, cutoff_at FROM windows WHERE center_id = u.c AND state = @WindowOpen AND cutoff_at > $2
		ORDER BY cutoff_at LIMIT 4) w
ORDER BY u.c, w.cutoff_at`)
)

// enter takes the shared locks of the centers, then reads the instant, then the windows open at it. A record that is
// written in this transaction with that window is born before any seal of the window, because the seal needs the lock
// exclusively. Several windows are read, because a cut-off may pass while the lock is waited for; those of which it had
// passed before are left out, however late their seals are.
func (b *Books) enter(ctx context.Context, tx pgx.Tx, centers ...int16) (moment, error) {
	ids := make([]int32, 0, len(centers))
	for _, c := range centers {
		ids = append(ids, int32(c))
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	var batch pgx.Batch
	batch.Queue(lockCenters, centerLock, ids)
	batch.Queue(nextWindows, ids, b.Now())
	results := tx.SendBatch(ctx, &batch)
	defer results.Close()
	if _, err := results.Exec(); err != nil {
		return moment{}, fmt.Errorf("lock centers %v: %w", ids, err)
	}
	rows, err := results.Query()
	if err != nil {
		return moment{}, fmt.Errorf("read windows of centers %v: %w", ids, err)
	}
	return b.momentOf(rows)
}

func (b *Books) momentOf(rows pgx.Rows) (moment, error) {
	m := moment{at: b.Now(), windows: map[int16]int32{}}
	var center int16
	var window int32
	var cutoff time.Time
	_, err := pgx.ForEachRow(rows, []any{&center, &window, &cutoff}, func() error {
		if _, ok := m.windows[center]; !ok && cutoff.After(m.at) {
			m.windows[center] = window
		}
		return nil
	})
	if err != nil {
		return moment{}, fmt.Errorf("read windows: %w", err)
	}
	return m, nil
}

// LockCenter takes the center's lock exclusively until the transaction ends: it waits for the commits in flight and
// keeps new ones out. The caller commits at once.
func LockCenter(ctx context.Context, tx pgx.Tx, center int16) error {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1, $2)`, centerLock, int32(center)); err != nil {
		return fmt.Errorf("lock center %d: %w", center, err)
	}
	return nil
}
