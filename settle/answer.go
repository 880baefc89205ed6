package settle

import (
	"context"
	"fmt"

	"settled/internal/postgres"
	"settled/settle/ledger"
	"settled/settle/order"
)

// refundAnswered ends one online refund: confirmed, it moves the money (PR-19); refused, its part is as before.
func (w *work) refundAnswered(ctx context.Context, e Owed, v Verdict) error {
	w.order.Amounts.RefundPending -= e.Amount
	if v == VerdictDone {
		w.postAnswer(ledger.RefundConfirmed, e, ledger.PhaseAnswered, e.Amount, false)
		if err := w.returnPrice(ctx, e); err != nil {
			return err
		}
		return w.conclude(ctx, e)
	}
	w.trigger = order.TriggerRefundFail
	w.order.Amounts.Refunded -= e.Amount
	slice := w.order.Operation(deref(e.Slice))
	slice.Refunded -= e.Amount
	if t := w.order.Transaction(e.Transaction); t != nil && t.MDRBack != nil {
		slice.MDRBack -= *t.MDRBack
	}
	if err := w.saveOperation(ctx, slice); err != nil {
		return err
	}
	if err := w.undoRefundRequest(ctx, e); err != nil {
		return err
	}
	op := w.order.Operation(e.Operation)
	op.Note = joinNotes(op.Note, fmt.Sprintf("the center refused the refund of %v", w.amount(e.Amount)))
	return w.conclude(ctx, e)
}

// postAnswer adds a posting to the journal of an exchange's answer.
func (w *work) postAnswer(rule ledger.Rule, e Owed, event ledger.Phase, amount int64, undo bool) {
	w.post(rule, e.Operation, event.For(e.Transaction), amount, undo)
}

// returnPrice gives back the refund's share of the MDR, where the contract says so, to where the refund was drawn from.
func (w *work) returnPrice(ctx context.Context, e Owed) error {
	if !w.route.ReturnMDR {
		return nil
	}
	share, err := w.returned(ctx, e)
	if err != nil {
		return fmt.Errorf("MDR of refund %d/%d: %w", e.Order, e.Transaction, err)
	}
	lines, err := w.drawnBy(ctx, e)
	if err != nil {
		return err
	}
	if len(lines) > 0 && lines[0].Rule == int16(ledger.RefundRequested) {
		w.postAnswer(ledger.MDRReturned, e, ledger.PhaseAnswered, share, false)
		return w.account().Add(ctx, w.tx, share)
	}
	w.postAnswer(ledger.MDRReturnedUnfunded, e, ledger.PhaseAnswered, share, false)
	return nil
}

// returned is what a refund gives back of the MDR of its sale, as it was decided when the refund was asked for. One from before
// that was so is decided now.
func (w *work) returned(ctx context.Context, e Owed) (int64, error) {
	t := w.order.Transaction(e.Transaction)
	if t.MDRBack != nil {
		return *t.MDRBack, nil
	}
	back, err := w.giveBack(ctx, w.order.Operation(deref(e.Slice)), false)
	if err != nil {
		return 0, err
	}
	t.MDRBack = &back.MDR
	return back.MDR, w.saveTransaction(ctx, *t)
}

var requestedFrom = spelled(`
SELECT rule, sum(amount)::bigint AS amount FROM postings
WHERE merchant_id = $1 AND source = @FromOrder AND source_id = $2 AND seq = $3 AND phase = $4 GROUP BY rule ORDER BY rule`)

// drawnBy reads from which accounts the request of a refund was drawn.
func (w *work) drawnBy(ctx context.Context, e Owed) ([]postedLine, error) {
	return postgres.Collect[postedLine](ctx, w.tx, requestedFrom, e.Merchant, e.Order, e.Operation, ledger.PhaseDone.For(e.Transaction))
}

// undoRefundRequest gives the money of a refused refund back to the accounts it was drawn from.
func (w *work) undoRefundRequest(ctx context.Context, e Owed) error {
	lines, err := w.drawnBy(ctx, e)
	if err != nil {
		return err
	}
	for _, l := range lines {
		if ledger.Rule(l.Rule) != ledger.RefundRequested {
			w.postAnswer(ledger.Rule(l.Rule), e, ledger.PhaseRefused, l.Amount, true)
			continue
		}
		w.postAnswer(ledger.RefundDeclined, e, ledger.PhaseRefused, l.Amount, false)
		if err := w.account().Add(ctx, w.tx, l.Amount); err != nil {
			return err
		}
	}
	return nil
}

// purchaseReversed ends the reversal of a single-message purchase: done, the purchase and its fees are undone (PR-37);
// too late or refused, the same operation goes on as an online refund, because the money moved.
func (w *work) purchaseReversed(ctx context.Context, e Owed, v Verdict, action string) error {
	if v != VerdictDone {
		return w.refundInstead(ctx, e, v, action)
	}
	w.order.Amounts.RefundPending -= e.Amount
	w.postAnswer(ledger.PurchaseReversed, e, ledger.PhaseAnswered, e.Amount, false)
	if err := w.undoPurchaseFees(ctx, e); err != nil {
		return err
	}
	return w.conclude(ctx, e)
}

func (w *work) refundInstead(ctx context.Context, e Owed, v Verdict, action string) error {
	why := "because the center's bank day had closed"
	if v == VerdictRefused {
		why = fmt.Sprintf("because the center refused the reversal with action code %s", action)
	}
	op := w.order.Operation(e.Operation)
	op.Note = joinNotes(op.Note, "converted to an online refund, "+why)
	if err := w.saveOperation(ctx, op); err != nil {
		return err
	}
	return w.requestRefund(ctx, op.Number, w.order.Operation(deref(e.Slice)), e.Amount)
}

// undoPurchaseFees undoes the fees as they were posted with the purchase, whatever the prices are now.
func (w *work) undoPurchaseFees(ctx context.Context, e Owed) error {
	lines, err := w.purchaseFees(ctx, w.order.PaymentNumber)
	if err != nil {
		return err
	}
	for _, f := range lines {
		w.postAnswer(ledger.Rule(f.Rule), e, ledger.PhaseVerdict, f.Amount, true)
	}
	return nil
}

// conclude ends the operation of an exchange once no part of it waits for a center: done, failed, or in part.
func (w *work) conclude(ctx context.Context, e Owed) error {
	op := w.order.Operation(e.Operation)
	var refused int64
	for _, t := range w.order.Transactions {
		switch {
		case t.Operation != e.Operation || t.Slice == nil:
		case t.State == TransactionSent || t.State == TransactionStuck:
			return w.saveOperation(ctx, op)
		case t.Kind == Refund && t.State == TransactionDeclined:
			refused += t.Amount
		}
	}
	switch refused {
	case 0:
		return w.finishOperation(ctx, op, OperationDone, responseDone)
	case op.Amount:
		return w.finishOperation(ctx, op, OperationFailed, responseDeclined)
	}
	return w.finishOperation(ctx, op, OperationPartial, responseDone)
}
