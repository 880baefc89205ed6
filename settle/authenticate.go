package settle

import (
	"context"
	"fmt"

	"settled/settle/authentication"
	"settled/settle/order"
)

// responseAuthenticate is the response code of a payment that waits for 3-D Secure.
const responseAuthenticate = "AS110"

// Authenticate begins a payment operation that waits for 3-D Secure: nothing is owed and nothing is sent before
// Authenticated says that it passed. It returns the number of the operation.
func (b *Books) Authenticate(ctx context.Context, r PayRequest, a authentication.Authentication) (int16, error) {
	o, err := b.change(ctx, "authenticate", r.Merchant, r.Order, func(w *work) error {
		if err := w.startPayment(ctx, r); err != nil {
			return err
		}
		if err := w.savePayment(ctx); err != nil {
			return err
		}
		op := Operation{Number: w.order.PaymentNumber, Kind: OperationPayment, State: OperationInProcess, Actor: ByMerchant,
			Amount: w.order.Amount.Minor, Response: responseAuthenticate, Means: r.Means}
		if err := w.addOperation(ctx, op); err != nil {
			return err
		}
		a.Operation = op.Number
		return authentication.Begin(ctx, w.tx, r.Merchant, r.Order, a, w.moment.at)
	})
	if err != nil {
		return 0, fmt.Errorf("begin authentication of order %d: %w", r.Order, err)
	}
	return o.PaymentNumber, nil
}

// Challenged notes that the buyer is being asked.
func (b *Books) Challenged(ctx context.Context, merchant int32, id int64, a authentication.Authentication) error {
	_, err := b.change(ctx, "challenge", merchant, id, func(w *work) error {
		waiting, err := w.waitingAuthentication(ctx, a.ServerID)
		if err != nil {
			return err
		}
		a.State = authentication.Challenge
		return w.saveAuthentication(ctx, waiting.Operation, a)
	})
	return err
}

// Authenticated records the result of a payment's 3-D Secure. Passed, it returns the payment to send, durable as by Pay.
// Failed, it ends the operation with the response code and returns no payment. A result for an authentication that waits
// no more is ErrEnded: it was used, failed or given up before.
func (b *Books) Authenticated(ctx context.Context, merchant int32, id int64, a authentication.Authentication, response string) (*Payment, error) {
	var p *Payment
	_, err := b.change(ctx, "authenticated", merchant, id, func(w *work) error {
		p = nil
		waiting, err := w.waitingAuthentication(ctx, a.ServerID)
		if err != nil {
			return err
		}
		if a.State != authentication.Passed {
			return w.failAuthentication(ctx, waiting, a, response)
		}
		if err = w.saveAuthentication(ctx, waiting.Operation, a); err != nil {
			return err
		}
		w.trigger = order.TriggerTry
		if p, err = w.transmit(ctx); err != nil {
			return err
		}
		p.Security = a.SecurityLevel()
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("authentication of order %d: %w", id, err)
	}
	return p, nil
}
