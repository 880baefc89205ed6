package settle

import (
	"context"
	"fmt"
	"strings"

	"settled/internal/money"
	"settled/settle/order"
)

// CancelRequest asks for money back, or for a hold to be given up: the books decide which.
type CancelRequest struct {
	Merchant  int32
	Order     int64
	Operation int16         // the payment operation named by an extended billnumber; 0: the only one
	Amount    *money.Amount // nil: everything that can be cancelled
	Reason    int16
	External  string // the merchant's key of this cancel; empty: whether it is a repeat is told by [Repeat]
	Actor     Actor
	Cheque    string // JSON text of what is cancelled, as the merchant sent it; kept with the operation
}

// Cancel closes an opened order that is not paid. Else it carries out the plan of order.PlanCancel in one commit: holds released, records withdrawn or reduced, credits
// queued, online refunds and reversals owed to the center. The operation's note says what was created and why. Its state
// is OperationDone when nothing more can change it, OperationInProcess while a center's answer decides it. Refusals are
// the errors of package order, ErrOperation, ErrInFlight and ErrExternalReuse.
func (b *Books) Cancel(ctx context.Context, r CancelRequest) (OperationResult, error) {
	var out OperationResult
	o, err := b.change(ctx, "cancel", r.Merchant, r.Order, func(w *work) error {
		out = OperationResult{}
		if w.order.unpaid() {
			return w.withdraw(ctx, r, &out)
		}
		if err := w.payable(r.Operation, r.Amount); err != nil {
			return err
		}
		if found, err := w.earlierCancel(r, &out); found || err != nil {
			return err
		}
		n, err := w.cancel(ctx, r)
		out.Operation = w.order.Operation(n)
		return err
	})
	out.Order = o
	return out, err
}

// earlierCancel finds the cancellation that the request repeats. A keyed request repeats the operation of its key even if
// that was refused: a new try needs a new key.
func (w *work) earlierCancel(r CancelRequest, out *OperationResult) (found bool, err error) {
	for i := len(w.order.Operations) - 1; i >= 0 && out.Repeat == ""; i-- {
		op := &w.order.Operations[i]
		switch {
		case op.Kind != OperationCancellation:
		case r.External == "":
			out.take(op, w.repeatsCancel(op, r.Amount, out))
		case op.External == nil || *op.External != r.External:
		case !sameAsked(op.Asked, r.Amount):
			return false, fmt.Errorf("%w: %q", ErrExternalReuse, r.External)
		default:
			out.take(op, RepeatKey)
		}
	}
	return out.Repeat != "", nil
}

// repeatsCancel tells whether an unkeyed cancel repeats op: everything of an order that has nothing left, or the same amount as repeats
// says.
func (w *work) repeatsCancel(op *Operation, amount *money.Amount, out *OperationResult) Repeat {
	switch {
	case op.State == OperationFailed:
		return ""
	case amount == nil && w.order.Amounts.Cancellable() == 0:
		return RepeatNothing
	case amount == nil || op.External != nil || !sameAsked(op.Asked, amount):
		return ""
	}
	return w.repeats(op, out)
}

func (w *work) cancel(ctx context.Context, r CancelRequest) (int16, error) {
	op := Operation{Kind: OperationCancellation, State: OperationDone, Actor: r.Actor, Reason: r.Reason,
		Response: responseDone, Asked: minorOf(r.Amount), External: keyOf(r.External)}
	var ask int64
	if op.Asked != nil {
		if ask = *op.Asked; ask <= 0 {
			return 0, order.ErrAmountNotPositive
		}
	}
	cut, err := w.slices(ctx)
	if err != nil {
		return 0, err
	}
	plan, err := order.PlanCancel(w.order.Amounts, cut, w.center.Capabilities, ask)
	if err != nil {
		return 0, fmt.Errorf("order %d: %w", w.order.ID, err)
	}
	op.Number = w.nextOperation()
	if err := w.keepCheque(ctx, op.Number, r.Cheque); err != nil {
		return 0, err
	}
	return op.Number, w.carryOutCancel(ctx, op, plan)
}

func (w *work) carryOutCancel(ctx context.Context, op Operation, plan order.Cancellation) error {
	var notes []string
	w.trigger = order.TriggerCancelHold
	for _, part := range plan.Parts {
		op.Amount += part.Amount
		note, err := w.carryOutPart(ctx, &op, part)
		if err != nil {
			return err
		}
		notes = append(notes, note)
	}
	notes = append(notes, w.releaseNote(plan)...)
	op.Note = strings.Join(notes, "; ")
	if err := w.addOperation(ctx, op); err != nil {
		return err
	}
	switch plan.Release {
	case order.ReleaseReversal:
		return w.owe(ctx, Reversal, op.Number, w.order.paymentTxn, nil, w.order.Amounts.Authorized)
	case order.ReleasePartial:
		return w.owe(ctx, PartialReversal, op.Number, w.order.paymentTxn, nil, plan.Freed)
	default:
		return nil
	}
}

func (w *work) releaseNote(plan order.Cancellation) []string {
	switch plan.Release {
	case order.ReleaseReversal:
		return []string{"reversal of the authorization, because nothing of it was presented"}
	case order.ReleasePartial:
		return []string{fmt.Sprintf("partial reversal of %v, because the rest of the authorization is in use or was given up before", w.amount(plan.Freed))}
	case order.ReleaseLapse:
		return []string{"release_not_supported: the center cannot release a part, so it lapses at the issuer"}
	default:
		return nil
	}
}

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
