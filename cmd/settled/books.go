package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"settled/internal/money"
	"settled/settle/ledger"

	"github.com/spf13/cobra"
)

func newAudit() *cobra.Command {
	keys := true
	prove := operator("audit", "Prove the books: check every invariant on one snapshot, and open every sealed card", 0, func(ctx context.Context, d *desk, _ []string) error {
		run := d.Audit
		if !keys {
			run = d.AuditWithoutKeys
		}
		report, err := run(ctx)
		if err != nil {
			return err
		}
		err = d.print(report, func(t *rows) {
			for _, f := range report.Findings {
				verdict := "ok"
				if f.Violations > 0 {
					verdict = fmt.Sprintf("%d VIOLATIONS", f.Violations)
				}
				t.row(f.Invariant, verdict, f.Title)
				for _, example := range f.Examples {
					t.row("", "", "  "+example)
				}
			}
			for _, title := range report.Unchecked {
				t.row("", "NOT CHECKED", title)
			}
			if report.Unbound > 0 {
				t.row("", "TO DO", fmt.Sprintf("%d stored cards are not bound to their buyers: settled keys renew binds them", report.Unbound))
			}
			t.row()
			t.row(fmt.Sprintf("%d checks, %d violations, %d not checked: they need the keys", len(report.Findings), report.Violations(), len(report.Unchecked)))
		})
		if err == nil && report.Violations() > 0 {
			err = errRed
		}
		return err
	})
	prove.Flags().BoolVar(&keys, "keys", true, "open every sealed card and compare it with its mask and its order")
	return prove
}

// balanceLine is an account in a trial balance. Amounts are minor units.
type balanceLine struct {
	Account  ledger.Code    `json:"account"`
	Name     string         `json:"name"`
	Ledger   string         `json:"ledger"` // financial or memo
	Currency string         `json:"currency"`
	Debit    int64          `json:"debit"`  // turnover
	Credit   int64          `json:"credit"` // turnover
	Balance  int64          `json:"balance"`
	currency money.Currency `json:"-"`
}

func newLedger() *cobra.Command {
	var asOf string
	var merchant int32
	balance := operator("trial-balance", "Show every account, and that debits equal credits", 0, func(ctx context.Context, d *desk, _ []string) error {
		date := d.Books.Ledger().Date(d.Now())
		if asOf != "" {
			var err error
			if date, err = time.Parse(time.DateOnly, asOf); err != nil {
				return usageError{fmt.Errorf("%q is no date of the form 2026-11-21", asOf)}
			}
		}
		all, err := d.Read.Day(ctx, date, merchant)
		if err != nil {
			return err
		}
		lines, level := balanceLines(all)
		err = d.print(lines, func(t *rows) { showBalance(t, date, lines) })
		if err == nil && !level {
			err = errRed
		}
		return err
	})
	balance.Flags().StringVar(&asOf, "as-of", "", "accounting date, such as 2026-11-21; default today")
	balance.Flags().Int32Var(&merchant, "merchant", 0, "of this merchant only")
	return group("ledger", "The ledger", balance)
}

// balanceLines names the accounts; level tells that debits equal credits per ledger and currency.
func balanceLines(all []ledger.Balance) (lines []balanceLine, level bool) {
	names := map[ledger.Code]string{}
	for _, a := range ledger.Chart {
		names[a.Code] = a.Name
	}
	sums := map[string]int64{}
	for _, b := range all {
		l := balanceLine{b.Code, names[b.Code], "financial", b.Currency.String(), b.Debit, b.Credit, b.Net(), b.Currency}
		if b.Code.Memo() {
			l.Ledger = "memo"
		}
		sums[l.Ledger+l.Currency] += l.Balance
		lines = append(lines, l)
	}
	level = true
	for _, sum := range sums {
		level = level && sum == 0
	}
	return lines, level
}

func showBalance(t *rows, date time.Time, lines []balanceLine) {
	t.row("as of " + date.Format(time.DateOnly))
	t.row("account", "currency", "debit", "credit", "name")
	debit, credit := map[string]int64{}, map[string]int64{}
	for _, l := range lines {
		d, c := "", ""
		if l.Balance >= 0 {
			d = amountOf(l.Balance, l.currency)
			debit[l.Currency] += l.Balance
		} else {
			c = amountOf(-l.Balance, l.currency)
			credit[l.Currency] -= l.Balance
		}
		t.row(int16(l.Account), l.Currency, d, c, l.Name)
	}
	seen := map[string]bool{}
	for _, l := range lines {
		if !seen[l.Currency] {
			seen[l.Currency] = true
			t.row("sum", l.Currency, amountOf(debit[l.Currency], l.currency), amountOf(credit[l.Currency], l.currency))
		}
	}
}

func newOrder() *cobra.Command {
	show := operator("show BILLNUMBER", "Explain an order: amounts, state and why, operations, transactions, records, journals", 1,
		func(ctx context.Context, d *desk, args []string) error {
			bill, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return usageError{fmt.Errorf("%q is no bill number", args[0])}
			}
			return explainOrder(ctx, d, bill)
		})
	return group("order", "Orders", show, newOrderRetry(), newOrderRefuse())
}

func explainOrder(ctx context.Context, d *desk, bill int64) error {
	e, err := d.Read.Order(ctx, bill)
	if err != nil {
		return err
	}
	if d.json {
		return printJSON(d.OutOrStdout(), e)
	}
	return e.WriteText(d.OutOrStdout(), d.Config.Zone)
}
