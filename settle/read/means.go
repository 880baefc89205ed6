package read

import (
	"context"

	"settled/settle"
	"settled/settle/authentication"

	"github.com/jackc/pgx/v5"
)

// readMeans adds what the payments of an opened order went through besides their center.
func (e *Order) readMeans(ctx context.Context, tx pgx.Tx, o *settle.Order) error {
	secure, err := authentication.Of(ctx, tx, o.Merchant, o.ID)
	if err != nil {
		return err
	}
	for _, a := range secure {
		e.Authenticated = append(e.Authenticated, Authentication{a.Operation, a.State.String(), a.Status, a.ECI, a.Version, a.ServerID,
			a.StartedAt.UTC(), utc(a.CompletedAt)})
	}
	found, err := settle.InstantPaymentsOf(ctx, tx, o.Merchant, o.ID)
	if err != nil {
		return err
	}
	for _, p := range found {
		x := InstantPayment{Operation: p.Operation, State: p.State.String(), Amount: p.Amount.String(), BankID: p.BankID,
			ExpiresAt: p.ExpiresAt.UTC(), Late: p.Late, LastError: p.LastError}
		if p.BankOperation != nil {
			x.Paid = *p.BankOperation
		}
		e.Instant = append(e.Instant, x)
	}
	return nil
}
