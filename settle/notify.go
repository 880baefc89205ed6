package settle

import (
	"context"
	"errors"
	"fmt"

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

// ErrNotTold is wrapped when the result of an operation is none that a merchant's server is told.
var ErrNotTold = errors.New("settle: not told to merchants")

// TellAgain makes the result of an operation be told now, whatever the merchant wants to be told and was told: one that is
// pending becomes due, else there is a new one. Operation 0 is the last one that has a result. ErrInFlight tells that it has
// none yet, ErrOperation that there is no such operation, ErrNotTold that the order's time ran out.
func (b *Books) TellAgain(ctx context.Context, merchant int32, id int64, operation int16) (notification.Key, error) {
	key := notification.Key{Merchant: merchant, Order: id}
	_, err := b.change(ctx, "tell again", merchant, id, func(w *work) error {
		op, err := w.tellable(operation)
		if err != nil {
			return err
		}
		key.Operation = op.Number
		if key.Sequence, err = notification.Hurry(ctx, w.tx, merchant, id, op.Number, w.moment.at); key.Sequence == 0 && err == nil {
			key.Sequence, err = w.addNotification(ctx, op.Number)
		}
		return err
	})
	return key, err
}

func (w *work) tellable(operation int16) (*Operation, error) {
	var op *Operation
	for i := range w.order.Operations {
		o := &w.order.Operations[i]
		if o.Number == operation || operation == 0 && o.State != OperationInProcess {
			op = o
		}
	}
	switch {
	case op == nil && operation == 0, op != nil && op.State == OperationInProcess:
		return nil, fmt.Errorf("%w: %d", ErrInFlight, w.order.ID)
	case op == nil:
		return nil, fmt.Errorf("%w: there is no %d.%d", ErrOperation, w.order.ID, operation)
	case op.Kind == OperationPayment && w.order.Status == order.TimedOut:
		return nil, fmt.Errorf("%w: order %d was closed because its time ran out", ErrNotTold, w.order.ID)
	}
	return op, nil
}
