package settle

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
)

// blocks hands out identifiers from blocks that it reserves in the database, one short statement per block. Identifiers
// of one name ascend within a process; a restart leaves a gap. It has a connection of its own: identifiers are asked for
// within transactions, and with every connection in a transaction that waits for one, none would ever come.
type blocks struct {
	pool *pgxpool.Pool
	err  error         // why there is no connection
	turn chan struct{} // holds one value: whoever takes it may use open, and puts it back
	open map[string]*block
}

// newBlocks makes blocks on the database of the pool.
func newBlocks(like *pgxpool.Pool) *blocks {
	cfg := like.Config()
	cfg.MaxConns, cfg.MinConns, cfg.MinIdleConns = 1, 0, 0
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	b := &blocks{pool: pool, err: err, turn: make(chan struct{}, 1), open: map[string]*block{}}
	b.turn <- struct{}{}
	return b
}

func (b *blocks) close() {
	if b.pool != nil {
		b.pool.Close()
	}
}

type block struct{ next, end int64 }

// reserveBlock reserves nothing while the books are held: the same statement asks.
const reserveBlock = `
INSERT INTO id_blocks (name, next) SELECT $1, $2::bigint + 1 WHERE held(0::smallint) IS NULL
ON CONFLICT (name) DO UPDATE SET next = id_blocks.next + $2
RETURNING next - $2`

// next returns the next identifier of a name, reserving size at a time. The first is 1. It waits for the database, and for
// others who do, no longer than ctx lasts. ErrHeld: none is given out.
func (b *blocks) next(ctx context.Context, name string, size int64) (int64, error) {
	if b.err != nil {
		return 0, fmt.Errorf("reserve identifiers of %q: %w", name, b.err)
	}
	select {
	case <-b.turn:
		defer func() { b.turn <- struct{}{} }()
	case <-ctx.Done():
		return 0, fmt.Errorf("reserve identifiers of %q: %w", name, ctx.Err())
	}
	cur := b.open[name]
	if cur == nil {
		cur = &block{}
		b.open[name] = cur
	}
	if cur.next == cur.end {
		err := b.pool.QueryRow(ctx, reserveBlock, name, size).Scan(&cur.next)
		if isNotFound(err) {
			err = ErrHeld
		}
		if err != nil {
			return 0, fmt.Errorf("reserve %d identifiers of %q: %w", size, name, err)
		}
		cur.end = cur.next + size
	}
	cur.next++
	return cur.next - 1, nil
}
