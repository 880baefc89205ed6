package settle

import (
	"context"
	"fmt"
	"time"

	"settled/settle/ledger"
	"settled/settle/order"
)

// Owed is a message that a center is owed, or an answer that it owes us.
type Owed struct {
	Merchant      int32
	Order         int64
	Transaction   int16
	Operation     int16
	Original      *int16 // the transaction that the message is about
	Slice         *int16
	Center        int16
	Kind          Kind
	Amount        int64
	Exchange      int64 // STAN and RRN of this message
	CreatedAt     time.Time
	TransmittedAt time.Time
	DueAt         time.Time
	Attempts      int16 // transmissions so far, the claimed one included
	LastError     string
}

const selectOwed = `
SELECT merchant_id, order_id, transaction, operation, original, slice, center_id, kind, amount, exchange_id, created_at,
	transmitted_at, due_at, attempts, last_error
FROM owed_exchanges `

// GiveUpAfter is how long an owed message is repeated before a person must decide.
const GiveUpAfter = 24 * time.Hour

// The pauses after the first, second, … transmission are 10 s, 30 s, 1, 5 and 15 min, then an hour. The claim is guarded
// by due_at, so that of two workers one gets the row.
const claimOwed = `
UPDATE owed_exchanges e SET attempts = e.attempts + 1,
	due_at = $1 + (CASE e.attempts WHEN 0 THEN interval '10 s' WHEN 1 THEN interval '30 s' WHEN 2 THEN interval '1 min'
		WHEN 3 THEN interval '5 min' WHEN 4 THEN interval '15 min' ELSE interval '1 hour' END)
FROM (SELECT merchant_id, order_id, transaction FROM owed_exchanges WHERE due_at <= $1 AND kind IN (3, 4, 5)
	ORDER BY due_at, exchange_id LIMIT $2) c
WHERE e.merchant_id = c.merchant_id AND e.order_id = c.order_id AND e.transaction = c.transaction AND e.due_at <= $1
RETURNING e.merchant_id, e.order_id, e.transaction, e.operation, e.original, e.slice, e.center_id, e.kind, e.amount, e.exchange_id,
	e.created_at, e.transmitted_at, e.due_at, e.attempts, e.last_error`

// Due claims up to limit messages whose time has come and plans their next attempt, so that a process that dies after the
// claim loses only time. The caller sends each and reports with Answered, or with Unanswered.
func (b *Books) Due(ctx context.Context, limit int) ([]Owed, error) {
	return collect[Owed](ctx, b.Pool, claimOwed, b.now(), limit)
}

// Unanswered notes why a transmission brought no answer. The message stays owed and is repeated; after GiveUpAfter it is
// parked as a break for a person, and its next attempt is left to them.
func (b *Books) Unanswered(ctx context.Context, e Owed, cause string) error {
	at := b.now()
	if at.Sub(e.CreatedAt) >= GiveUpAfter {
		return b.stuck(ctx, e, "no answer for 24 hours: "+cause)
	}
	_, err := b.Pool.Exec(ctx, `UPDATE owed_exchanges SET last_error = $4 WHERE merchant_id = $1 AND order_id = $2 AND transaction = $3`,
		e.Merchant, e.Order, e.Transaction, cause)
	if err != nil {
		return fmt.Errorf("note attempt of %d/%d: %w", e.Order, e.Transaction, err)
	}
	return nil
}

const insertBreak = `
INSERT INTO breaks (category, fingerprint, center_id, merchant, order_ref, amount, currency, opened_at, note)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (fingerprint) DO NOTHING`

