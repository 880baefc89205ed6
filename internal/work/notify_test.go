package work

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"settled/internal/postgres/pgtest"
	"settled/settle/notification"
)

// outbox is what is due, as rows would tell it: a notification stays due until it was tried with success.
type outbox struct {
	mu    sync.Mutex
	due   []notification.Due
	tried int
	fail  bool
}

func (o *outbox) list(context.Context) ([]notification.Due, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]notification.Due(nil), o.due[:min(4, len(o.due))]...), nil
}

func (o *outbox) try(_ context.Context, k notification.Key) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tried++
	if o.fail {
		o.fail = false
		return errors.New("the database is away")
	}
	for i, n := range o.due {
		if n.Key == k {
			o.due = append(o.due[:i:i], o.due[i+1:]...)
			break
		}
	}
	return nil
}

func due(order int64) notification.Due {
	return notification.Due{Key: notification.Key{Merchant: 1, Order: order, Operation: 1, Sequence: 1}}
}

func TestNotificationsAreTriedUntilNoneIsDue(t *testing.T) {
	db, c := pgtest.DB(t), &clock{}
	c.set(start)
	o := &outbox{fail: true}
	for n := range int64(20) {
		o.due = append(o.due, due(n))
	}
	jobs := idle()
	jobs.DueNotifications, jobs.Notify = o.list, o.try
	r := newRunner(t, db, c, jobs, nil)
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, db, `SELECT (count(*) = 20)::int FROM river_job WHERE kind = 'notify' AND state = 'completed'`)
	if err := r.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if o.tried != 21 {
		t.Errorf("tried %d times, want each once, and again the one that failed", o.tried)
	}
	if n := count(t, db, `SELECT count(*) FROM river_job WHERE kind = 'notify' AND queue = 'notify'`); n != 21 {
		t.Errorf("%d jobs in the queue of notifications", n)
	}
}

// TestNotificationsKeepNothingUp blocks all tries and looks whether a step of the night is done.
func TestNotificationsKeepNothingUp(t *testing.T) {
	db, c := pgtest.DB(t), &clock{}
	c.set(start)
	block := make(chan struct{})
	var all []notification.Due
	for n := range int64(100) {
		all = append(all, due(n))
	}
	jobs := idle()
	jobs.DueNotifications = func(context.Context) ([]notification.Due, error) { return all, nil }
	jobs.Notify = func(context.Context, notification.Key) error { <-block; return nil }
	var sealed atomic.Bool
	jobs.Next = func(context.Context) (Next, error) { return Next{Seal: []int64{7}}, nil }
	jobs.Seal = func(context.Context, int64) error { sealed.Store(true); return nil }
	r := newRunner(t, db, c, jobs, nil)
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, db, `SELECT count(*) FROM river_job WHERE kind = 'seal' AND state = 'completed'`)
	for range 3 {
		if err := r.QueueNotifications(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, db, `SELECT count(*) FROM river_job WHERE kind = 'notify'`); n != 100 && n != 200 { // 200 when a period ends meanwhile
		t.Errorf("%d jobs of 100 notifications that are due at every look", n)
	}
	close(block)
	if err := r.Stop(t.Context()); err != nil || !sealed.Load() {
		t.Errorf("%v, sealed %t", err, sealed.Load())
	}
}
