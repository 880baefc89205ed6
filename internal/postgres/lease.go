package postgres

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// LeaseTerm is how long a lease stands without being renewed, by the database's time: when its holder vanishes, another
	// process takes it after that.
	LeaseTerm = 30 * time.Second
	// leaseRenew is the pause between renewals, leaseMargin how long before the end of the term the holder stops trusting it.
	leaseRenew  = 5 * time.Second
	leaseMargin = 5 * time.Second
)

// ErrLeaseLost is the cause of the end of a lease's context: it was not renewed in time, or another process has it.
var ErrLeaseLost = errors.New("postgres: lease is lost")

// Lease is what one process at a time may do. It is kept by renewals, not by a session: a host that vanishes, a process that
// is stopped and a network that is cut lose it within LeaseTerm.
type Lease struct {
	// Name says what of, Fence counts its holders: a write may ask for it, and then fails for an earlier holder.
	Name   string
	Fence  int64
	pool   *pgxpool.Pool
	ctx    context.Context
	lose   context.CancelCauseFunc
	expire *time.Timer
	done   sync.WaitGroup
}

// Holder makes a name for a process that holds leases: its host, its number, and chance.
func Holder() string {
	host, _ := os.Hostname()
	random := make([]byte, 4)
	_, _ = rand.Read(random)
	return fmt.Sprintf("%.60s_%d_%s", host, os.Getpid(), hex.EncodeToString(random))
}

const (
	takeLease = `
INSERT INTO leases (name, holder, fence, until) VALUES ($1, $2, 1, clock_timestamp() + $3)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, fence = leases.fence + 1, until = excluded.until
	WHERE leases.until <= clock_timestamp()
RETURNING fence`
	renewLease   = `UPDATE leases SET until = clock_timestamp() + $3 WHERE name = $1 AND fence = $2 AND until > clock_timestamp()`
	releaseLease = `UPDATE leases SET until = '-infinity' WHERE name = $1 AND fence = $2`
)

// TryLease takes a lease for holder and keeps it until Release. It returns nil where another holder has it. The caller works
// under [Lease.Context].
func TryLease(ctx context.Context, pool *pgxpool.Pool, name, holder string) (*Lease, error) {
	l := &Lease{Name: name, pool: pool}
	asked := time.Now()
	err := pool.QueryRow(ctx, takeLease, name, holder, LeaseTerm).Scan(&l.Fence)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("take lease %s: %w", name, err)
	}
	l.ctx, l.lose = context.WithCancelCause(ctx)
	l.expire = time.AfterFunc(l.left(asked), func() { l.lose(ErrLeaseLost) })
	l.done.Go(l.keep)
	return l, nil
}

// left is how long the lease may still be trusted when it was renewed by a statement sent at an instant.
func (l *Lease) left(sent time.Time) time.Duration { return LeaseTerm - leaseMargin - time.Since(sent) }

// Context ends with ErrLeaseLost as its cause once the lease may be another's.
func (l *Lease) Context() context.Context { return l.ctx }

// keep renews until the lease is lost or released.
func (l *Lease) keep() {
	ticker := time.NewTicker(leaseRenew)
	defer ticker.Stop()
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-ticker.C:
		}
		sent := time.Now()
		asked, cancel := context.WithTimeout(l.ctx, leaseRenew)
		tag, err := l.pool.Exec(asked, renewLease, l.Name, l.Fence, LeaseTerm)
		cancel()
		switch {
		case err == nil && tag.RowsAffected() == 0:
			l.lose(ErrLeaseLost)
		case err == nil && l.expire.Stop(): // one that fired has lost the lease already
			l.expire.Reset(l.left(sent))
		}
	}
}

// Release gives the lease back. One that was lost stays whose it is.
func (l *Lease) Release(ctx context.Context) {
	l.expire.Stop()
	l.lose(context.Canceled)
	l.done.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseRenew)
	defer cancel()
	_, _ = l.pool.Exec(ctx, releaseLease, l.Name, l.Fence) // else it ends with its term
}
