package retention

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Options of a keeper.
type Options struct {
	Pool    *pgxpool.Pool
	Now     func() time.Time
	Periods Periods
	Sweeps  []Sweep
	Log     *slog.Logger
	// BatchSize is how many rows one transaction erases. Default 2000.
	BatchSize int
}

// Keeper erases what is due. It is safe for concurrent use, also by several processes.
type Keeper struct{ Options }

// A page of keys is read at a time, and erased in batches.
const (
	pageSize     = 50_000
	standardSize = 2000
)

// New returns a keeper. Sweeps are put in the order of their classes.
func New(o Options) *Keeper {
	if o.BatchSize == 0 {
		o.BatchSize = standardSize
	}
	order := Classes()
	o.Sweeps = slices.Clone(o.Sweeps)
	slices.SortStableFunc(o.Sweeps, func(a, b Sweep) int {
		return slices.Index(order, a.Name().Class) - slices.Index(order, b.Name().Class)
	})
	return &Keeper{o}
}

// Due is how things of a sweep stand at an instant.
type Due struct {
	Name
	Days   int        `json:"days"`   // the period; 0: the class is never erased
	Before time.Time  `json:"before"` // what was last of use before is due
	Rows   int64      `json:"rows"`   // that the next run erases
	Bytes  int64      `json:"bytes"`  // of these, of files and replies
	Oldest *time.Time `json:"oldest,omitempty"`
	Held   []Standing `json:"held"` // that is due and still needed
}

// Preview tells what a run would erase now, and what it would hold back. It changes nothing.
func (k *Keeper) Preview(ctx context.Context) ([]Due, error) {
	now, all := k.Now(), []Due{}
	for _, s := range k.Sweeps {
		d := Due{Name: s.Name(), Days: k.Periods[s.Name().Class], Held: []Standing{}}
		if before, ok := k.Periods.Before(d.Class, now); ok {
			d.Before = before
			if err := d.look(ctx, k.Pool, s, now); err != nil {
				return nil, err
			}
		}
		all = append(all, d)
	}
	return all, nil
}

func (d *Due) look(ctx context.Context, q postgres.Querier, s Sweep, now time.Time) error {
	from, err := leftFrom(ctx, q, d.Name)
	if err != nil {
		return err
	}
	stand, err := s.Look(ctx, q, Span{from, d.Before}, now)
	for _, x := range stand {
		switch x.Why {
		case Later:
		case Erasable:
			d.Rows, d.Bytes, d.Oldest = x.Rows, x.Bytes, &x.Oldest
		default:
			d.Held = append(d.Held, x)
		}
	}
	return err
}

// Run erases everything that is due and not needed, class by class. It returns what it erased of each; on error it returns that, too, and the next run
// goes on from there. A sweep that fails does not keep the others from what is due.
func (k *Keeper) Run(ctx context.Context) ([]Run, error) {
	at, done, failed := k.Now(), []Run{}, []error(nil)
	for _, s := range k.Sweeps {
		before, ok := k.Periods.Before(s.Name().Class, at)
		if !ok {
			continue
		}
		r := run{keeper: k, sweep: s, Run: Run{Name: s.Name(), At: at, Days: k.Periods[s.Name().Class], Before: before}}
		err := r.do(ctx)
		done = append(done, r.Run)
		if err != nil {
			failed = append(failed, fmt.Errorf("erase %s %s: %w", r.Class, r.Subject, err))
			continue
		}
		k.Log.InfoContext(ctx, "retention", slog.String("class", string(r.Class)), slog.String("subject", r.Subject), slog.Int64("erased", r.Erased),
			slog.Int64("held", rowsOf(r.Held)))
	}
	return done, errors.Join(failed...)
}

func rowsOf(all []Standing) (n int64) {
	for _, s := range all {
		n += s.Rows
	}
	return n
}

// run is a sweep on its way.
type run struct {
	Run
	keeper *Keeper
	sweep  Sweep
	left   []Standing
}

// do erases page by page, and notes how it ended.
func (r *run) do(ctx context.Context) error {
	from, err := leftFrom(ctx, r.keeper.Pool, r.Name)
	if err != nil {
		return err
	}
	span := Span{from, r.Before}
	for after := (Key{}); ; {
		page, err := r.sweep.Next(ctx, r.keeper.Pool, span, after, pageSize)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return r.end(ctx)
		}
		for batch := range slices.Chunk(page, r.keeper.BatchSize) {
			if err := r.erase(ctx, span, batch); err != nil {
				return err
			}
		}
		after = page[len(page)-1]
	}
}

// erase erases a batch, in as many transactions as it takes.
func (r *run) erase(ctx context.Context, span Span, keys []Key) error {
	for {
		var b Batch
		err := postgres.InTx(ctx, r.keeper.Pool, r.key("erase"), func(tx pgx.Tx) (err error) {
			if b, err = r.sweep.Erase(ctx, tx, span, keys, r.keeper.Now()); err != nil || b.Erased == 0 {
				return err
			}
			return r.note(ctx, tx, b)
		})
		if err != nil {
			return err
		}
		r.Erased, r.Bytes = r.Erased+b.Erased, r.Bytes+b.Bytes
		if !b.Again {
			r.left = merge(r.left, b.Left...)
			return ctx.Err()
		}
	}
}

func (r *run) key(what string) postgres.Key {
	return postgres.Key{Name: fmt.Sprintf("%s %s %s", what, r.Class, r.Subject)}
}

// end notes what is left, and from when on.
func (r *run) end(ctx context.Context) error {
	from := r.Before
	r.Held = []Standing{}
	for _, s := range r.left {
		if s.Oldest.Before(from) {
			from = s.Oldest
		}
		if s.Why != Later {
			r.Held = append(r.Held, s)
		}
	}
	r.Ended = true
	return postgres.InTx(ctx, r.keeper.Pool, r.key("end of erasing"), func(tx pgx.Tx) error { return r.noteEnd(ctx, tx, from) })
}
