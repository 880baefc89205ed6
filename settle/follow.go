package settle

import (
	"context"
	"fmt"

	"settled/settle/credential"
	"settled/settle/order"
	"settled/settle/subscription"
	"settled/settle/wish"
)

// followUp does what follows from the order's new status, in the transaction that writes it: the wishes of its buyer, and
// what a subscription knows of its later payments. It is the one place for all ways that an order is paid other than by
// Finish, which does the same for its group.
func (w *work) followUp(ctx context.Context) error {
	o := w.order
	ended := w.before == order.StateInProcess && o.Status != order.InProcess
	if err := w.followWishes(ctx, ended); err != nil {
		return err
	}
	if ended && o.Parent != 0 {
		return subscription.Note(ctx, w.tx, o.Merchant, o.Parent)
	}
	return nil
}

func (w *work) followWishes(ctx context.Context, ended bool) error {
	o, b := w.order, w.books
	if o.PayBefore.IsZero() || o.Parent != 0 {
		return nil
	}
	switch {
	case o.Status == order.Paid && o.State() == order.StateCanceled && !w.paid:
		return wish.DropAll(ctx, w.tx, o.Merchant, o.ID)
	case o.Status == order.Paid && (!w.paid || w.consent != ""):
		if err := w.wishOfConsent(ctx); err != nil {
			return err
		}
		return b.wishes.Fulfil(ctx, w.tx, w.moment.at, []wish.Approval{{Merchant: o.Merchant, Order: o.ID, Consent: w.consent}})
	case ended:
		return wish.Drop(ctx, w.tx, []int32{o.Merchant}, []int64{o.ID})
	}
	return nil
}

// wishOfConsent makes a wish of a consent that the payer gave at his bank: it is kept for the order's buyer, unless it is of a
// subscription.
func (w *work) wishOfConsent(ctx context.Context) error {
	if o := w.order; w.consent != "" && o.Terms == nil && o.Customer != "" {
		return wish.Note(ctx, w.tx, o.Merchant, o.ID, wish.Keep, o.PaymentNumber, w.books.Now())
	}
	return nil
}

// wishToKeep notes whether the card of the payment that begins is to be kept. It replaces what came with an earlier payment
// of the order.
func (w *work) wishToKeep(ctx context.Context, keep bool) error {
	o := w.order
	switch {
	case keep && o.Customer == "":
		return fmt.Errorf("%w: order %d names no buyer", credential.ErrNone, o.ID)
	case keep:
		return wish.Note(ctx, w.tx, o.Merchant, o.ID, wish.Keep, o.PaymentNumber, w.books.Now())
	case o.PaymentNumber == 1:
		return nil
	}
	return wish.DropEarlier(ctx, w.tx, o.Merchant, o.ID)
}
