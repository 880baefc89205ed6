package read

import (
	"context"
	"time"

	"settled/settle"

	"github.com/jackc/pgx/v5"
)

// Authentication is the 3-D Secure of a payment operation.
type Authentication struct {
	Operation   int16      `json:"operation"`
	State       string     `json:"state"`
	Status      string     `json:"status"`
	ECI         string     `json:"eci"`
	Version     string     `json:"version"`
	ServerID    string     `json:"server_id"`
	StartedAt   time.Time  `json:"started_at"`
	CompletedAt *time.Time `json:"completed_at,omitempty"`
}

// InstantPayment is a payment operation at the partner bank.
type InstantPayment struct {
	Operation int16     `json:"operation"`
	State     string    `json:"state"`
	Amount    string    `json:"amount"`
	BankID    string    `json:"bank_id"`
	ExpiresAt time.Time `json:"expires_at"`
	Paid      string    `json:"bank_operation,omitempty"` // the scheme's id of the payment
	Late      bool      `json:"late,omitempty"`
	LastError string    `json:"last_error,omitempty"`
}

// readMeans adds what the payments of an opened order went through besides their center.
func (e *Order) readMeans(ctx context.Context, tx pgx.Tx, o *settle.Order) error {
	secure, err := settle.AuthenticationsOf(ctx, tx, o.Merchant, o.ID)
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
