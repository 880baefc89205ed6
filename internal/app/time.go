package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"settled/clearing"
	"settled/clearing/states"
	"settled/internal/app/clock"
	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// startClock makes the database's clock the time of this process, unless it was given one. The clock has a connection of its
// own: a sample that waited for one would say nothing.
func (c *Core) startClock(ctx context.Context) error {
	if c.Now != nil {
		return nil
	}
	pool, err := postgres.Open(ctx, postgres.Config{URL: c.Environment.DatabaseURL, Application: "settled clock", MaxConns: 1, Role: c.As,
		ThrowAway: true, Log: slog.New(slog.DiscardHandler)}) // the main pool was checked
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDatabase, err)
	}
	c.onClose(pool.Close)
	if c.Clock, err = clock.New(ctx, clock.Source{Ask: clock.Ask(pool), Log: c.Log}); err != nil {
		return fmt.Errorf("%w: %w", ErrDatabase, err)
	}
	c.Now = c.Clock.Now
	c.Registry.MustRegister(c.Clock)
	c.onClose(repeat(clock.SampleEvery, c.Clock.Sample, func(err error) {
		if err != nil {
			c.Log.Warn("time was not sampled", slog.Any("err", err))
		}
	}))
	return nil
}

// reached tells, in the transaction of a seal, that an instant has come by every clock, and that they agree.
func (c *Core) reached(ctx context.Context, tx pgx.Tx, instant time.Time) error {
	if c.Clock == nil {
		return nil
	}
	at, agree, err := c.Clock.Reached(ctx, tx)
	switch {
	case err != nil:
		return err
	case agree != nil:
		return fmt.Errorf("%w: %w", clearing.ErrClock, agree)
	case at.Before(instant):
		return fmt.Errorf("%w: it is %s by the database's clock", states.ErrNotDue, at.Format(time.RFC3339))
	}
	return nil
}

// instant is the time of a transaction that queues work, and whether the clocks agree on it.
func (c *Core) instant(ctx context.Context, tx pgx.Tx) (at time.Time, certain bool, err error) {
	if c.Clock == nil {
		return c.Now(), true, nil
	}
	at, agree, err := c.Clock.Reached(ctx, tx)
	return at, agree == nil, err
}

// seal seals a window. One whose time has not come by the clocks, or while they disagree, or while the center is held, is sealed by a
// later look at the rows; one that is not there any more was planned anew.
func (s *Server) seal(ctx context.Context, window int64) error {
	err := s.Night.SealWindow(ctx, int32(window))
	if errors.Is(err, clearing.ErrClock) || errors.Is(err, states.ErrNotDue) || errors.Is(err, states.ErrHeld) || errors.Is(err, states.ErrNotFound) {
		return nil
	}
	return err
}

// mendTimes puts right what waits for an instant that a clock which was ahead wrote. It does nothing while the clocks disagree.
func (c *Core) mendTimes(ctx context.Context) (map[string]int, error) {
	if c.Clock != nil && c.Clock.Check() != nil {
		return nil, nil
	}
	mended, err := c.Books.MendTimes(ctx)
	files, failed := c.Night.Delivery.MendTimes(ctx)
	if mended != nil {
		mended["file"] = files
	}
	return mended, errors.Join(err, failed)
}
