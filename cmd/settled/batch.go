package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"settled/clearing"
	"settled/internal/money"
	"settled/settle/events"
	"settled/settle/totals"

	"github.com/spf13/cobra"
)

// filter adds the flags that narrow a list, and returns how to read them.
func filter(c *cobra.Command) func(d *desk) (clearing.Query, error) {
	var center, state, from, to string
	c.Flags().StringVar(&center, "center", "", "of this center only")
	c.Flags().StringVar(&state, "state", "", "in this state only")
	c.Flags().StringVar(&from, "from", "", "from this date on, such as 2026-11-21")
	c.Flags().StringVar(&to, "to", "", "before this date")
	paging := paged(c)
	return func(d *desk) (q clearing.Query, err error) {
		q.State = state
		if q.Range, err = paging(); err != nil {
			return q, err
		}
		if center != "" {
			if q.Center, err = d.centerNamed(center); err != nil {
				return q, err
			}
		}
		for _, one := range []struct {
			text string
			into *time.Time
		}{{from, &q.From}, {to, &q.To}} {
			if one.text == "" {
				continue
			}
			if *one.into, err = time.Parse(time.DateOnly, one.text); err != nil {
				return q, usageError{fmt.Errorf("%q is no date of the form 2026-11-21", one.text)}
			}
		}
		return q, nil
	}
}

func newBatch() *cobra.Command {
	var query func(*desk) (clearing.Query, error)
	list := operator("list", "List batches, the newest first", 0, func(ctx context.Context, d *desk, _ []string) error {
		q, err := query(d)
		if err != nil {
			return err
		}
		all, totals, err := d.Night.Batches(ctx, q)
		if err != nil {
			return err
		}
		return d.printPart(batchLines(d, all.Rows), all.Next, totals, func(t *rows) { showBatches(d, t, all.Rows) })
	})
	query = filter(list)
	show := operator("show BATCH", "Show a batch: totals per merchant, files, rejects", 1, showBatch)
	preview := operator("preview CENTER", "Show what a seal of the open window would make now; nothing is changed", 1, previewBatch)
	return group("batch", "Batches: the sealed sets of windows", list, show, preview, newSealNow(), newBatchRebuild())
}

// batchLine is a batch with the names of its center and currency.
type batchLine struct {
	clearing.Batch
	CenterName   string `json:"center_name"`
	CurrencyCode string `json:"currency"`
}

func batchLines(d *desk, all []clearing.Batch) []batchLine {
	out := make([]batchLine, 0, len(all))
	for _, b := range all {
		line := batchLine{Batch: b, CenterName: d.centerName(b.Center)}
		if b.Currency.Valid() {
			line.CurrencyCode = b.Currency.String()
		}
		out = append(out, line)
	}
	return out
}

func showBatches(d *desk, t *rows, all []clearing.Batch) {
	t.row("batch", "center", "business date", "part", "state", "sales", "", "credits", "", "sealed")
	for _, b := range all {
		t.row(b.ID, d.centerName(b.Center), b.BusinessDate.Format(time.DateOnly), fmt.Sprintf("%d of %d", b.Part, b.Parts), b.State,
			b.SalesCount, amountOf(b.SalesAmount, b.Currency), b.CreditsCount, amountOf(b.CreditsAmount, b.Currency), d.clock(&b.SealedAt))
	}
}

func showBatch(ctx context.Context, d *desk, args []string) error {
	id, err := number(args[0], "a batch")
	if err != nil {
		return err
	}
	v, err := d.Night.Batch(ctx, id)
	if err != nil {
		return err
	}
	return d.print(v, func(t *rows) {
		showBatches(d, t, []clearing.Batch{v.Batch})
		t.row()
		showTotals(t, v.Totals, v.Currency)
		t.row()
		showFiles(d, t, v.Files)
		if len(v.Rejects) == 0 {
			return
		}
		t.row()
		t.row("record", "order", "merchant", "kind", "amount", "class", "code", "state")
		for _, r := range v.Rejects {
			t.row(r.Record, r.Order, r.Merchant, r.Kind, amountOf(r.Amount, v.Currency), r.Class, r.Code, r.State)
		}
	})
}

func showTotals(t *rows, all []totals.Total, c money.Currency) {
	t.row("merchant", "kind", "records", "amount", "interchange", "scheme", "processing", "mdr")
	for _, m := range all {
		t.row(m.Merchant, m.Kind, m.Count, amountOf(m.Amount, c), amountOf(m.Interchange, c), amountOf(m.Scheme, c), amountOf(m.Processing, c), amountOf(m.MDR, c))
	}
}

func previewBatch(ctx context.Context, d *desk, args []string) error {
	center, err := d.centerNamed(args[0])
	if err != nil {
		return err
	}
	p, err := d.Night.Preview(ctx, center)
	if err != nil {
		return err
	}
	return d.print(p, func(t *rows) { showPreview(d, t, p) })
}

func showPreview(d *desk, t *rows, p clearing.Preview) {
	t.row(fmt.Sprintf("window %d of %s, business date %s, cut-off %s", p.Window.ID, d.centerName(p.Window.Center),
		p.Window.BusinessDate.Format(time.DateOnly), d.clock(&p.Window.CutoffAt)))
	if len(p.Parts) == 0 {
		t.row("no records")
	}
	for _, part := range p.Parts {
		c, _ := money.ParseCurrency(part.Currency)
		t.row()
		t.row(part.Name, fmt.Sprintf("%d sales %s", part.Sum.SalesCount, amountOf(part.Sum.SalesAmount, c)),
			fmt.Sprintf("%d credits %s", part.Sum.CreditsCount, amountOf(part.Sum.CreditsAmount, c)))
		showTotals(t, part.Totals, c)
	}
}

// errNotApproved asks for a second look before something that cannot be undone.
var errNotApproved = usageError{errors.New("nothing was sealed: this cannot be undone; look at the preview, then repeat with --yes")}

func newSealNow() *cobra.Command {
	var yes bool
	of := deed{kind: events.BatchSealNow, object: "center", looks: func() bool { return !yes }}
	c := act("seal-now CENTER", "Seal the open window of a center before its cut-off", 1, of, func(ctx context.Context, d *desk, args []string) error {
		if !yes {
			if err := previewBatch(ctx, d, args); err != nil {
				return err
			}
			return errNotApproved
		}
		center, err := d.centerNamed(args[0])
		if err != nil {
			return err
		}
		w, err := d.Night.SealNow(ctx, center)
		if err != nil {
			return err
		}
		return d.print(w, func(t *rows) {
			t.row(fmt.Sprintf("window %d of %s, business date %s, is %s", w.ID, d.centerName(w.Center), w.BusinessDate.Format(time.DateOnly), w.State))
		})
	})
	c.Flags().BoolVar(&yes, "yes", false, "do it: what is confirmed from now on belongs to the next window")
	return c
}
