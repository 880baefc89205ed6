package work

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"settled/settle/notification"

	"github.com/riverqueue/river"
)

const (
	// notifyQueue is the queue of notifications.
	notifyQueue = "notify"
	// notifyWorkers bounds the servers that are asked at a time. A job holds a connection to the database before and after it
	// asks, not meanwhile.
	notifyWorkers = 16
	// notifyUniqueFor is how long the job of a worker that died keeps another one for the same try from being queued.
	notifyUniqueFor = 5 * time.Minute
)

// Notify is what a try of a notification is told: which one, and the tries before it.
type Notify struct {
	Merchant  int32 `json:"merchant" river:"unique"`
	Order     int64 `json:"order" river:"unique"`
	Operation int16 `json:"operation" river:"unique"`
	Sequence  int16 `json:"sequence" river:"unique"`
	Attempts  int16 `json:"attempts" river:"unique"`
}

// Kind names the job.
func (Notify) Kind() string { return "notify" }

// InsertOpts makes a job unique by its try while it is queued or running. River does not repeat it: the row says when it is due
// again.
func (Notify) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: notifyQueue, MaxAttempts: 1,
		UniqueOpts: river.UniqueOpts{ByArgs: true, ByPeriod: notifyUniqueFor, ByState: live}}
}

// notifyShell is the worker of a notification.
type notifyShell struct {
	river.WorkerDefaults[Notify]
	runner *Runner
}

// Timeout gives a job as long as it needs: its request and its statements are bounded.
func (*notifyShell) Timeout(*river.Job[Notify]) time.Duration { return -1 }

// Work calls the function, then lets the rows be asked for more.
func (s *notifyShell) Work(ctx context.Context, job *river.Job[Notify]) error {
	n := job.Args
	ctx, end := s.runner.whileAlive(ctx)
	defer end()
	k := notification.Key{Merchant: n.Merchant, Order: n.Order, Operation: n.Operation, Sequence: n.Sequence}
	err := s.runner.Jobs.Notify(ctx, k)
	if err != nil {
		s.runner.Log.Error("notification was not tried", slog.String("notification", k.String()), slog.Any("err", err))
		return quietly(err)
	}
	select {
	case s.runner.more <- struct{}{}:
	default:
	}
	return nil
}

// notifyLoop queues notifications at every tick, and when one was tried.
func (r *Runner) notifyLoop(ctx context.Context) {
	ticker := time.NewTicker(r.Options.Tick)
	defer ticker.Stop()
	for {
		if err := r.QueueNotifications(ctx); err != nil && ctx.Err() == nil {
			r.Log.Error("due notifications were not queued", slog.Any("err", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-r.more:
		}
	}
}

// QueueNotifications queues the notifications that may be tried now. Any number of workers may call it at once.
func (r *Runner) QueueNotifications(ctx context.Context) error {
	due, err := r.Jobs.DueNotifications(ctx)
	if err != nil || len(due) == 0 {
		return err
	}
	params := make([]river.InsertManyParams, len(due))
	for i, n := range due {
		params[i].Args = Notify{Merchant: n.Merchant, Order: n.Order, Operation: n.Operation, Sequence: n.Sequence, Attempts: n.Attempts}
	}
	if _, err := r.client.InsertMany(ctx, params); err != nil {
		return fmt.Errorf("queue notifications: %w", err)
	}
	return nil
}
