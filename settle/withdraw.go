package settle

import (
	"context"
	"fmt"

	"settled/settle/order"
)

// withdraw closes an order that nobody has paid, whatever its tries left. Under the order's lock a buyer's payment comes before
// it, and then it is ErrInFlight, or after it, and then that is ErrEnded. What waits for 3-D Secure has sent nothing and is given
// up. The operation that says so moves no money: its amount is 0.
func (w *work) withdraw(ctx context.Context, r CancelRequest, out *OperationResult) error {
	if err := w.withdrawable(r); err != nil {
		return err
	}
	if found, err := w.earlierCancel(r, out); found || err != nil {
		return err
	}
	if w.order.Status == order.Withdrawn {
		return w.withdrawn(r, out)
	}
	if err := w.abandonAuthentication(ctx, "order cancelled"); err != nil {
		return err
	}
	if w.paying() {
		return fmt.Errorf("%w: %d", ErrInFlight, w.order.ID)
	}
	w.trigger, w.order.Status = order.TriggerWithdraw, order.Withdrawn
	number := w.nextOperation()
	err := w.addOperation(ctx, Operation{Number: number, Kind: OperationCancellation, State: OperationDone, Actor: r.Actor, Reason: r.Reason,
		Response: responseDone, Asked: minorOf(r.Amount), External: keyOf(r.External), Note: "order closed before it was paid: no money was moved"})
	out.Operation = w.order.Operation(number)
	return err
}

// withdrawn answers an unkeyed cancel of an order that is closed already by the operation that closed it: nothing else can be meant.
func (w *work) withdrawn(r CancelRequest, out *OperationResult) error {
	if r.External != "" {
		return fmt.Errorf("order %d: %w", w.order.ID, order.ErrNothingToCancel)
	}
	out.take(w.order.Operation(w.order.lastOperation), RepeatNothing)
	return nil
}

// withdrawable refuses a part of an order that is not paid, and a payment that it does not have.
func (w *work) withdrawable(r CancelRequest) error {
	switch {
	case r.Operation != 0 && r.Operation != w.order.PaymentNumber:
		return fmt.Errorf("%w: %d.%d", ErrOperation, w.order.ID, r.Operation)
	case r.Amount != nil && *r.Amount != w.order.Amount && *r.Amount != w.order.Original:
		return fmt.Errorf("%w: order %d is not paid, so no part of it can be given back", ErrOperation, w.order.ID)
	}
	return nil
}
