package settle

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"settled/internal/postgres"
	"settled/internal/vault"
	"settled/settle/credential"
	"settled/settle/ledger"
	"settled/settle/wish"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// Options of the books.
type Options struct {
	Pool      *pgxpool.Pool
	Lanes     *pgxpool.Pool // connections of the group commit; Pool when nil
	LaneCount int           // workers of the group commit, each with one connection; default 2
	Directory *Directory
	Vault     *vault.Vault
	Zone      *time.Location   // of accounting dates; UTC when nil
	Now       func() time.Time // in the books: in UTC, to the microsecond, as PostgreSQL keeps it
	Log       *slog.Logger
	// Wake is called after a commit that owes a center a message that is due at once. It must not block.
	Wake func()
}

// Books is the entry to all of it. Its methods are safe for concurrent use.
type Books struct {
	Options
	ids           *blocks
	ledger        ledger.Book
	credentials   *credential.Store
	wishes        *wish.Fulfiller
	posted        *prometheus.CounterVec // by rule, see Metrics
	lanes         []*lane
	singleMessage []int16   // centers whose answer moves the money
	horizon       *sync.Map // center id → windowSeen
}

// Under returns the same books under another directory, which has to have the same centers: lanes, numbers and counters are shared, and
// only the books that New made are closed. What was begun with the books before goes on under theirs.
func (b *Books) Under(d *Directory) *Books {
	other := *b
	other.Directory = d
	return &other
}

// lane is one worker of the group commit: it drains its queue, with no timer, and commits what it finds together.
type lane struct {
	books   *Books
	queue   chan *item
	done    chan struct{}
	commits uint64

	mu     sync.RWMutex
	closed bool
}

// Ledger returns the ledger that the books post to.
func (b *Books) Ledger() ledger.Book { return b.ledger }

// Posted counts the lines of journals that this process wrote, by posting rule.
func (b *Books) Posted() prometheus.Collector { return b.posted }

// RegisterCenters writes the configured centers into the database. An id that belongs to another name is an error: its
// records, windows and files would change owner. So is a center that is not configured any more and has been paid at: what was
// sold there could neither be presented nor be given back.
func (b *Books) RegisterCenters(ctx context.Context) error { return b.registerCenters(ctx, b.Pool) }

// Register is RegisterCenters and RegisterContracts within a transaction of the caller, who uses the directory once that is committed.
func (b *Books) Register(ctx context.Context, tx pgx.Tx) error {
	if err := b.registerCenters(ctx, tx); err != nil {
		return err
	}
	return b.registerContracts(ctx, tx)
}

func (b *Books) registerCenters(ctx context.Context, q postgres.Querier) error {
	var ids []int16
	for _, c := range b.Directory.Centers() {
		ids = append(ids, c.ID)
		var name string
		err := q.QueryRow(ctx, `INSERT INTO centers (center_id, name) VALUES ($1, $2)
			ON CONFLICT (center_id) DO UPDATE SET name = centers.name RETURNING name`, c.ID, c.Name).Scan(&name)
		if err != nil {
			return fmt.Errorf("register center %q: %w", c.Name, err)
		}
		if name != c.Name {
			return fmt.Errorf("%w: center id %d belongs to %q, not to %q", ErrDirectory, c.ID, name, c.Name)
		}
	}
	return missCenters(ctx, q, ids)
}

// A center that was paid at has balances, or postings of a day that is not rolled up yet.
const missedCenters = `
SELECT format('%s %s', center_id, name) FROM centers c
WHERE center_id <> ALL ($1::smallint[]) AND (EXISTS (SELECT FROM balances x WHERE x.center_id = c.center_id)
	OR EXISTS (SELECT FROM owed_exchanges x WHERE x.center_id = c.center_id)
	OR EXISTS (SELECT FROM postings x WHERE x.center_id = c.center_id
		AND accounting_date > coalesce((SELECT max(accounting_date) FROM rolled_days), '-infinity')))
ORDER BY center_id`

// missCenters refuses a configuration without a center that was paid at.
func missCenters(ctx context.Context, q postgres.Querier, configured []int16) error {
	rows, err := q.Query(ctx, missedCenters, configured)
	if err != nil {
		return fmt.Errorf("read centers: %w", err)
	}
	missed, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("read centers: %w", err)
	}
	if len(missed) > 0 {
		return fmt.Errorf("%w: the books have payments at center %s, which is not configured; keep its section, and leave out the merchants' routes to it",
			ErrDirectory, strings.Join(missed, ", center "))
	}
	return nil
}

// key names a transaction on an order, for the commit rule.
func (b *Books) key(what string, merchant int32, id int64) postgres.Key {
	return postgres.Key{Name: fmt.Sprintf("%s %d/%d", what, merchant, id)}
}