// stuck ends the repeats of a message and opens break B-16 for a person.
func (b *Books) stuck(ctx context.Context, e Owed, why string) error {
	_, err := b.change(ctx, "park", e.Merchant, e.Order, func(w *work) error {
		if ok, err := w.settleOwed(e); err != nil || !ok {
			return err
		}
		t := w.order.Transaction(e.Transaction)
		t.State, t.Attempts = TransactionStuck, e.Attempts
		if err := w.saveTransaction(*t); err != nil {
			return err
		}
		_, err := w.tx.Exec(ctx, insertBreak, "B-16", fmt.Sprintf("stuck/%d/%d/%d", e.Merchant, e.Order, e.Transaction),
			e.Center, e.Merchant, e.Order, e.Amount, int16(w.order.Amount.Currency), w.moment.at, why)
		return err
	})
	return err
}

// settleOwed deletes the owed row; false means that somebody else has settled it.
func (w *work) settleOwed(e Owed) (bool, error) {
	tag, err := w.tx.Exec(w.ctx, `DELETE FROM owed_exchanges WHERE merchant_id = $1 AND order_id = $2 AND transaction = $3`,
		e.Merchant, e.Order, e.Transaction)
	if err != nil {
		return false, fmt.Errorf("settle exchange %d/%d: %w", e.Order, e.Transaction, err)
	}
	return tag.RowsAffected() == 1, nil
}

// Verdict is what a center's answer to an owed message means.
type Verdict int

// The verdicts.
const (
	VerdictDone     Verdict = 1 // approved, or the original is not found: nothing is held or moved any more
	VerdictRefused  Verdict = 2 // refused for good
	VerdictTooLate  Verdict = 3 // a reversal that came after clearing: money must be refunded instead
	VerdictOriginal Verdict = 4 // an inquiry found the original approved, before the merchant was told a final result
)

// Answered records the center's answer to an owed message and everything that follows from it, in one commit. An answer
// to a message that is settled already changes nothing.
func (b *Books) Answered(ctx context.Context, e Owed, v Verdict, action, approval string) error {
	if v == VerdictRefused && e.Kind != Refund {
		return b.stuck(ctx, e, fmt.Sprintf("the center refused the reversal with action code %s", action))
	}
	_, err := b.change(ctx, "answer", e.Merchant, e.Order, func(w *work) error {
		if ok, err := w.settleOwed(e); err != nil || !ok {
			return err
		}
		if err := w.closeTransaction(e, v, action, approval); err != nil {
			return err
		}
		return w.follow(e, v, approval)
	})
	return err
}

func (w *work) closeTransaction(e Owed, v Verdict, action, approval string) error {
	t := w.order.Transaction(e.Transaction)
	if t == nil {
		return fmt.Errorf("%w: exchange %d/%d has no transaction", ErrOperation, e.Order, e.Transaction)
	}
	t.State = TransactionApproved
	if v != VerdictDone {
		t.State = TransactionDeclined
	}
	t.AnsweredAt, t.Attempts, t.ActionCode, t.ApprovalCode = &w.moment.at, e.Attempts, action, approval
	return w.saveTransaction(*t)
}

// follow does what the answer means for the order.
func (w *work) follow(e Owed, v Verdict, approval string) error {
	original := w.order.Transaction(deref(e.Original))
	switch {
	case original == nil:
		return fmt.Errorf("%w: exchange %d/%d names no original", ErrOperation, e.Order, e.Transaction)
	case v == VerdictOriginal:
		return w.adopt(original, approval)
	case original.State == TransactionUnknown || original.State == TransactionApprovedLate:
		return w.resolveUnknown(original)
	case e.Kind == Refund:
		return w.refundAnswered(e, v)
	case original.Kind == Purchase:
		return w.purchaseReversed(e, v)
	case v == VerdictTooLate:
		return w.breakOn(e, "the center says that the authorization is cleared, but its reversal was decided before presentment")
	}
	return nil
}

func deref(n *int16) int16 {
	if n == nil {
		return 0
	}
	return *n
}

