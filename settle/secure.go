package settle

import (
	"context"
	"fmt"
	"time"

	"settled/internal/postgres"
	"settled/settle/order"
)

// What the books keep of the 3-D Secure of payments, and how it goes on.
const (
	selectAuthentication = `
SELECT operation, state, server_id, version, status, required, eci, directory_id, started_at, expires_at, completed_at,
	method_url, method_done, browser
FROM authentications WHERE merchant_id = $1 AND order_id = $2 ORDER BY operation`
	updateAuthentication = `
UPDATE authentications SET state = $4, status = $5, eci = $6, directory_id = $7, completed_at = $8
WHERE merchant_id = $1 AND order_id = $2 AND operation = $3`
)

// waitingAuthentication is the authentication of the order's payment operation, which must be the one named and wait.
func (w *work) waitingAuthentication(ctx context.Context, server string) (*Authentication, error) {
	a, err := w.authentication(ctx)
	if err != nil {
		return nil, err
	}
	late := w.order.Status != order.InProcess || !w.moment.at.Before(w.order.PayBefore)
	if !a.waits() || a.ServerID != server || late {
		return nil, fmt.Errorf("%w: no such authentication waits", ErrEnded)
	}
	return a, nil
}

// authentication is the one of the order's last payment operation, or nil.
func (w *work) authentication(ctx context.Context) (*Authentication, error) {
	all, err := postgres.Collect[Authentication](ctx, w.tx, selectAuthentication, w.order.Merchant, w.order.ID)
	if err != nil || len(all) == 0 || all[len(all)-1].Operation != w.order.PaymentNumber {
		return nil, err
	}
	return &all[len(all)-1], nil
}

// securityOf is how far the buyer of a payment operation was authenticated before it was sent, as clearing says it; empty when
// 3-D Secure was not asked.
func (w *work) securityOf(ctx context.Context, operation int16) (string, error) {
	a, err := w.authentication(ctx)
	if err != nil || a == nil || a.Operation != operation || a.State != AuthenticationPassed {
		return "", err
	}
	return a.securityLevel(), nil
}

func (w *work) saveAuthentication(ctx context.Context, operation int16, a Authentication) error {
	var completed *time.Time
	if a.State == AuthenticationPassed || a.State == AuthenticationFailed {
		completed = &w.moment.at
	}
	_, err := w.tx.Exec(ctx, updateAuthentication, w.order.Merchant, w.order.ID, operation, a.State, a.Status, a.ECI, a.DirectoryID, completed)
	if err != nil {
		return fmt.Errorf("write authentication of %d.%d: %w", w.order.ID, operation, err)
	}
	return nil
}

// failAuthentication ends a payment operation that was never sent; the order goes on while it has tries.
func (w *work) failAuthentication(ctx context.Context, waiting *Authentication, a Authentication, response string) error {
	a.State = AuthenticationFailed
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
	if err != nil || !a.waits() {
		return err
	}
	left := *a
	left.State = AuthenticationFailed
	if err := w.saveAuthentication(ctx, a.Operation, left); err != nil {
		return err
	}
	op := w.order.Operation(a.Operation)
	op.Note = joinNotes(op.Note, "3-D Secure: "+why)
	return w.finishOperation(ctx, op, OperationTimedOut, responseDeclined)
}
