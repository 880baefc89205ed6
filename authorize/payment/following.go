package payment

import (
	"context"
	"errors"
	"fmt"

	"settled/authorize/instant"
	"settled/settle/order"
	"settled/settle/wish"
)

// followBatch is how many wishes of paid orders are tried again in one step.
const followBatch = 64

// FollowDue tries again what buyers asked for with payments that are approved, where it could not be done with the approval:
// cards that were to be kept, and consents of subscriptions, which the partner bank is asked for. It returns how many it
// tried.
func (d *Instant) FollowDue(ctx context.Context) (int, error) {
	due, err := d.Wishes.Due(ctx, followBatch)
	if err != nil {
		return 0, err
	}
	var failures []error
	for _, w := range due {
		if w.Means == order.MeansInstant {
			failures = append(failures, d.askConsent(ctx, w))
			continue
		}
		failures = append(failures, d.Wishes.Retry(ctx, w))
	}
	return len(due), errors.Join(failures...)
}

// askConsent asks the partner bank again for the consent that is to come with the first payment of a subscription.
func (d *Instant) askConsent(ctx context.Context, w wish.Due) error {
	o, err := d.Books.Order(ctx, w.Merchant, w.Order)
	if err != nil {
		return err
	}
	p, err := d.Books.Instant(ctx, o)
	switch {
	case err != nil:
		return err
	case p == nil:
		return d.Wishes.Failed(ctx, w, "the order has no payment at a partner bank")
	}
	bank, ok := d.Partners[p.Center]
	if !ok {
		return d.Wishes.Failed(ctx, w, fmt.Sprintf("center %d has no partner bank", p.Center))
	}
	said, err := bank.Client.Payment(ctx, p.ID())
	if err == nil && said.Status == instant.Paid {
		err = d.learn(ctx, p, said)
	}
	why := "the partner bank names no consent of the payer"
	if err != nil {
		why = err.Error()
	}
	return d.Wishes.Failed(ctx, w, why)
}
