package app

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A look is repeated after a pause and bounded by patience; one that is under way when it is stopped is waited for and says nothing.
func TestRepeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var looks []time.Duration
		var outcomes []error
		stop := repeat(time.Second, func(ctx context.Context) error {
			looks = append(looks, time.Since(began))
			if len(looks) > 1 {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}, func(err error) { outcomes = append(outcomes, err) })
		time.Sleep(9 * time.Second) // looks at 1, at 2 until 7, and at 8
		stop()
		if len(looks) != 3 || looks[0] != time.Second || looks[1] != 2*time.Second || looks[2] != 8*time.Second {
			t.Errorf("looked at %v", looks)
		}
		if len(outcomes) != 2 || outcomes[0] != nil || !errors.Is(outcomes[1], context.DeadlineExceeded) {
			t.Errorf("told of %v", outcomes)
		}
	})
}
