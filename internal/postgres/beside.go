package postgres

import (
	"context"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

// Beside is what a transaction does beside its own work, as its last statements: it is committed with it, or not at all.
type Beside struct {
	do   func(ctx context.Context, tx pgx.Tx) error
	done atomic.Bool
}

// besideKey is the key of a Beside in a context.
type besideKey struct{}

// WithBeside returns a context whose first transaction by InTx that commits does also what do does. An error of do rolls it back. do may be
// called more than once, as the function of InTx.
func WithBeside(ctx context.Context, do func(ctx context.Context, tx pgx.Tx) error) (context.Context, *Beside) {
	b := &Beside{do: do}
	return context.WithValue(ctx, besideKey{}, b), b
}

// WithoutBeside returns a context whose transactions are none of those that WithBeside means: what is noted on the way to them.
func WithoutBeside(ctx context.Context) context.Context {
	return context.WithValue(ctx, besideKey{}, (*Beside)(nil))
}

// Done tells that a transaction did it and was committed.
func (b *Beside) Done() bool { return b.done.Load() }

// besides does in a transaction what its context says, and returns what to call when it is committed.
func besides(ctx context.Context, tx pgx.Tx) (committed func(), err error) {
	b, ok := ctx.Value(besideKey{}).(*Beside)
	if !ok || b == nil || b.Done() {
		return func() {}, nil
	}
	return func() { b.done.Store(true) }, b.do(ctx, tx)
}
