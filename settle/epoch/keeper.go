package epoch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// LookEvery is the pause between two looks of a process, and how long one may take.
const LookEvery = 5 * time.Second

// Keeper looks at the database for one process. It is safe for concurrent use, and a collector of metrics.
type Keeper struct {
	pool *pgxpool.Pool
	log  *slog.Logger
	mu   sync.Mutex // one look at a time
	ids  []string   // names of all identifiers that may be given out
	seen time.Time  // the newest alive_at that the database told us
	last atomic.Pointer[Epoch]
}

// New makes a keeper of a database whose identifiers have the names given. The caller calls Check before anything else, then every LookEvery.
func New(pool *pgxpool.Pool, log *slog.Logger, ids []string) *Keeper {
	return &Keeper{pool: pool, log: log, ids: ids}
}

// Know adds the names of further identifiers, before any of them is given out.
func (k *Keeper) Know(ids []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := append(slices.Clone(k.ids), ids...)
	slices.Sort(all)
	k.ids = slices.Compact(all)
}

// Held tells that by the last look a person must let the books go on.
func (k *Keeper) Held() bool {
	e := k.last.Load()
	return e != nil && e.Held()
}

// seeEpoch notes that the database was seen, where it is the one that it was. One statement: it is made all the time.
const seeEpoch = `
UPDATE epochs SET alive_at = greatest(alive_at, clock_timestamp())
WHERE epoch = (SELECT max(epoch) FROM epochs) AND identity = server_identity() AND alive_at > clock_timestamp() - $1::interval AND alive_at >= $2
RETURNING epoch, cause, state, since, begun_at, alive_at, resumed_at, reason, looks, identity`

// Check looks once, which a process does every [LookEvery], and begins a new epoch where one must: in the same commit identifiers jump.
func (k *Keeper) Check(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	rows, err := k.pool.Query(ctx, seeEpoch, SilentFor, k.seen)
	if err != nil {
		return fmt.Errorf("look at the epoch: %w", err)
	}
	e, err := pgx.CollectExactlyOneRow(rows, scanEpoch)
	turned := errors.Is(err, pgx.ErrNoRows)
	if turned {
		e, err = k.turn(ctx)
	}
	if err != nil {
		return fmt.Errorf("look at the epoch: %w", err)
	}
	k.seen = e.AliveAt
	k.note(ctx, &e, turned)
	return nil
}

// note keeps what was seen, and pages what is new.
func (k *Keeper) note(ctx context.Context, e *Epoch, turned bool) {
	before := k.last.Swap(e)
	args := []any{slog.Int("epoch", int(e.No)), slog.String("cause", string(e.Cause)), slog.Time("may_lack_since", e.Since), slog.Time("until", e.BegunAt)}
	switch fresh := before == nil || before.No != e.No || before.State != e.State; {
	case fresh && e.Held():
		k.log.ErrorContext(ctx, "a person must look at the database: it was restored or rewound; nothing is taken, numbered or sent until settled resume --after-restore", args...)
	case fresh && e.Looks && turned:
		k.log.WarnContext(ctx, "a new epoch: identifiers jumped, centers are looked at before anything is sent", args...)
	}
}

// epochLock is the advisory lock under which epochs begin, and are resumed.
const epochLock = 0x5e77e0

const lockEpochs = `SELECT pg_advisory_xact_lock($1)`

// lookAround reads what is there. A database that has no epoch yet was last seen when it committed last, before this transaction.
const lookAround = `
SELECT server_identity(), clock_timestamp(), (SELECT max(at) FROM commits WHERE at < now())`

// turn begins a new epoch, unless another process has.
func (k *Keeper) turn(ctx context.Context) (now Epoch, err error) {
	err = postgres.InTx(postgres.WithoutBeside(ctx), k.pool, postgres.Key{Name: "epoch"}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockEpochs, epochLock); err != nil {
			return err
		}
		last, err := Newest(ctx, tx)
		if err != nil {
			return err
		}
		s := seen{alive: k.seen}
		var committed *time.Time
		if err := tx.QueryRow(ctx, lookAround).Scan(&s.identity, &s.now, &committed); err != nil {
			return err
		}
		now, err = k.next(ctx, tx, last, s, committed)
		return err
	})
	return now, err
}