func (w *work) breakOn(e Owed, why string) error {
	_, err := w.tx.Exec(w.ctx, insertBreak, "B-16", fmt.Sprintf("late/%d/%d/%d", e.Merchant, e.Order, e.Transaction),
		e.Center, e.Merchant, e.Order, e.Amount, int16(w.order.Amount.Currency), w.moment.at, why)
	return err
}

// refundAnswered ends an online refund: confirmed, it moves the money (PR-19); refused, everything is as before.
func (w *work) refundAnswered(e Owed, v Verdict) error {
	w.order.Amounts.RefundPending -= e.Amount
	op := w.order.Operation(e.Operation)
	if v == VerdictDone {
		w.post(ledger.PR19, e.Operation, ledger.PhaseAnswered, e.Amount, false)
		return w.finishOperation(op, OperationDone, responseDone)
	}
	w.trigger = order.TriggerRefundFail
	w.order.Amounts.Refunded -= e.Amount
	slice := w.order.Operation(deref(e.Slice))
	slice.Refunded -= e.Amount
	if err := w.saveOperation(slice); err != nil {
		return err
	}
	if err := w.undoRefundRequest(e); err != nil {
		return err
	}
	return w.finishOperation(op, OperationFailed, responseDeclined)
}

const requestedFrom = `
SELECT rule, sum(amount)::bigint FROM postings
WHERE merchant_id = $1 AND source = 1 AND source_id = $2 AND seq = $3 AND rule = ANY ($4::smallint[]) GROUP BY rule ORDER BY rule`

// undoRefundRequest gives the money of a refused refund back to the accounts it was drawn from.
func (w *work) undoRefundRequest(e Owed) error {
	type line struct {
		Rule   int16
		Amount int64
	}
	rules := []int16{int16(ledger.PR18), int16(ledger.PR18p), int16(ledger.PR18n)}
	lines, err := collect[line](w.ctx, w.tx, requestedFrom, e.Merchant, e.Order, e.Operation, rules)
	if err != nil {
		return err
	}
	for _, l := range lines {
		if ledger.Rule(l.Rule) != ledger.PR18 {
			w.post(ledger.Rule(l.Rule), e.Operation, ledger.PhaseRefused, l.Amount, true)
			continue
		}
		w.post(ledger.PR20, e.Operation, ledger.PhaseRefused, l.Amount, false)
		if _, err := w.lockAvailable(); err != nil {
			return err
		}
		if err := w.addAvailable(l.Amount); err != nil {
			return err
		}
	}
	return nil
}

// purchaseReversed ends the reversal of a single-message purchase: done, the purchase and its fees are undone (PR-37);
// too late, the same operation goes on as an online refund.
func (w *work) purchaseReversed(e Owed, v Verdict) error {
	op := w.order.Operation(e.Operation)
	slice := w.order.Operation(deref(e.Slice))
	if v == VerdictTooLate {
		op.Note = joinNotes(op.Note, "converted to an online refund, because the center's bank day had closed")
		if err := w.saveOperation(op); err != nil {
			return err
		}
		return w.requestRefund(op.Number, slice, e.Amount, ledger.PhaseReplaced)
	}
	w.order.Amounts.RefundPending -= e.Amount
	w.post(ledger.PR37, e.Operation, ledger.PhaseAnswered, e.Amount, false)
	fees, err := FeesOf(w.route, e.Amount)
	if err != nil {
		return err
	}
	like := ledger.Posting{Key: ledger.Key{Merchant: e.Merchant, Source: ledger.FromOrder, SourceID: e.Order, Seq: e.Operation,
		Phase: ledger.PhaseVerdict}, Currency: w.order.Amount.Currency, Center: w.center.ID, At: w.moment.at, Undo: true}
	w.postings = append(w.postings, fees.Postings(like, w.route)...)
	return w.finishOperation(op, OperationDone, responseDone)
}

func (w *work) finishOperation(op *Operation, s OperationState, response string) error {
	op.State, op.Response, op.CompletedAt = s, response, &w.moment.at
	return w.saveOperation(op)
}
