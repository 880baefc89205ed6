package bench

import (
	"context"
	"fmt"
	"time"
)

// worse is how much dearer anything may be with a long history stored.
const worse = 1.2

// cost is what growth measures: seconds per unit of work, whatever the unit.
type cost struct {
	name    string
	measure func(ctx context.Context) (float64, error)
}

// growth measures payments, builds, replies and seals with nothing stored and again with millions of orders and records
// of earlier nights, and prints what the history makes them cost.
func (b *bench) growth(ctx context.Context, w *world, f *filler) error {
	costs := b.costs(w, f)
	before, err := b.measureAll(ctx, costs)
	if err != nil {
		return err
	}
	start := time.Now()
	if err := f.store(ctx, b.Stored); err != nil {
		return err
	}
	fmt.Fprintf(b.out, "  %d orders and records of the past stored in %.0f s\n", b.Stored, time.Since(start).Seconds())
	after, err := b.measureAll(ctx, costs)
	if err != nil {
		return err
	}
	for i, c := range costs {
		fmt.Fprintf(b.out, "  %s: %.4g s before, %.4g s after\n", c.name, before[i], after[i])
		printRatio(b.out, "growth-"+c.name, after[i]/before[i], atMost(worse))
	}
	return nil
}

// measureAll takes each cost in turn, round by round, and returns the medians.
func (b *bench) measureAll(ctx context.Context, costs []cost) ([]float64, error) {
	all := make([][]float64, len(costs))
	for range b.Rounds {
		for i, c := range costs {
			v, err := c.measure(ctx)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			all[i] = append(all[i], v)
		}
	}
	medians := make([]float64, len(costs))
	for i := range all {
		medians[i] = median(all[i])
	}
	return medians, nil
}

// growthRecords is the size of the batches of the growth benchmark: what differs is the history, not the night.
func (b *bench) growthRecords() int { return max(1, b.Records/5) }

func (b *bench) costs(w *world, f *filler) []cost {
	n := b.growthRecords()
	return []cost{
		{"auth", func(ctx context.Context) (float64, error) { return b.paymentCost(ctx, w) }},
		{"build", func(ctx context.Context) (float64, error) {
			_, batch, err := b.sealedBatch(ctx, w, f, n)
			if err != nil {
				return 0, err
			}
			took, _, err := w.inChild(ctx, step{"build", batch})
			return took, err
		}},
		{"reply", func(ctx context.Context) (float64, error) {
			id, _, _, err := b.repliedBatch(ctx, w, f, n)
			if err != nil {
				return 0, err
			}
			took, _, err := w.inChild(ctx, step{"apply", id})
			return took, err
		}},
		{"seal", func(ctx context.Context) (float64, error) { return w.sealCost(ctx, f, n) }},
	}
}

// sealCost is seconds from the cut-off of a window of n records to its numbered batch.
func (w *world) sealCost(ctx context.Context, f *filler, n int) (float64, error) {
	window, err := f.fill(ctx, n)
	if err != nil {
		return 0, err
	}
	pool, err := w.db.pool(ctx, 4)
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	night, err := w.night(pool, nowhere())
	if err != nil {
		return 0, err
	}
	return seconds(func() error { return night.SealWindow(ctx, window) })
}

// paymentCost is seconds per payment over HTTP.
func (b *bench) paymentCost(ctx context.Context, w *world) (float64, error) {
	g, err := w.startGateway(ctx)
	if g != nil {
		defer g.close()
	}
	if err != nil {
		return 0, err
	}
	turn := b.stamp(fmt.Sprint(time.Now().UnixNano()))
	if _, err := payments(g.address, turn+"w").run(ctx, 3*time.Second); err != nil {
		return 0, err
	}
	perSecond, err := payments(g.address, turn).run(ctx, b.Slice)
	return 1 / perSecond, err
}
