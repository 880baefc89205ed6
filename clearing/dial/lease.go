package dial

import (
	"context"
	"fmt"

	"settled/internal/postgres"
)

// Lease takes the lease that keeps one connection per center and purpose, and the context that ends when it is lost. It is an
// economy, not the guarantee: that is the fencing token of a file and the unique hash of a reply. ErrBusy: another worker has it.
func (d *Dialer) Lease(ctx context.Context, purpose string, center int16) (held context.Context, release func(), err error) {
	l, err := postgres.TryLease(ctx, d.o.Pool, fmt.Sprintf("%s/%d", purpose, center), d.o.Holder)
	switch {
	case err != nil:
		return ctx, nil, err
	case l == nil:
		return ctx, nil, ErrBusy
	}
	return l.Context(), func() { l.Release(ctx) }, nil
}
