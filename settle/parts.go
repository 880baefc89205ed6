package settle

import (
	"context"
	"fmt"

	"settled/settle/ledger"
	"settled/settle/order"
)

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
