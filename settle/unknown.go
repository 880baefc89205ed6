package settle

import (
	"context"
	"errors"
	"fmt"

	"settled/internal/postgres"
	"settled/settle/ledger"
	"settled/settle/order"

	"github.com/jackc/pgx/v5"
)

// giveUpExchange comes before the order's lock, as in Finish: whoever deletes the exchange is first, and neither waits for
// the other with a lock that the other needs.
var giveUpExchange = spelled(`
DELETE FROM owed_exchanges e WHERE merchant_id = $1 AND order_id = $2 AND transaction = $3 AND kind IN (@Authorization, @Purchase)
RETURNING ` + claimColumns)

// GiveUp records that the outcome of a payment, which the number of its exchange names within the order, is unknown: no
// answer came in time, the connection broke after bytes had left, or the answer could not be understood. In one commit the exposure is posted (PR-M4) and the reversal becomes owed. The
// order stays in process until the reversal, or an inquiry before it, has resolved it. An exchange whose outcome is known,
// or that was given up already, is left as it is.
func (b *Books) GiveUp(ctx context.Context, merchant int32, id int64, transaction int16) error {
	return b.giveUp(ctx, merchant, id, transaction, TransactionUnknown, "no answer in time: reversal owed")
}

// GiveUpUntrusted is GiveUp for a payment whose answer cannot be believed, such as one that echoes another amount: it is
// reversed without an inquiry, because an approval of it is nothing to keep.
func (b *Books) GiveUpUntrusted(ctx context.Context, merchant int32, id int64, transaction int16) error {
	return b.giveUp(ctx, merchant, id, transaction, TransactionApprovedLate, "answer cannot be trusted: reversal owed")
}

func (b *Books) giveUp(ctx context.Context, merchant int32, id int64, transaction int16, state TransactionState, note string) error {
	var lost *Owed
	claim := func(tx pgx.Tx) (err error) {
		lost, err = takeExchange(ctx, tx, merchant, id, transaction)
		return err
	}
	_, err := b.changeAfter(ctx, "give up", merchant, id, claim, func(w *work) error {
		if lost == nil {
			return nil
		}
		return w.becomeUnknown(ctx, *lost, state, note)
	})
	if err != nil {
		return fmt.Errorf("give up payment of order %d: %w", id, err)
	}
	return nil
}

// takeExchange deletes the exchange of a payment that waits for its answer, and returns it; nil when it does not wait.
func takeExchange(ctx context.Context, tx pgx.Tx, merchant int32, id int64, transaction int16) (*Owed, error) {
	taken, err := postgres.Collect[Owed](ctx, tx, giveUpExchange, merchant, id, transaction)
	if err != nil || len(taken) == 0 {
		return nil, err
	}
	return &taken[0], nil
}

// becomeUnknown records a payment whose exchange was taken as unknown, with its exposure and the reversal that it owes.
func (w *work) becomeUnknown(ctx context.Context, lost Owed, state TransactionState, note string) error {
	w.trigger = order.TriggerUnknown
	op := Operation{Number: lost.Operation, Kind: OperationPayment, State: OperationInProcess, Actor: ByMerchant, Means: w.order.Means,
		RequestedAt: lost.CreatedAt, Amount: lost.Amount, Response: responseInProcess, Note: note}
	if err := w.putOperation(ctx, op); err != nil {
		return err
	}
	security, err := w.securityOf(ctx, lost.Operation)
	if err != nil {
		return err
	}
	t := Transaction{Number: lost.Transaction, Operation: lost.Operation, Kind: lost.Kind, State: state, Amount: lost.Amount,
		Exchange: lost.Exchange, TransmittedAt: lost.TransmittedAt, Attempts: 1, Security: security}
	if err := w.saveTransaction(ctx, t); err != nil {
		return err
	}
	w.post(ledger.OutcomeUnknown, lost.Operation, ledger.PhaseUnknown, lost.Amount, false)
	return w.owe(ctx, Reversal, lost.Operation, lost.Transaction, nil, lost.Amount)
}

// GiveUpDue gives up the payments whose process died before it recorded an outcome, up to limit. It returns how many it
// found; one that fails does not keep the others.
func (b *Books) GiveUpDue(ctx context.Context, limit int) (int, error) {
	due, err := postgres.Collect[Owed](ctx, b.Pool, selectOwed+`WHERE kind IN ($3, $4) AND due_at <= $1 ORDER BY due_at, exchange_id LIMIT $2`,
		b.Now(), limit, Authorization, Purchase)
	if err != nil {
		return 0, err
	}
	var failures []error
	for _, e := range due {
		failures = append(failures, b.GiveUp(ctx, e.Merchant, e.Order, e.Transaction))
	}
	return len(due), errors.Join(failures...)
}

