package main

import (
	"context"
	"fmt"
	"time"

	"settled/internal/app"
	"settled/internal/listing"
	"settled/internal/money"
	"settled/settle"
	"settled/settle/events"
	"settled/settle/read"
	"settled/settle/subscription"

	"github.com/spf13/cobra"
)

// subscriptionLine is what a buyer agreed to with a first payment, and where it stands. Amounts are minor units.
type subscriptionLine struct {
	Order      int64      `json:"order"`
	Merchant   int32      `json:"merchant"`
	State      string     `json:"state"`
	Min        int64      `json:"min"`
	Max        int64      `json:"max"`
	Currency   string     `json:"currency"`
	PeriodDays int        `json:"period_days"`
	LastDate   string     `json:"last_date"`
	Payments   int        `json:"payments"`
	Declines   int16      `json:"declines"`
	LastPaidAt *time.Time `json:"last_paid_at"`
}

func subscriptionLines(all []read.Subscription) []subscriptionLine {
	lines := make([]subscriptionLine, 0, len(all))
	for _, s := range all {
		lines = append(lines, subscriptionLine{Order: s.Order, Merchant: s.Merchant, State: s.State.String(), Min: s.Min, Max: s.Max, Currency: s.Currency.String(),
			PeriodDays: s.PeriodDays, LastDate: s.LastDate.Format(time.DateOnly), Payments: s.Payments, Declines: s.Declines, LastPaidAt: s.LastPaidAt})
	}
	return lines
}

func (d *desk) showSubscriptions(t *rows, all []subscriptionLine) {
	t.row("order", "merchant", "state", "from", "to", "every", "until", "payments", "declines", "last paid")
	for _, l := range all {
		currency, _ := money.ParseCurrency(l.Currency)
		t.row(l.Order, l.Merchant, l.State, amountOf(l.Min, currency), amountOf(l.Max, currency), fmt.Sprintf("%d days", l.PeriodDays), l.LastDate,
			l.Payments, l.Declines, d.clock(l.LastPaidAt))
	}
}

func newSubscription() *cobra.Command {
	var all bool
	var f read.SubscriptionFilter
	var paging func() (listing.Range, error)
	list := operator("list", "List the subscriptions that can be charged or may come to be, the youngest first", 0, func(ctx context.Context, d *desk, _ []string) error {
		r, err := paging()
		if err != nil {
			return err
		}
		if !all {
			f.States = []subscription.State{subscription.Created, subscription.Active, subscription.Suspended}
		}
		part, err := d.Read.Subscriptions(ctx, f, r)
		if err != nil {
			return err
		}
		lines := subscriptionLines(part.Rows)
		return d.printPart(lines, part.Next, nil, func(t *rows) { d.showSubscriptions(t, lines) })
	})
	list.Flags().BoolVar(&all, "all", false, "the ended ones, too")
	list.Flags().Int32Var(&f.Merchant, "merchant", 0, "of this merchant only")
	paging = paged(list)
	return group("subscription", "Recurring payments that buyers agreed to", list,
		operator("show BILLNUMBER", "Show the subscription that an order began", 1, ofSubscription(nil)),
		act("cancel BILLNUMBER", "End a subscription: what was stored for it is destroyed, a consent is canceled at its bank first", 1,
			deed{kind: events.SubscriptionCancel, object: "subscription"}, ofSubscription((*app.Core).CancelSubscription)))
}

// ofSubscription does what is to be done about one subscription, if anything, and shows it.
func ofSubscription(do func(c *app.Core, ctx context.Context, merchant int32, bill int64) error) func(ctx context.Context, d *desk, args []string) error {
	return func(ctx context.Context, d *desk, args []string) error {
		bill, err := number(args[0], "an order")
		if err != nil {
			return err
		}
		merchant, ok := settle.MerchantOf(bill)
		if !ok {
			return fmt.Errorf("%w: %d", settle.ErrBillNumber, bill)
		}
		found, err := d.Read.Subscription(ctx, merchant, bill)
		if err != nil {
			return err
		}
		if do != nil {
			d.found(found.State.String())
			if err := do(d.Core, ctx, merchant, bill); err != nil {
				return err
			}
			if found, err = d.Read.Subscription(ctx, merchant, bill); err != nil {
				return err
			}
		}
		lines := subscriptionLines([]read.Subscription{found})
		return d.print(lines[0], func(t *rows) { d.showSubscriptions(t, lines) })
	}
}
