package files

import (
	"context"
	"fmt"

	"settled/clearing/states"
	"settled/internal/postgres"
)

const holds = `SELECT held($1)`

// Free fails with states.ErrHeld while nothing may be numbered for a center or sent to it; name is for the message. Inside the transaction
// that does so it is exact: it asks which database this is.
func Free(ctx context.Context, q postgres.Querier, center int16, name string) error {
	var why *string
	if err := q.QueryRow(ctx, holds, center).Scan(&why); err != nil {
		return fmt.Errorf("ask whether %s is held: %w", name, err)
	}
	if why != nil {
		return fmt.Errorf("%w: %s", states.ErrHeld, *why)
	}
	return nil
}
