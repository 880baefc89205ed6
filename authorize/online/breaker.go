package online

import (
	"context"
	"errors"
	"time"

	"github.com/sony/gobreaker/v2"
)

// breaker leaves a failing center alone. It opens after consecutive failures, stays open for a while, and then lets
// one probe at a time through: an echo test, or a reversal, which outranks payments. A probe that succeeds closes it.
type breaker struct {
	two     *gobreaker.TwoStepCircuitBreaker[struct{}]
	tripped chan struct{} // receives when the breaker has opened
}

func newBreaker(o *Options, changed func(gobreaker.State)) *breaker {
	b := &breaker{tripped: make(chan struct{}, 1)}
	b.two = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name:         o.Name,
		Timeout:      o.BreakerPause,
		ReadyToTrip:  func(n gobreaker.Counts) bool { return n.ConsecutiveFailures >= o.BreakerFailures },
		IsSuccessful: func(err error) bool { return err == nil },
		IsExcluded:   blameless,
		OnStateChange: func(_ string, _, to gobreaker.State) {
			changed(to)
			if to == gobreaker.StateOpen {
				signal(b.tripped)
			}
		},
	})
	return b
}

// blameless tells which errors say nothing about the center.
func blameless(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, ErrInvalidRequest) ||
		errors.Is(err, ErrInFlight) || errors.Is(err, ErrClosed)
}

// admit asks whether a request may go. The caller reports its outcome to done.
func (b *breaker) admit(k Kind) (done func(error), err error) {
	if b.two.State() == gobreaker.StateHalfOpen && !k.undoes() && k != echo {
		return nil, errBreakerOpen
	}
	done, err = b.two.Allow()
	if err != nil {
		return nil, errBreakerOpen
	}
	return done, nil
}

func (b *breaker) closed() bool { return b.two.State() == gobreaker.StateClosed }

// revive probes the center with echo tests while the breaker is not closed, until ctx ends: an owned goroutine.
func (c *Client) revive(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.breaker.tripped:
		}
		for !c.breaker.closed() && ctx.Err() == nil {
			sleep(ctx, c.options.BreakerPause+time.Millisecond) // the pause has to be over, not just ending
			c.probe(ctx)
		}
	}
}

// probe sends the half-open breaker's echo test.
func (c *Client) probe(ctx context.Context) {
	done, err := c.breaker.admit(echo)
	if err != nil {
		return
	}
	done(c.ping(ctx))
}