// next is the epoch that follows: the last one, where nothing has changed, or a new one that is written.
func (k *Keeper) next(ctx context.Context, tx pgx.Tx, last *Epoch, s seen, committed *time.Time) (Epoch, error) {
	before := Epoch{AliveAt: s.now, identity: s.identity}
	if committed != nil {
		before.AliveAt = *committed
	}
	if last != nil {
		before = *last
	}
	c, begins := judge(before, s)
	switch {
	case !begins && last != nil:
		return *last, nil
	case !begins:
		c = change{cause: First}
	}
	e := Epoch{No: before.No + 1, Cause: c.cause, State: stateRunning, Since: before.AliveAt, BegunAt: s.now, AliveAt: s.now, Looks: begins, identity: s.identity}
	if c.held {
		e.State = stateHeld
	}
	if before.Held() { // the doubt that nobody has settled goes on
		e.Cause, e.Since = before.Cause, before.Since
	}
	if e.Since.After(e.BegunAt) {
		e.Since = e.BegunAt
	}
	return e, k.begin(ctx, tx, e, s.now.Sub(before.AliveAt))
}

const insertEpoch = `
INSERT INTO epochs (epoch, cause, state, since, begun_at, alive_at, looks, identity) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

// begin writes the epoch, and lets identifiers jump over what can have been given out in the gap.
func (k *Keeper) begin(ctx context.Context, tx pgx.Tx, e Epoch, gap time.Duration) error {
	if _, err := tx.Exec(ctx, insertEpoch, e.No, e.Cause, e.State, e.Since, e.BegunAt, e.AliveAt, e.Looks, e.identity); err != nil {
		return fmt.Errorf("begin epoch %d: %w", e.No, err)
	}
	if !e.Looks {
		return nil
	}
	return jump(ctx, tx, e, gap, k.ids)
}

// ErrNotHeld means that there is nothing to resume: no doubt stands, or another process began a new epoch meanwhile.
var ErrNotHeld = errors.New("epoch: nothing to resume")

// Doubted tells that the books are held, as a whole or for one of the centers.
func Doubted(ctx context.Context, q postgres.Querier, centers []int16) (yes bool, err error) {
	err = q.QueryRow(ctx, `SELECT held(0::smallint) IS NOT NULL OR EXISTS (SELECT FROM unnest($1::smallint[]) c WHERE held(c) IS NOT NULL)`, centers).Scan(&yes)
	return yes, err
}

const resumeEpoch = `
UPDATE epochs SET state = $3, resumed_at = clock_timestamp(), reason = $2
WHERE epoch = $1 AND epoch = (SELECT max(epoch) FROM epochs) AND identity = server_identity() AND looks AND resumed_at IS NULL`

// Resume lets an epoch go on, on a person's word, in a transaction of the caller, who does in it what follows. No epoch begins before it
// ends.
func Resume(ctx context.Context, tx pgx.Tx, epoch int32, reason string) error {
	if _, err := tx.Exec(ctx, lockEpochs, epochLock); err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, resumeEpoch, epoch, reason, stateRunning)
	if err == nil && tag.RowsAffected() != 1 {
		err = ErrNotHeld
	}
	return err
}

// Describe is of prometheus.Collector.
func (k *Keeper) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{heldDesc, numberDesc, begunDesc} {
		out <- d
	}
}

var (
	heldDesc   = prometheus.NewDesc("settled_held", "1 while the database was restored or rewound and a person must let the books go on, else 0.", nil, nil)
	numberDesc = prometheus.NewDesc("settled_epoch", "Number of the epoch of the books.", nil, nil)
	begunDesc  = prometheus.NewDesc("settled_epoch_begun_timestamp_seconds", "When the epoch of the books began.", nil, nil)
)

// Collect is of prometheus.Collector.
func (k *Keeper) Collect(out chan<- prometheus.Metric) {
	e := k.last.Load()
	if e == nil {
		return
	}
	held := 0.0
	if e.Held() {
		held = 1
	}
	out <- prometheus.MustNewConstMetric(heldDesc, prometheus.GaugeValue, held)
	out <- prometheus.MustNewConstMetric(numberDesc, prometheus.GaugeValue, float64(e.No))
	out <- prometheus.MustNewConstMetric(begunDesc, prometheus.GaugeValue, float64(e.BegunAt.Unix()))
}
