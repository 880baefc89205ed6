// Package clock is the one time of an installation: the database's, sampled, and carried on between samples by the
// monotonic reading of this process.
//
//	sample:   elapsed ──ask──▶ clock_timestamp() ──▶ elapsed      round trip bounded, the answer stands for its middle
//	between:  database's instant of the last sample + monotonic time since
//
// So all processes tell the same time to within half a round trip, whatever the clocks of their hosts say, and a host whose
// clock is set tells it on without a jump.
//
// # What is not believed
//
// The time never runs backwards: when the database turns out to be behind, it goes at half its speed until the two agree. A
// sample that differs from the monotonic time by more than a minute is a step of the database's clock, or a sleep of this
// host. It is believed after it has held for a minute; a clock that is wrong for some seconds moves nothing.
//
// # What stops
//
// The offset of the host's wall clock is measured with every sample. Over a second it is paged. Over a minute, while a step
// is not believed yet, and when no sample was had for a minute, [Clock.Check] fails: nothing that cannot be taken back may
// be decided by time, such as a seal.
package clock

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"settled/internal/postgres"
)

// SampleEvery is the pause between two samples, and how long one may take.
const SampleEvery = 5 * time.Second

const (
	maxRoundTrip = time.Second // a sample that took longer says too little
	maxOffset    = time.Second // of the wall clock, before a person must look
	maxApart     = time.Minute // of two clocks, before nothing is decided by time
	stepHolds    = time.Minute // how long a step must last to be believed
	staleAfter   = time.Minute // without a sample
)

// ErrDisagree says that the clocks of database and host are too far apart to decide by them.
var ErrDisagree = errors.New("clock: the clocks disagree")

// Source is what a clock is read from. Only Ask is required.
type Source struct {
	// Ask returns the database's instant.
	Ask func(ctx context.Context) (time.Time, error)
	// Wall is the host's wall clock. Default time.Now.
	Wall func() time.Time
	// Elapsed is a monotonic reading. Default: since the clock was made.
	Elapsed func() time.Duration
	// Log receives what a person must look at. Default slog.Default().
	Log *slog.Logger
}

// Clock tells the time of the installation. It is safe for concurrent use.
type Clock struct {
	source Source
	mu     sync.Mutex
	base   time.Time     // the database's instant …
	at     time.Duration // … at this reading
	told   time.Time     // the newest instant told …
	toldAt time.Duration // … at this reading
	offset time.Duration // of the wall clock: positive when it is ahead
	step   time.Duration // of the database's clock, not believed yet; 0: none
	since  time.Duration // the reading at which the step was seen first
	paged  bool
	paused bool
}

// Ask returns the function that asks a database for its instant.
func Ask(q postgres.Querier) func(context.Context) (time.Time, error) {
	return func(ctx context.Context) (time.Time, error) { return postgres.Now(ctx, q) }
}

// New makes a clock and takes its first sample, in three tries.
func New(ctx context.Context, source Source) (*Clock, error) {
	if source.Wall == nil {
		source.Wall = time.Now
	}
	if source.Elapsed == nil {
		began := time.Now()
		source.Elapsed = func() time.Duration { return time.Since(began) }
	}
	if source.Log == nil {
		source.Log = slog.Default()
	}
	c := &Clock{source: source}
	err := c.Sample(ctx)
	for try := 1; err != nil && try < 3 && ctx.Err() == nil; try++ {
		err = c.Sample(ctx)
	}
	return c, err
}

// Now returns the instant.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now(c.source.Elapsed())
}

func (c *Clock) now(elapsed time.Duration) time.Time {
	at := c.base.Add(elapsed - c.at)
	if slow := c.told.Add((elapsed - c.toldAt) / 2); c.told.After(at) && slow.After(at) {
		at = slow
	}
	c.told, c.toldAt = at, elapsed
	return at
}

// Sample asks the database once. It is called every [SampleEvery].
func (c *Clock) Sample(ctx context.Context) error {
	before := c.source.Elapsed()
	at, err := c.source.Ask(ctx)
	after := c.source.Elapsed()
	switch {
	case err != nil:
		return err
	case after-before > maxRoundTrip:
		return fmt.Errorf("clock: the answer took %s, more than %s", after-before, maxRoundTrip)
	}
	wall := c.source.Wall().Add(before - after + (after-before)/2)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.take(ctx, at.Round(0), before+(after-before)/2, wall)
	return nil
}

// take judges a sample: the database's instant at a reading, and what the wall clock said then.
func (c *Clock) take(ctx context.Context, at time.Time, reading time.Duration, wall time.Time) {
	c.offset = wall.Round(0).Sub(at)
	step := at.Sub(c.base.Add(reading - c.at))
	switch {
	case c.base.IsZero() || step.Abs() <= maxApart, c.held(step, reading):
		c.base, c.at, c.step = at, reading, 0
	case (step - c.step).Abs() > maxOffset:
		c.step, c.since = step, reading
		c.source.Log.ErrorContext(ctx, "a person must look at the clock of the database: it was set, or this host slept", slog.String("by", step.String()))
	}
	c.report(ctx, reading)
}

// held tells that the same step has been seen for long enough to be believed.
func (c *Clock) held(step, reading time.Duration) bool {
	return c.step != 0 && (step-c.step).Abs() <= maxOffset && reading-c.since >= stepHolds
}

// report logs when clocks come apart, and when they agree again.
func (c *Clock) report(ctx context.Context, reading time.Duration) {
	if far := c.offset.Abs() > maxOffset; far != c.paged {
		c.paged = far
		if far {
			c.source.Log.ErrorContext(ctx, "a person must look at the clock of this host", slog.String("ahead_by", c.offset.String()))
		}
	}
	err := c.check(reading)
	if paused := err != nil; paused != c.paused {
		c.paused = paused
		if paused {
			c.source.Log.ErrorContext(ctx, "cut-offs are paused until the clocks agree", slog.Any("err", err))
		} else {
			c.source.Log.WarnContext(ctx, "the clocks agree again, cut-offs go on")
		}
	}
}

// Check fails with ErrDisagree while nothing may be decided by time that cannot be taken back.
func (c *Clock) Check() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.check(c.source.Elapsed())
}

func (c *Clock) check(reading time.Duration) error {
	switch {
	case c.step != 0:
		return fmt.Errorf("%w: the database's clock differs by %s from what it was going to say", ErrDisagree, c.step)
	case c.offset.Abs() > maxApart:
		return fmt.Errorf("%w: the wall clock of this host is ahead of the database by %s", ErrDisagree, c.offset)
	case reading-c.at > staleAfter:
		return fmt.Errorf("%w: the database was last asked %s ago", ErrDisagree, reading-c.at)
	}
	return nil
}

// Reached returns the earlier of this clock and the database's, asked in q, which is usually a transaction that is about to
// decide by it. The error is that of the question; agree is what [Clock.Check] says.
func (c *Clock) Reached(ctx context.Context, q postgres.Querier) (at time.Time, agree, err error) {
	at, err = Ask(q)(ctx)
	if now := c.Now(); now.Before(at) {
		at = now
	}
	return at, c.Check(), err
}
