package payment

import (
	"context"
	"fmt"
	"log/slog"

	"settled/authorize/online"
	"settled/settle"
	"settled/settle/reconcile"

	"golang.org/x/sync/errgroup"
)

// stepUnknown sends the reversals of approvals that our books do not know and that are due at a center.
func (s *Sender) stepUnknown(ctx context.Context, center int16) (int, error) {
	due, err := s.unknown.DueAt(ctx, center, sendBatch)
	if err != nil {
		return 0, err
	}
	var group errgroup.Group
	for _, u := range due {
		group.Go(func() error { return s.reverseUnknown(ctx, u) })
	}
	return len(due), group.Wait()
}

// reverseUnknown transmits the reversal of an unknown approval and records what came of it, as send does.
func (s *Sender) reverseUnknown(ctx context.Context, u reconcile.UnknownApproval) error {
	done := context.WithoutCancel(ctx)
	c, ok := s.directory.Center(u.Center)
	host := s.centers[u.Center]
	if !ok || host.Host == nil {
		return s.unknown.Unanswered(done, u, errNotAddressed.Error())
	}
	a, err := host.Host.Exchange(ctx, unknownReversal(u, c, host.Acquirer))
	v, final := verdictOn(a, true)
	if err == nil && !final {
		err = fmt.Errorf("center answered %s", a.ActionCode)
	}
	if err != nil {
		s.log.Warn("no answer to the reversal of an unknown approval; it is repeated", slog.String("center", c.Name), slog.Int64("exchange", u.Exchange),
			slog.Any("attempts", u.Attempts), slog.Any("error", err))
		return s.unknown.Unanswered(done, u, err.Error())
	}
	if v != settle.VerdictDone {
		s.log.Error("center refused the reversal of an unknown approval; a person decides", slog.String("center", c.Name), slog.Int64("exchange", u.Exchange), slog.String("action", a.ActionCode))
	}
	return s.unknown.Answered(done, u, v, a.ActionCode)
}

// unknownReversal is the reversal of the whole approval. Its original is named by what the center's log says of it.
func unknownReversal(u reconcile.UnknownApproval, c *settle.Center, acquirer string) online.Request {
	return online.Request{
		Kind: online.Reversal, Amount: u.Amount, Repeat: u.Attempts > 1, STAN: stan(u.Reversal), RRN: settle.RRN(u.Exchange),
		TransmittedAt: u.TransmittedAt, LocalTime: u.TransmittedAt.In(c.Zone), Terminal: u.Terminal, Acceptor: u.Acceptor, Acquirer: acquirer,
		Original: online.Original{Kind: kinds[u.Kind], STAN: stan(u.Exchange), LocalTime: u.SentAt.In(c.Zone)},
	}
}
