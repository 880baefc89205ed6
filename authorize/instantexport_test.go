package authorize

import (
	"context"

	"settled/settle"
)

// BeginInstant is what the page does when its buyer chooses an instant payment.
func (g *Gateway) BeginInstant(ctx context.Context, o *settle.Order) error {
	return g.instant.Begin(ctx, o)
}

// LeaveInstant is what the page does when its buyer chooses other means.
func (g *Gateway) LeaveInstant(ctx context.Context, o *settle.Order) error {
	return g.instant.Leave(ctx, o, "other means chosen")
}
