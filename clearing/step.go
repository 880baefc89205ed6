package clearing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// The top of the night: New puts it together, and Step knows the order of its steps. Nothing of the package refers to this file.

// New checks the profiles and returns the night. It fails with ErrProfile.
func New(o Options) (*Night, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Enqueue == nil {
		o.Enqueue = func(context.Context, pgx.Tx, JobKind, int64) error { return nil }
	}
	if o.Reached == nil {
		o.Reached = func(context.Context, pgx.Tx, time.Time) error { return nil }
	}
	n := &Night{Options: o, metrics: newMetrics(), holder: postgres.Holder()}
	for _, c := range o.Directory.Centers() {
		p, ok := o.Profiles[c.ID]
		if !ok {
			continue
		}
		p = p.withDefaults()
		if err := p.check(c); err != nil {
			return nil, err
		}
		n.centers = append(n.centers, &station{Center: c, Profile: p})
	}
	if len(n.centers) != len(o.Profiles) {
		return nil, fmt.Errorf("%w: a profile names no configured center", ErrProfile)
	}
	return n, n.register(o.Registerer)
}

// Step does everything that is due at the clock's instant once, in order, center by center. It reports whether anything
// moved; the caller repeats until nothing does. Errors of several centers are joined. While the books are held it does nothing.
func (n *Night) Step(ctx context.Context) (progressed bool, err error) {
	if held, err := n.heldAll(ctx); held || err != nil {
		return false, err
	}
	var all []error
	for _, s := range n.centers {
		moved, err := n.stepCenter(ctx, s)
		progressed = progressed || moved
		if err != nil {
			all = append(all, fmt.Errorf("center %s: %w", s.Name, err))
		}
	}
	return progressed, errors.Join(all...)
}

// stepCenter runs the steps of one center. A step that fails does not keep the following ones from files and replies that
// are further on.
func (n *Night) stepCenter(ctx context.Context, s *station) (progressed bool, err error) {
	now := n.now()
	steps := []func(context.Context, *station, time.Time) (int, error){
		n.plan, n.lookCenter, n.sealCenter, n.numberCenter, n.buildCenter, n.deliverCenter, n.fetchCenter, n.applyCenter, n.watchReplies,
	}
	var all []error
	for _, step := range steps {
		count, err := step(ctx, s, now)
		progressed = progressed || count > 0
		if err != nil {
			all = append(all, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return progressed, errors.Join(all...)
}
