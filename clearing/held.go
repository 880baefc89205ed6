package clearing

import (
	"context"
	"errors"
	"fmt"

	"settled/internal/postgres"
)

// ErrHeld means that nothing is numbered for a center, or sent to it: the database was restored or went back in time, and what the
// center has must be looked at first.
var ErrHeld = errors.New("clearing: held")

const holds = `SELECT held($1)`

// free fails with ErrHeld while nothing may be numbered for the center or sent to it. Inside the transaction that does so it is exact: it
// asks which database this is.
func free(ctx context.Context, q postgres.Querier, s *station) error {
	var why *string
	if err := q.QueryRow(ctx, holds, s.ID).Scan(&why); err != nil {
		return fmt.Errorf("ask whether %s is held: %w", s.Name, err)
	}
	if why != nil {
		return fmt.Errorf("%w: %s", ErrHeld, *why)
	}
	return nil
}

// heldAll tells that the books are held as a whole.
func (n *Night) heldAll(ctx context.Context) (held bool, err error) {
	if err := n.Pool.QueryRow(ctx, `SELECT held(0::smallint) IS NOT NULL`).Scan(&held); err != nil {
		return false, fmt.Errorf("ask whether the books are held: %w", err)
	}
	return held, nil
}
