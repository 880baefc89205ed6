package settle

import (
	"context"

	"settled/internal/postgres"
	"settled/settle/order"
)

// slices returns the confirmed parts of the order with the fate of their records, read under the center's lock: a window
// whose cut-off has passed is closed even if its seal is late.
func (w *work) slices(ctx context.Context) ([]order.Slice, error) {
	records, err := postgres.Collect[sliceRecord](ctx, w.tx, slicesOf, w.order.Merchant, w.order.ID, w.moment.at)
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

var slicesOf = spelled(`
SELECT s.operation, w.state = @WindowOpen AND w.cutoff_at > $3 AS open, coalesce(j.state = @RejectUnresolved, false) AS rejected,
	coalesce(j.amount - j.abandoned, c.amount, r.amount) AS stands
FROM operations s JOIN windows w USING (window_id) JOIN records r USING (window_id, record_id, merchant_id)
	LEFT JOIN rejects j USING (window_id, record_id, merchant_id)
	LEFT JOIN LATERAL (SELECT amount FROM record_changes x
		WHERE (x.window_id, x.record_id, x.merchant_id) = (s.window_id, s.record_id, s.merchant_id) ORDER BY version DESC LIMIT 1) c ON true
WHERE merchant_id = $1 AND s.order_id = $2 AND s.kind IN (@OperationPayment, @OperationConfirmation)`)

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
