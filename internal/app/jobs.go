package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"settled/clearing/delivery"
	"settled/clearing/dial"
	"settled/clearing/states"
	"settled/internal/work"
	"settled/settle/audit"
	"settled/settle/notification"
)

// expireBatch is how many holds one commit gives up.
const expireBatch = 500

// Jobs are the functions that the worker calls, each under the configuration of the moment. Demo and tests call the same ones at instants of
// their own.
func (s *Server) Jobs() work.Jobs {
	return s.unlessHeldAll(work.Jobs{
		PlanWindows:  s.job((*Server).planWindows),
		Expire:       s.job((*Server).Expire),
		Timeout:      s.job((*Server).Timeout),
		Send:         s.job((*Server).Send),
		FetchReplies: s.job((*Server).Step),
		Reconcile:    s.job((*Server).Reconcile),
		Audit:        s.job((*Server).auditJob),
		RollUp:       s.job((*Server).RollUp),
		Retention:    s.job((*Server).retain),
		Seal:         s.step((*Server).seal),
		Build:        s.step((*Server).build),
		Deliver:      s.step((*Server).deliver),
		Apply:        s.step((*Server).apply),
		MendTimes:    func(ctx context.Context) (map[string]int, error) { return s.current().mendTimes(ctx) },
		Next:         func(ctx context.Context) (work.Next, error) { return s.current().next(ctx) },

		Notify: func(ctx context.Context, k notification.Key) error { return s.current().notify(ctx, k) },
		DueNotifications: func(ctx context.Context) ([]notification.Due, error) {
			return s.current().Notifications.Due(ctx)
		},
	})
}

// job is a job under the configuration that the process has when it begins.
func (s *Server) job(do func(*Server, context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error { return do(s.current(), ctx) }
}

// step is the same of a step of the night.
func (s *Server) step(do func(*Server, context.Context, int64) error) func(context.Context, int64) error {
	return func(ctx context.Context, id int64) error { return do(s.current(), ctx, id) }
}

func (c *Core) planWindows(ctx context.Context) error {
	_, err := c.Night.PlanWindows(ctx, c.Now())
	return err
}

func (c *Core) apply(ctx context.Context, reply int64) error { return c.Night.ApplyReply(ctx, reply) }

// Expire gives up every hold whose end has come.
func (c *Core) Expire(ctx context.Context) error {
	for {
		n, err := c.Books.ExpireDue(ctx, expireBatch)
		if err != nil || n < expireBatch {
			return err
		}
	}
}

// timeoutBatch is how many orders are read of the queue of open ones at a time.
const timeoutBatch = 1000

// Timeout goes on with the 3-D Secure of payments that nobody comes back for, then closes the orders whose time is over.
func (s *Server) Timeout(ctx context.Context) error {
	_, waiting := s.Gateway.AuthenticateDue(ctx)
	_, err := s.Books.TimeoutDue(ctx, timeoutBatch)
	return errors.Join(waiting, err)
}

// Send sends what is owed to centers and due, asks partner banks what became of instant payments, and does what is still to
// follow approvals, until nothing is due. They take turns: there may always be an instant payment to ask about, and what is
// owed does not wait for that.
func (s *Server) Send(ctx context.Context) error {
	return s.until(ctx, func(ctx context.Context) (int, error) {
		sent, unsent := s.Gateway.Sender().Step(ctx)
		asked, unasked := s.Gateway.PollInstant(ctx)
		tried, undone := s.Gateway.FollowDue(ctx)
		return sent + asked + tried, errors.Join(unsent, unasked, undone)
	})
}

// Reconcile compares what the centers approved with the books, and sends the reversals that follow from it.
func (s *Server) Reconcile(ctx context.Context) error {
	return errors.Join(s.Night.Logs.Reconcile(ctx, s.Gateway.Sender().CenterLog), s.Send(ctx))
}

// until repeats a step until it finds nothing to do.
func (s *Server) until(ctx context.Context, step func(context.Context) (int, error)) error {
	for {
		n, err := step(ctx)
		if err != nil || n == 0 {
			return err
		}
	}
}

// Step does what is due of the night until nothing moves: replies are fetched and missed, deliveries of unknown outcome are
// decided, and what no job was queued for is made up for.
func (c *Core) Step(ctx context.Context) error {
	for {
		moved, err := c.Night.Step(ctx)
		if err != nil || !moved {
			return err
		}
	}
}

// deliver makes one attempt to deliver a file. One that is not possible now is none, and one that failed was written down:
// either way the file's row says when the next is, and the queue does not repeat the job at times of its own.
func (c *Core) deliver(ctx context.Context, file int64) error {
	return unlessLater(c.Night.Delivery.Deliver(ctx, file))
}

// build is the same of a file's bytes.
func (c *Core) build(ctx context.Context, batch int64) error {
	return unlessLater(c.Night.BuildBatch(ctx, batch))
}

// unlessLater is the error, unless the rows say when there is something to do again.
func unlessLater(err error) error {
	for _, later := range []error{dial.ErrBusy, dial.ErrParked, states.ErrOrder, states.ErrState, states.ErrNotDue, delivery.ErrFenced, states.ErrHeld, states.ErrRecorded} {
		if errors.Is(err, later) {
			return nil
		}
	}
	return err
}

// Audit proves the books on one snapshot, opens every sealed card, and shows the result in the metrics.
func (c *Core) Audit(ctx context.Context) (audit.Report, error) {
	return c.audit(ctx, audit.Options{Vault: c.Vault})
}

// AuditWithoutKeys is Audit without the checks that open cards; the report names them.
func (c *Core) AuditWithoutKeys(ctx context.Context) (audit.Report, error) {
	return c.audit(ctx, audit.Options{})
}

func (c *Core) audit(ctx context.Context, o audit.Options) (audit.Report, error) {
	report, err := audit.Run(ctx, c.Pool, c.Now(), o)
	if err == nil {
		c.audits.Update(report)
	}
	return report, err
}

func (c *Core) auditJob(ctx context.Context) error {
	report, err := c.Audit(ctx)
	if err != nil {
		return err
	}
	for _, f := range report.Broken() {
		c.Log.Error("invariant violated", slog.String("invariant", f.Invariant), slog.String("title", f.Title),
			slog.Int("violations", f.Violations), slog.Any("examples", f.Examples))
	}
	if n := report.Violations(); n > 0 {
		return fmt.Errorf("audit: %d violations", n)
	}
	return nil
}

// RollUp rolls up the accounting days that have ended.
func (c *Core) RollUp(ctx context.Context) error {
	_, err := c.Books.RollUpDue(ctx)
	return err
}

// next tells which steps of the night are to be done now.
func (c *Core) next(ctx context.Context) (work.Next, error) {
	if c.epochs.Held() {
		return work.Next{}, nil
	}
	due, err := c.Night.Due(ctx, c.Now())
	return work.Next(due), err
}
