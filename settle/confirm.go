package settle

import (
	"context"
	"fmt"

	"settled/internal/money"
	"settled/settle/ledger"
	"settled/settle/order"
)

// ConfirmRequest asks for a confirmation of a held payment.
type ConfirmRequest struct {
	Merchant    int32
	Order       int64
	Operation   int16         // the payment operation named by an extended billnumber; 0: the only one
	Amount      *money.Amount // nil: the whole hold
	AutoDeposit bool          // release the unconfirmed rest at once
	External    string        // the merchant's key of this confirmation; empty: whether it is a repeat is told by [Repeat]
	Actor       Actor
	Note        string
	Cheque      string // JSON text of what is confirmed, as the merchant sent it; kept with the operation
}

// Confirm makes a slice of a hold presentable: it consumes that part of the hold, writes the clearing record into the
// window open at the commit, and posts both. With AutoDeposit it gives up the rest of the hold in the same commit. A
// repeat returns the first result and changes nothing. Refusals are the errors of package order,
// ErrOneStage, ErrOperation, ErrInFlight and ErrExternalReuse.
func (b *Books) Confirm(ctx context.Context, r ConfirmRequest) (OperationResult, error) {
	var out OperationResult
	o, err := b.change(ctx, "confirm", r.Merchant, r.Order, func(w *work) error {
		out = OperationResult{}
		if err := w.payable(r.Operation, r.Amount); err != nil {
			return err
		}
		if found, err := w.earlierConfirmation(r, &out); found || err != nil {
			return err
		}
		n, err := w.confirm(ctx, r)
		out.Operation = w.order.Operation(n)
		return err
	})
	out.Order = o
	return out, err
}

// payable checks what confirmations and cancels have in common: a successful payment, the operation named, the currency.
func (w *work) payable(operation int16, amount *money.Amount) error {
	switch {
	case operation != 0 && operation != w.order.PaymentNumber:
		return fmt.Errorf("%w: %d.%d", ErrOperation, w.order.ID, operation)
	case w.order.Status == order.InProcess:
		return fmt.Errorf("%w: %d", ErrInFlight, w.order.ID)
	case w.order.Status != order.Paid:
		return fmt.Errorf("%w: order %d is %s", ErrOperation, w.order.ID, w.order.State())
	case amount != nil && amount.Currency != w.order.Amount.Currency:
		return fmt.Errorf("%w: %v, not %v", order.ErrCurrency, w.order.Amount.Currency, amount.Currency)
	}
	return nil
}

// earlierConfirmation finds the confirmation that the request repeats: by its external key, else as repeats says of an equal one.
// With another AutoDeposit it is another request.
func (w *work) earlierConfirmation(r ConfirmRequest, out *OperationResult) (found bool, err error) {
	for i := len(w.order.Operations) - 1; i >= 0 && out.Repeat == ""; i-- {
		op := &w.order.Operations[i]
		switch {
		case op.Kind != OperationConfirmation || op.State != OperationDone:
		case r.External == "":
			out.take(op, w.repeatsConfirmation(op, r, out))
		case op.External == nil || *op.External != r.External:
		case !sameAsked(op.Asked, r.Amount) || op.AutoDeposit != r.AutoDeposit:
			return false, fmt.Errorf("%w: %q", ErrExternalReuse, r.External)
		default:
			out.take(op, RepeatKey)
		}
	}
	return out.Repeat != "", nil
}

// repeatsConfirmation tells whether an unkeyed request repeats op. When nothing is held any more, asking for everything repeats the last
// confirmation, and asking for the same amount repeats that one.
func (w *work) repeatsConfirmation(op *Operation, r ConfirmRequest, out *OperationResult) Repeat {
	gone := w.order.Amounts.Hold() == 0
	equal := op.External == nil && op.AutoDeposit == r.AutoDeposit && r.Amount != nil && op.Amount == r.Amount.Minor
	all := r.Amount == nil && op.Number == w.lastConfirmation() && (op.AutoDeposit || !r.AutoDeposit)
	switch {
	case gone && (equal || all):
		return RepeatNothing
	case equal:
		return w.repeats(op, out)
	}
	return ""
}

