package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"settled/authorize/protocol"
	"settled/internal/work"
	"settled/settle"
	"settled/settle/epoch"
	"settled/settle/notification"
)

// startEpochs looks whether the database is what it was, before anything is done with it.
func (c *Core) startEpochs(ctx context.Context) error {
	c.epochs = epoch.New(c.Pool, c.Log, settle.IDNames(c.Config.Directory))
	if err := c.epochs.Check(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrDatabase, err)
	}
	c.Registry.MustRegister(c.epochs)
	return nil
}

// watchEpochs goes on looking until the server stops.
func (s *Server) watchEpochs() {
	stop := repeat(epoch.LookEvery, s.epochs.Check, func(err error) {
		if err != nil {
			s.Log.Warn("the epoch of the database was not looked at", slog.Any("err", err))
		}
	})
	s.onStop(func(context.Context) error { stop(); return nil })
}

// refuses tells that no request is to be begun: the database does not answer, or was restored and is held.
func (s *Server) refuses() bool { return s.pulse.refuses() || s.epochs.Held() }

// ready says what keeps the process from working, nil for nothing.
func (s *Server) ready(ctx context.Context) error {
	switch {
	case s.pulse.stalled.Load() || s.Pool.Ping(ctx) != nil:
		return errors.New("database does not answer")
	case s.epochs.Held():
		return errors.New("database was restored: a person must look, settled resume --after-restore")
	}
	return nil
}

// serveReady answers whether the process can work.
func (s *Server) serveReady(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if err := s.ready(ctx); err != nil {
		w.Header().Set("X-Request-Id", protocol.Correlation()) // so that the words below are told, which name what to do
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}

// free looks at the epoch, and tells that the books are not held. What takes or sends money by itself asks first: an outcome that is
// missing in the books would be taken for one that never came.
func (c *Core) free(ctx context.Context) (bool, error) {
	if last := c.looked.Load(); last != nil && time.Since(*last) < recentLook {
		return !c.epochs.Held(), nil
	}
	if err := c.epochs.Check(ctx); err != nil {
		return false, err
	}
	now := time.Now()
	c.looked.Store(&now)
	return !c.epochs.Held(), nil
}

// recentLook is how old the look of a job before may be: some jobs begin many times a second.
const recentLook = time.Second

// unlessHeld is do, which does nothing while the books are held.
func (c *Core) unlessHeld(do func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if free, err := c.free(ctx); err != nil || !free {
			return err
		}
		return do(ctx)
	}
}

// stepUnlessHeld is unlessHeld for a step of the night: the rows say again what is to be done when the books go on.
func (c *Core) stepUnlessHeld(do func(context.Context, int64) error) func(context.Context, int64) error {
	return func(ctx context.Context, id int64) error {
		return c.unlessHeld(func(ctx context.Context) error { return do(ctx, id) })(ctx)
	}
}

// unlessHeldAll lets the jobs that change more than plans do nothing while the books are held.
func (s *Server) unlessHeldAll(j work.Jobs) work.Jobs {
	for _, do := range []*func(context.Context) error{&j.Expire, &j.Timeout, &j.Send, &j.FetchReplies, &j.Reconcile, &j.RollUp, &j.Retention} {
		*do = s.unlessHeld(*do)
	}
	for _, do := range []*func(context.Context, int64) error{&j.Seal, &j.Build, &j.Deliver, &j.Apply} {
		*do = s.stepUnlessHeld(*do)
	}
	notify, due := j.Notify, j.DueNotifications
	j.Notify = func(ctx context.Context, n notification.Key) error {
		return s.unlessHeld(func(ctx context.Context) error { return notify(ctx, n) })(ctx)
	}
	j.DueNotifications = func(ctx context.Context) ([]notification.Due, error) {
		if s.epochs.Held() {
			return nil, nil
		}
		return due(ctx)
	}
	return j
}
