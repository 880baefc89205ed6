package authorize

import (
	"context"
	"time"
)

// settleTimeout bounds what a request asks of the books, before it asks anybody else and again after it. A commit that has
// begun may take 5 s longer. lookTimeout bounds the last look at an order after that failed.
const (
	settleTimeout = 8 * time.Second
	lookTimeout   = 2 * time.Second
)

// patient bounds what is asked of the books next.
func patient(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, settleTimeout)
}