func (w *work) lastConfirmation() int16 {
	var n int16
	for _, op := range w.order.Operations {
		if op.Kind == OperationConfirmation && op.State == OperationDone {
			n = op.Number
		}
	}
	return n
}

func sameAsked(asked *int64, amount *money.Amount) bool {
	if asked == nil || amount == nil {
		return asked == nil && amount == nil
	}
	return *asked == amount.Minor
}

func (w *work) confirm(ctx context.Context, r ConfirmRequest) (int16, error) {
	if !w.order.TwoStage {
		return 0, fmt.Errorf("%w: order %d", ErrOneStage, w.order.ID)
	}
	op := Operation{Kind: OperationConfirmation, State: OperationDone, Actor: r.Actor, AutoDeposit: r.AutoDeposit,
		Response: responseDone, Asked: minorOf(r.Amount), External: keyOf(r.External), Note: r.Note}
	var ask int64
	if op.Asked != nil {
		if ask = *op.Asked; ask <= 0 {
			return 0, order.ErrAmountNotPositive
		}
	}
	earlier := w.confirmations()
	plan, err := order.PlanConfirm(w.order.Amounts, w.center.Capabilities, ask, r.AutoDeposit, earlier, w.holdExpired())
	if err != nil {
		return 0, fmt.Errorf("order %d: %w", w.order.ID, err)
	}
	op.Number, op.Amount = w.nextOperation(), plan.Amount
	if err := w.keepCheque(ctx, op.Number, r.Cheque); err != nil {
		return 0, err
	}
	return op.Number, w.carryOutConfirmation(ctx, op, plan, earlier+1)
}

func (w *work) carryOutConfirmation(ctx context.Context, op Operation, plan order.Confirmation, sequence int) error {
	record, window, err := w.present(ctx, Sale, op.Number, op.Number, plan.Amount, sequence, plan.Final, nil)
	if err != nil {
		return err
	}
	op.Record, op.Window = &record, &window
	w.trigger = order.TriggerConfirm
	w.order.Amounts.Confirmed += plan.Amount
	w.post(ledger.HoldConsumed, op.Number, ledger.PhaseDone, plan.Amount, false)
	w.post(ledger.SliceConfirmed, op.Number, ledger.PhaseDone, plan.Amount, false)
	if plan.Released > 0 {
		w.trigger = order.TriggerAutoDeposit
		w.order.Amounts.ReleasedDeposit += plan.Released
		w.post(ledger.HoldReleased, op.Number, ledger.PhaseRelease, plan.Released, false)
	}
	op.Note = joinNotes(op.Note, w.confirmationNote(plan))
	if err := w.addOperation(ctx, op); err != nil {
		return err
	}
	if plan.Release == order.ReleasePartial {
		return w.owe(ctx, PartialReversal, op.Number, w.order.paymentTxn, nil, plan.Released)
	}
	return nil
}

func (w *work) confirmationNote(plan order.Confirmation) string {
	switch plan.Release {
	case order.ReleasePartial:
		return fmt.Sprintf("AutoDeposit: %v of the hold released by a partial reversal", w.amount(plan.Released))
	case order.ReleaseImplicit:
		return fmt.Sprintf("AutoDeposit: the center releases %v on the final record", w.amount(plan.Released))
	case order.ReleaseLapse:
		return "release_not_supported: the center cannot release a part, so the rest lapses when the hold expires"
	case order.ReleaseNone, order.ReleaseReversal: // nothing more of the hold is given up
	}
	if !plan.Final || w.order.Amounts.Hold() == 0 {
		return ""
	}
	return "the center takes one confirmation: the remainder can no longer be confirmed"
}

// confirmations counts the slices that confirmations made.
func (w *work) confirmations() int {
	n := 0
	for _, op := range w.order.Operations {
		if op.Kind == OperationConfirmation && op.State == OperationDone {
			n++
		}
	}
	return n
}

// holdExpired tells that the hold's end has come; the instant decides, however late the sweep runs.
func (w *work) holdExpired() bool {
	return !w.order.HoldExpiresAt.IsZero() && !w.moment.at.Before(w.order.HoldExpiresAt)
}

func minorOf(a *money.Amount) *int64 {
	if a == nil {
		return nil
	}
	return &a.Minor
}

func keyOf(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