// ApprovedLate notes an approval that came after the payment was given up. Its reversal goes on; the merchant was not, and
// will not be, told that the payment succeeded. An answer to anything else is a duplicate and changes nothing.
func (b *Books) ApprovedLate(ctx context.Context, merchant int32, id int64, action, approval string) error {
	_, err := b.change(ctx, "late answer", merchant, id, func(w *work) error {
		t := w.order.PaymentTransaction()
		if t == nil || t.State != TransactionUnknown {
			return nil
		}
		t.State, t.AnsweredAt, t.ActionCode, t.ApprovalCode = TransactionApprovedLate, &w.moment.at, action, approval
		return w.saveTransaction(ctx, *t)
	})
	return err
}

// resolveUnknown ends an unknown payment whose reversal is done: nothing is held or moved, whatever the answer would
// have been.
func (w *work) resolveUnknown(ctx context.Context, original *Transaction) error {
	w.trigger = order.TriggerUnknown
	w.order.Status = order.Declined
	w.post(ledger.OutcomeResolved, original.Operation, ledger.PhaseResolved, original.Amount, false)
	original.State = TransactionReversed
	if err := w.saveTransaction(ctx, *original); err != nil {
		return err
	}
	op := w.order.Operation(original.Operation)
	op.Note = joinNotes(op.Note, "resolved: reversed")
	return w.finishOperation(ctx, op, OperationTimedOut, responseDeclined)
}

// adopt takes an unknown payment that an inquiry found approved, before the merchant was told a final result.
func (w *work) adopt(ctx context.Context, original *Transaction, action, approval string) error {
	w.post(ledger.OutcomeResolved, original.Operation, ledger.PhaseResolved, original.Amount, false)
	original.State, original.AnsweredAt, original.ActionCode, original.ApprovalCode = TransactionApproved, &w.moment.at, action, approval
	if original.Kind == Purchase {
		original.Contract = w.route.Contract
	}
	if err := w.saveTransaction(ctx, *original); err != nil {
		return err
	}
	op := w.order.Operation(original.Operation)
	op.Note = joinNotes(op.Note, "resolved: an inquiry found it approved")
	if err := w.adoptAmounts(ctx, op, original); err != nil {
		return err
	}
	return w.finishOperation(ctx, op, OperationDone, responseDone)
}

func (w *work) adoptAmounts(ctx context.Context, op *Operation, original *Transaction) error {
	w.order.Status, w.order.Amounts.Authorized = order.Paid, original.Amount
	if w.order.TwoStage {
		w.trigger = order.TriggerHold
		w.post(ledger.HoldPlaced, op.Number, ledger.PhaseDone, original.Amount, false)
		w.order.HoldExpiresAt = w.moment.at.Add(w.route.holdFor(w.order.Parent != 0))
		return w.enterHolds(ctx)
	}
	w.order.Amounts.Confirmed = original.Amount
	if original.Kind == Authorization {
		w.trigger = order.TriggerApprove
		w.post(ledger.SliceConfirmed, op.Number, ledger.PhaseDone, original.Amount, false)
		return w.presentPayment(ctx, op)
	}
	w.trigger = order.TriggerPurchase
	w.post(ledger.PurchaseApproved, op.Number, ledger.PhaseDone, original.Amount, false)
	like := w.postings[len(w.postings)-1]
	like.Phase = ledger.PhaseVerdict
	accrued, err := w.route.Terms().OfSaleAtOnce(like)
	w.postings = append(w.postings, accrued...)
	return err
}

func (w *work) enterHolds(ctx context.Context) error {
	_, err := w.tx.Exec(ctx, `INSERT INTO open_holds (expires_at, merchant_id, order_id, center_id) VALUES ($1, $2, $3, $4)`,
		w.order.HoldExpiresAt, w.order.Merchant, w.order.ID, w.center.ID)
	if err != nil {
		return fmt.Errorf("open hold of order %d: %w", w.order.ID, err)
	}
	return nil
}

// presentPayment writes the clearing record of a one-stage payment that was adopted late.
func (w *work) presentPayment(ctx context.Context, op *Operation) error {
	record, window, err := w.present(ctx, Sale, op.Number, op.Number, op.Amount, 1, true, nil)
	if err != nil {
		return err
	}
	op.Record, op.Window = &record, &window
	_, err = w.tx.Exec(ctx, `UPDATE operations SET record_id = $4, window_id = $5 WHERE merchant_id = $1 AND order_id = $2 AND operation = $3`,
		w.order.Merchant, w.order.ID, op.Number, record, window)
	if err != nil {
		return fmt.Errorf("note record of order %d: %w", w.order.ID, err)
	}
	return nil
}
