package settle

import (
	"context"
	"errors"
	"fmt"

	"settled/settle/notification"
	"settled/settle/order"
)

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
