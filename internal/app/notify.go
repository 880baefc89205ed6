package app

import (
	"context"
	"math/rand/v2"
	"time"

	"settled/settle/notification"

	"golang.org/x/sync/errgroup"
)

// Notify tells merchants' servers what is due, until nothing is.
func (s *Server) Notify(ctx context.Context) error {
	for {
		due, err := s.Notifications.Due(ctx)
		if err != nil || len(due) == 0 {
			return err
		}
		var all errgroup.Group
		for _, n := range due {
			all.Go(func() error { _, err := s.Gateway.Notify(ctx, n.Key); return err })
		}
		if err := all.Wait(); err != nil {
			return err
		}
	}
}

// notifyFor is how long a job goes on with the notifications of its merchant.
const notifyFor = 2 * time.Second

// notify makes one try. As long as the merchant's server answers it goes on with what is due of the same merchant, for a short
// while: a merchant with many payments a second is told as fast as its server takes it in.
func (s *Server) notify(ctx context.Context, k notification.Key) error {
	for end := time.Now().Add(notifyFor); ; {
		state, err := s.Gateway.Notify(ctx, k)
		silent := state == notification.Pending || state == notification.GivenUp
		if err != nil || silent || time.Now().After(end) {
			return err
		}
		due, err := s.Notifications.Due(ctx, k.Merchant)
		if err != nil || len(due) == 0 {
			return err
		}
		k = due[rand.IntN(len(due))].Key //nolint:gosec // spreads jobs, which is no secret: another one may be at the first
	}
}
