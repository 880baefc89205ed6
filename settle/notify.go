package settle

import (
	"context"

	"settled/settle/notification"
	"settled/settle/order"
)

// wants tells that the result of an operation is told.
func (n Notify) wants(kind OperationKind, succeeded bool) bool {
	if n.OnlySuccessful && !succeeded {
		return false
	}
	switch kind {
	case OperationPayment:
		return n.Payments
	case OperationConfirmation:
		return n.Confirmations
	default:
		return n.Cancellations
	}
}

// tells tells that the result of a payment, which left the order in a status, is told: not while the order can still be paid,
// and not that its time ran out.
func (n Notify) tells(status order.Status, succeeded bool) bool {
	return (status == order.Paid || status == order.Declined) && n.wants(OperationPayment, succeeded)
}

// tellsOfCancellations tells whether a merchant's server is told of cancellations that succeeded. One that is not configured any
// more is told nothing.
func (b *Books) tellsOfCancellations(merchant int32) bool {
	m, ok := b.Directory.Merchants()[merchant]
	return ok && m.Notify.wants(OperationCancellation, true)
}

// notify writes that the merchant's server is to be told the operations that got a final result in this transaction, as far
// as the merchant wants to know.
func (w *work) notify(ctx context.Context) error {
	for i := range w.order.Operations {
		op := &w.order.Operations[i]
		if op.State == OperationInProcess || op.State == w.found[op.Number] || !w.wants(op) {
			continue
		}
		if _, err := w.addNotification(ctx, op.Number); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) wants(op *Operation) bool {
	if op.Kind == OperationPayment {
		return w.told.tells(w.order.Status, op.succeeded())
	}
	return w.told.wants(op.Kind, op.succeeded())
}

func (w *work) addNotification(ctx context.Context, operation int16) (sequence int16, err error) {
	return notification.Add(ctx, w.tx, w.order.Merchant, w.order.ID, operation, w.moment.at)
}
