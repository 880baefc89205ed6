package settle

import (
	"context"
	"fmt"
	"strings"

	"settled/internal/money"
	"settled/settle/ledger"
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
// the errors of package order, ErrCurrency, ErrOperation, ErrInFlight and ErrExternalReuse.
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

// carryOutPart does one part of a cancel and says in words what and why.
func (w *work) carryOutPart(ctx context.Context, op *Operation, part order.Part) (string, error) {
	k := w.amount(part.Amount)
	if part.Action == order.ActionRelease {
		w.order.Amounts.ReleasedCancel += part.Amount
		w.post(ledger.HoldReleased, op.Number, ledger.PhaseDone, part.Amount, false)
		return fmt.Sprintf("hold of %v released, because it was not confirmed", k), nil
	}
	slice := w.order.Operation(int16(part.Slice))
	slice.Refunded += part.Amount
	w.order.Amounts.Refunded += part.Amount
	if err := w.saveOperation(ctx, slice); err != nil {
		return "", err
	}
	switch part.Action {
	case order.ActionVoid, order.ActionReduce:
		w.trigger = laterTrigger(w.trigger, order.TriggerVoid)
		w.post(ledger.SliceVoided, op.Number, ledger.PhaseDone, part.Amount, false)
		how := "record of slice %d withdrawn, %v, because its window is open"
		if part.Action == order.ActionReduce {
			how = "record of slice %d reduced by %v, because its window is open"
		}
		return fmt.Sprintf(how, part.Slice, k), w.changeRecord(ctx, op, slice, part.Amount)
	case order.ActionAbandon:
		w.trigger = laterTrigger(w.trigger, order.TriggerVoid)
		w.post(ledger.RejectChargedToMerchant, op.Number, ledger.PhaseDone, part.Amount, false)
		return fmt.Sprintf("rejected record of slice %d abandoned for %v, because nothing was presented", part.Slice, k), w.abandon(ctx, slice, part.Amount)
	case order.ActionCredit:
		w.trigger = order.TriggerRefund
		return w.refundByFile(ctx, op, slice, part.Amount)
	default:
		w.trigger = order.TriggerRefund
		return w.giveBackOnline(ctx, op, slice, part)
	}
}

// laterTrigger keeps the trigger that says most about a cancel of several parts.
func laterTrigger(have, t order.Trigger) order.Trigger {
	if have == order.TriggerRefund {
		return have
	}
	return t
}

const insertRecordChange = `
INSERT INTO record_changes (window_id, record_id, merchant_id, version, amount, operation, at)
SELECT r.window_id, r.record_id, r.merchant_id, coalesce(c.version, 0) + 1, coalesce(c.amount, r.amount) - $4, $5, $6
FROM records r LEFT JOIN LATERAL (SELECT version, amount FROM record_changes x
	WHERE x.window_id = r.window_id AND x.record_id = r.record_id AND x.merchant_id = r.merchant_id ORDER BY version DESC LIMIT 1) c ON true
WHERE r.window_id = $1 AND r.record_id = $2 AND r.merchant_id = $3`

// changeRecord writes beside the record of a slice what is left of it without k; 0 withdraws it. That may be more than
// what is left of the slice: a credit that was presented before the record's sale was rejected stands on its own.
func (w *work) changeRecord(ctx context.Context, op, slice *Operation, k int64) error {
	tag, err := w.tx.Exec(ctx, insertRecordChange, *slice.Window, *slice.Record, w.order.Merchant, k, op.Number, w.moment.at)
	if err == nil && tag.RowsAffected() != 1 {
		err = ErrOperation
	}
	if err != nil {
		return fmt.Errorf("change record %d: %w", *slice.Record, err)
	}
	return nil
}

var abandonReject = spelled(`
UPDATE rejects SET abandoned = abandoned + $4, state = CASE WHEN abandoned + $4 = amount THEN @RejectAbandoned ELSE state END
WHERE window_id = $1 AND record_id = $2 AND merchant_id = $3 AND state = @RejectUnresolved`)

// abandon gives up k of a rejected record. What is left of it may be presented again.
func (w *work) abandon(ctx context.Context, slice *Operation, k int64) error {
	tag, err := w.tx.Exec(ctx, abandonReject, *slice.Window, *slice.Record, w.order.Merchant, k)
	if err == nil && tag.RowsAffected() == 0 {
		err = ErrOperation
	}
	if err != nil {
		return fmt.Errorf("abandon record %d: %w", *slice.Record, err)
	}
	if slice.Refunded < slice.Amount {
		return nil
	}
	return w.closeAside(ctx, *slice.Record)
}

// refundByFile queues a credit record, and draws the money from the merchant.
func (w *work) refundByFile(ctx context.Context, op, slice *Operation, k int64) (string, error) {
	back, err := w.giveBack(ctx, slice, true)
	if err != nil {
		return "", err
	}
	record, window, err := w.present(ctx, Credit, op.Number, slice.Number, k, 1, true, &back)
	if err != nil {
		return "", err
	}
	op.Record, op.Window = &record, &window
	d, err := w.account().Draw(ctx, w.tx, slice.Window, k)
	if err != nil {
		return "", err
	}
	w.post(ledger.RefundQueued, op.Number, ledger.PhaseDone, d.Available, false)
	w.post(ledger.RefundQueuedUnfunded, op.Number, ledger.PhaseDone, d.Pending, false)
	w.post(ledger.RefundQueuedShort, op.Number, ledger.PhaseDone, d.Short, false)
	return fmt.Sprintf("refund of %v of slice %d by a credit record, because its batch is sealed", w.amount(k), slice.Number), nil
}

// giveBackOnline owes the center a refund, or within its bank day the reversal of a whole purchase.
func (w *work) giveBackOnline(ctx context.Context, op, slice *Operation, part order.Part) (string, error) {
	op.State, op.Response = OperationInProcess, responseInProcess
	w.order.Amounts.RefundPending += part.Amount
	if part.Action == order.ActionPurchaseReverse {
		note := fmt.Sprintf("reversal of the purchase of %v, because the center's bank day is open", w.amount(part.Amount))
		return note, w.owe(ctx, Reversal, op.Number, w.order.paymentTxn, &slice.Number, part.Amount)
	}
	note := fmt.Sprintf("online refund of %v, because the money has moved", w.amount(part.Amount))
	return note, w.requestRefund(ctx, op.Number, slice, part.Amount)
}

// requestRefund draws the money from the merchant and owes the center the refund. The journal is the exchange's own: an
// operation may refund several slices, each with a result.
func (w *work) requestRefund(ctx context.Context, operation int16, slice *Operation, k int64) error {
	d, err := w.account().Draw(ctx, w.tx, slice.Window, k)
	if err != nil {
		return err
	}
	phase := ledger.PhaseDone.For(w.order.lastTxn + 1)
	w.post(ledger.RefundRequested, operation, phase, d.Available, false)
	w.post(ledger.RefundRequestedUnfunded, operation, phase, d.Pending, false)
	w.post(ledger.RefundRequestedShort, operation, phase, d.Short, false)
	back, err := w.giveBack(ctx, slice, false)
	if err != nil {
		return err
	}
	original := w.order.paymentTxn
	return w.oweTransaction(ctx, Transaction{Operation: operation, Original: &original, Slice: &slice.Number, Kind: Refund, Amount: k, MDRBack: &back.MDR})
}

var slicesOf = spelled(`
SELECT s.operation, w.state = @WindowOpen AND w.cutoff_at > $3 AS open, coalesce(j.state = @RejectUnresolved, false) AS rejected,
	coalesce(j.amount - j.abandoned, c.amount, r.amount) AS stands
FROM operations s JOIN windows w USING (window_id) JOIN records r USING (window_id, record_id, merchant_id)
	LEFT JOIN rejects j USING (window_id, record_id, merchant_id)
	LEFT JOIN LATERAL (SELECT amount FROM record_changes x
		WHERE (x.window_id, x.record_id, x.merchant_id) = (s.window_id, s.record_id, s.merchant_id) ORDER BY version DESC LIMIT 1) c ON true
WHERE merchant_id = $1 AND s.order_id = $2 AND s.kind IN (@OperationPayment, @OperationConfirmation)`)

// slices returns the confirmed parts of the order with the fate of their records, read under the center's lock: a window
// whose cut-off has passed is closed even if its seal is late.
func (w *work) slices(ctx context.Context) ([]order.Slice, error) {
	records, err := collect[sliceRecord](ctx, w.tx, slicesOf, w.order.Merchant, w.order.ID, w.moment.at)
	if err != nil {
		return nil, err
	}
	byOperation := map[int16]sliceRecord{}
	for _, r := range records {
		byOperation[r.Operation] = r
	}
	var cut []order.Slice
	for _, op := range w.order.Operations {
		confirms := op.Kind == OperationConfirmation || op.Kind == OperationPayment && !w.order.TwoStage
		if !confirms || op.State != OperationDone {
			continue
		}
		r := byOperation[op.Number]
		s := order.Slice{Operation: int(op.Number), Amount: op.Amount, Refunded: op.Refunded, Credited: op.Refunded,
			Implicit: w.implicitRelease(op), Fate: r.fate(), BankDay: w.inBankDay(op)}
		if s.Fate != order.FateNone {
			s.Credited = r.Stands - s.Left()
		}
		cut = append(cut, s)
	}
	return cut, nil
}

// sliceRecord is the clearing record of a slice: what of it was or will be presented, or could be again, is what stands.
type sliceRecord struct {
	Operation      int16
	Open, Rejected bool
	Stands         int64
}

func (r sliceRecord) fate() order.Fate {
	switch {
	case r.Operation == 0:
		return order.FateNone
	case r.Rejected:
		return order.FateRejected
	case r.Open:
		return order.FateOpen
	}
	return order.FateSealed
}

// implicitRelease is what AutoDeposit gave up with a confirmation and left to the center to release on the final record:
// no partial reversal was sent for it.
func (w *work) implicitRelease(op Operation) int64 {
	if !op.AutoDeposit || op.Number != w.lastConfirmation() {
		return 0
	}
	for _, t := range w.order.Transactions {
		if t.Operation == op.Number && t.Kind == PartialReversal {
			return 0
		}
	}
	return w.order.Amounts.ReleasedDeposit
}

func (w *work) inBankDay(op Operation) bool {
	return op.CompletedAt != nil && w.center.BankDay(*op.CompletedAt) == w.center.BankDay(w.moment.at)
}
