package main

import (
	"context"
	"fmt"
	"time"

	"settled/internal/money"
	"settled/settle"

	"github.com/jackc/pgx/v5"
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

const (
	selectSubscriptions = `
SELECT order_id, merchant_id, state, min_amount, max_amount, currency, period_days, last_date, payments, declines, last_paid_at
FROM subscriptions `
	listSubscriptions = selectSubscriptions + `WHERE ($1 = 0 OR merchant_id = $1) AND ($2 OR state IN (1, 2, 3)) ORDER BY created_at DESC, order_id LIMIT 1000`
	oneSubscription   = selectSubscriptions + `WHERE merchant_id = $1 AND order_id = $2`
)

func (d *desk) subscriptions(ctx context.Context, sql string, args ...any) ([]subscriptionLine, error) {
	rows, err := d.Pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read subscriptions: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (l subscriptionLine, err error) {
		var state settle.SubscriptionState
		var currency money.Currency
		var last time.Time
		err = row.Scan(&l.Order, &l.Merchant, &state, &l.Min, &l.Max, &currency, &l.PeriodDays, &last, &l.Payments, &l.Declines, &l.LastPaidAt)
		l.State, l.Currency, l.LastDate = state.String(), currency.String(), last.Format(time.DateOnly)
		return l, err
	})
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
	var merchant int32
	list := operator("list", "List the subscriptions that can be charged or may come to be, the youngest first, 1000 at most", 0, func(ctx context.Context, d *desk, _ []string) error {
		lines, err := d.subscriptions(ctx, listSubscriptions, merchant, all)
		if err != nil {
			return err
		}
		return d.print(lines, func(t *rows) { d.showSubscriptions(t, lines) })
	})
	list.Flags().BoolVar(&all, "all", false, "the ended ones, too")
	list.Flags().Int32Var(&merchant, "merchant", 0, "of this merchant only")
	return group("subscription", "Recurring payments that buyers agreed to", list,
		ofSubscription("show BILLNUMBER", "Show the subscription that an order began", nil),
		ofSubscription("cancel BILLNUMBER", "End a subscription: what was stored for it is destroyed, a consent is canceled at its bank first",
			func(ctx context.Context, d *desk, merchant int32, bill int64) error {
				return d.CancelSubscription(ctx, merchant, bill)
			}))
}

// ofSubscription is a command about one subscription. It does what is to be done, if anything, and shows it.
func ofSubscription(use, short string, do func(ctx context.Context, d *desk, merchant int32, bill int64) error) *cobra.Command {
	return operator(use, short, 1, func(ctx context.Context, d *desk, args []string) error {
		bill, err := number(args[0], "an order")
		if err != nil {
			return err
		}
		merchant, ok := settle.MerchantOf(bill)
		if !ok {
			return fmt.Errorf("%w: %d", settle.ErrBillNumber, bill)
		}
		lines, err := d.subscriptions(ctx, oneSubscription, merchant, bill)
		if err != nil {
			return err
		}
		if len(lines) == 0 {
			return fmt.Errorf("%w: order %d began no subscription", settle.ErrNotFound, bill)
		}
		if do != nil {
			if err := do(ctx, d, merchant, bill); err != nil {
				return err
			}
			if lines, err = d.subscriptions(ctx, oneSubscription, merchant, bill); err != nil {
				return err
			}
		}
		return d.print(lines[0], func(t *rows) { d.showSubscriptions(t, lines) })
	})
}
