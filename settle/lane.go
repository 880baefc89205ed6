package settle

import (
	"context"
	"errors"
	"strings"
	"time"

	"settled/internal/money"
	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// laneCap bounds the items of one commit. Larger groups gain little and hold the center's lock longer.
const laneCap = 256

// laneTimeout bounds one commit of a lane, whatever the callers' deadlines are.
const laneTimeout = 20 * time.Second

// ErrBusy refuses work, before anything of it was begun, because too much waits for the database already.
var ErrBusy = errors.New("settle: too many payments wait to be written")

func startLane(b *Books) *lane {
	l := &lane{books: b, queue: make(chan *item, 4*laneCap), done: make(chan struct{})}
	go l.run()
	return l
}

func (l *lane) close() {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.queue)
	}
	l.mu.Unlock()
	<-l.done
}

// do queues the item and waits for its commit. If ctx ends first, an item that still waits is taken back, and surely nothing
// happens; one that the lane has is written or not, and the caller does not know. A full queue takes nothing.
func (l *lane) do(ctx context.Context, it *item) error {
	it.reply = make(chan error, 1)
	l.mu.RLock()
	if l.closed {
		l.mu.RUnlock()
		return ErrClosed
	}
	select {
	case l.queue <- it:
		l.mu.RUnlock()
	default:
		l.mu.RUnlock()
		return &postgres.RejectedError{Key: groupCommit, Err: ErrBusy}
	}
	select {
	case err := <-it.reply:
		return err
	case <-ctx.Done():
	}
	if it.taken.CompareAndSwap(false, true) {
		return &postgres.RejectedError{Key: groupCommit, Err: ctx.Err()}
	}
	return &postgres.UnknownError{Key: groupCommit, Err: ctx.Err()}
}

// groupCommit names the transactions of lanes.
const groupCommit = "group commit"

func (l *lane) run() {
	defer close(l.done)
	group := make([]*item, 0, laneCap)
	for first := range l.queue {
		group = first.join(group[:0])
		for len(group) < laneCap {
			select {
			case it, ok := <-l.queue:
				if !ok {
					l.commit(group)
					return
				}
				group = it.join(group)
				continue
			default:
			}
			break
		}
		l.commit(group)
	}
}

// commit runs the group in one transaction; if the server refuses it, each item alone, so that only the bad one fails.
func (l *lane) commit(group []*item) {
	if len(group) == 0 {
		return
	}
	err := l.transact(group)
	if len(group) == 1 || !oneItemsFault(err) {
		for _, it := range group {
			it.reply <- err
		}
		return
	}
	for i := range group {
		group[i].reply <- l.transact(group[i : i+1])
	}
}

// oneItemsFault tells that a single item of the group can be to blame: its data, a constraint, or a missing window. When
// the database itself is in trouble, repeating item by item would only add to it.
func oneItemsFault(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return strings.HasPrefix(pg.Code, "22") || strings.HasPrefix(pg.Code, "23")
	}
	return errors.Is(err, ErrNoWindow) || errors.Is(err, money.ErrOverflow)
}

func (l *lane) transact(group []*item) error {
	ctx, cancel := context.WithTimeout(context.Background(), laneTimeout)
	defer cancel()
	var intents []*item
	var outcomes []*item
	for _, it := range group {
		if it.begin != nil {
			intents = append(intents, it)
		} else {
			outcomes = append(outcomes, it)
		}
	}
	l.commits++
	return postgres.InTx(ctx, l.books.Options.Lanes, postgres.Key{Name: groupCommit}, func(tx pgx.Tx) error {
		for _, it := range group {
			it.fresh = false // an attempt that was rolled back may have set it
		}
		if err := l.forgetPlans(ctx, tx); err != nil {
			return err
		}
		if err := l.books.writeIntents(ctx, tx, intents); err != nil {
			return err
		}
		return l.books.writeOutcomes(ctx, tx, outcomes)
	})
}

// forgetPlans makes the session plan its statements anew at every power of two of the lane's commits: a generic plan is
// kept for as long as nobody analyzes the tables, and one that was made for an empty table is a scan of a full one.
func (l *lane) forgetPlans(ctx context.Context, tx pgx.Tx) error {
	if l.commits&(l.commits-1) != 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `DISCARD PLANS`)
	return err
}

// LaneSettings are the session settings for [Options].Lanes: plans are kept, and each row of a group is found by its key,
// also in a table that nobody has analyzed yet.
var LaneSettings = map[string]string{
	"enable_seqscan":   "off",
	"enable_hashjoin":  "off",
	"enable_mergejoin": "off",
	"plan_cache_mode":  "force_generic_plan",
}
