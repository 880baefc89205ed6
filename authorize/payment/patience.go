package payment

import (
	"context"
	"time"
)

// SettleTimeout bounds what a request asks of the books, before it asks anybody else and again after it. A commit that has
// begun may take 5 s longer. LookTimeout bounds the last look at an order after that failed.
const (
	SettleTimeout = 8 * time.Second
	LookTimeout   = 2 * time.Second
)

// Patient bounds what is asked of the books next.
func Patient(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, SettleTimeout)
}
