package settle

import (
	"context"
	"fmt"

	"settled/settle/authentication"
	"settled/settle/order"
)

// waitingAuthentication is the authentication of the order's payment operation, which must be the one named and wait.
func (w *work) waitingAuthentication(ctx context.Context, server string) (*authentication.Authentication, error) {
	a, err := w.authentication(ctx)
	if err != nil {
		return nil, err
	}
	late := w.order.Status != order.InProcess || !w.moment.at.Before(w.order.PayBefore)
	if !a.Waits() || a.ServerID != server || late {
		return nil, fmt.Errorf("%w: no such authentication waits", ErrEnded)
	}
	return a, nil
}

// authentication is the one of the order's last payment operation, or nil.
func (w *work) authentication(ctx context.Context) (*authentication.Authentication, error) {
	return authentication.Last(ctx, w.tx, w.order.Merchant, w.order.ID, w.order.PaymentNumber)
}

// securityOf is how far the buyer of a payment operation was authenticated before it was sent, as clearing says it; empty when
// 3-D Secure was not asked.
func (w *work) securityOf(ctx context.Context, operation int16) (string, error) {
	a, err := w.authentication(ctx)
	if err != nil || a == nil || a.Operation != operation || a.State != authentication.Passed {
		return "", err
	}
	return a.SecurityLevel(), nil
}

func (w *work) saveAuthentication(ctx context.Context, operation int16, a authentication.Authentication) error {
	a.Operation = operation
	return authentication.Save(ctx, w.tx, w.order.Merchant, w.order.ID, a, w.moment.at)
}

// failAuthentication ends a payment operation that was never sent; the order goes on while it has tries.
func (w *work) failAuthentication(ctx context.Context, waiting *authentication.Authentication, a authentication.Authentication, response string) error {
	a.State = authentication.Failed
	if err := w.saveAuthentication(ctx, waiting.Operation, a); err != nil {
		return err
	}
	w.trigger = order.TriggerTry
	if w.order.TriesLeft == 0 {
		w.trigger, w.order.Status = order.TriggerDecline, order.Declined
	}
	return w.finishOperation(ctx, w.order.Operation(waiting.Operation), OperationFailed, response)
}

// abandonAuthentication ends a payment operation that waits for 3-D Secure, if one does.
func (w *work) abandonAuthentication(ctx context.Context, why string) error {
	a, err := w.authentication(ctx)
	if err != nil || !a.Waits() {
		return err
	}
	left := *a
	left.State = authentication.Failed
	if err := w.saveAuthentication(ctx, a.Operation, left); err != nil {
		return err
	}
	op := w.order.Operation(a.Operation)
	op.Note = joinNotes(op.Note, "3-D Secure: "+why)
	return w.finishOperation(ctx, op, OperationTimedOut, responseDeclined)
}
