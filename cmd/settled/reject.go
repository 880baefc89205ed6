package main

import (
	"context"
	"time"

	"settled/internal/listing"
	"settled/internal/money"
	"settled/settle"
	"settled/settle/events"
	"settled/settle/read"

	"github.com/spf13/cobra"
)

// rejectLine is a refused record.
type rejectLine struct {
	Record     int64     `json:"record"`
	Order      int64     `json:"order"`
	Merchant   int32     `json:"merchant"`
	Window     int32     `json:"window"`
	Center     string    `json:"center"`
	Kind       string    `json:"kind"`
	Amount     int64     `json:"amount"`
	Currency   string    `json:"currency"`
	Class      string    `json:"class"`
	Code       string    `json:"code"`
	State      string    `json:"state"`
	RejectedAt time.Time `json:"rejected_at"`
}

func rejectLines(d *desk, all []read.Reject) []rejectLine {
	lines := make([]rejectLine, 0, len(all))
	for _, j := range all {
		lines = append(lines, rejectLine{Record: j.Record, Order: j.Order, Merchant: j.Merchant, Window: j.Window, Center: d.centerName(j.Center),
			Kind: j.Kind.String(), Amount: j.Amount, Currency: j.Currency.String(), Class: string(j.Class), Code: j.Code, State: string(j.State), RejectedAt: j.RejectedAt})
	}
	return lines
}

func (d *desk) showRejects(t *rows, all []rejectLine) {
	t.row("record", "order", "center", "kind", "amount", "class", "code", "state", "refused")
	for _, l := range all {
		currency, _ := money.ParseCurrency(l.Currency)
		t.row(l.Record, l.Order, l.Center, l.Kind, amountOf(l.Amount, currency), l.Class, l.Code, l.State, d.clock(&l.RejectedAt))
	}
}

func newReject() *cobra.Command {
	var all bool
	var paging func() (listing.Range, error)
	list := operator("list", "List refused records that wait for a decision", 0, func(ctx context.Context, d *desk, _ []string) error {
		r, err := paging()
		if err != nil {
			return err
		}
		f := read.RejectFilter{State: settle.RejectUnresolved}
		if all {
			f.State = ""
		}
		part, totals, err := d.Read.Rejects(ctx, f, r)
		if err != nil {
			return err
		}
		lines := rejectLines(d, part.Rows)
		return d.printPart(lines, part.Next, totals, func(t *rows) { d.showRejects(t, lines) })
	})
	list.Flags().BoolVar(&all, "all", false, "the decided ones, too")
	paging = paged(list)
	return group("reject", "Records that centers refused", list,
		decide("represent BILLNUMBER RECORD", "Present a refused record again, in the open window", events.RejectRepresent, func(ctx context.Context, b *settle.Books, r settle.RejectedRecord) error {
			_, err := b.Represent(ctx, r)
			return err
		}),
		decide("abandon BILLNUMBER RECORD", "Give up a refused refund: the money is the merchant's again", events.RejectAbandon, func(ctx context.Context, b *settle.Books, r settle.RejectedRecord) error {
			_, err := b.AbandonCredit(ctx, r)
			return err
		}))
}

// decide is a command that ends what became of a refused record.
func decide(use, short string, kind events.Kind, do func(context.Context, *settle.Books, settle.RejectedRecord) error) *cobra.Command {
	return act(use, short, 2, deed{kind: kind, object: "record"}, func(ctx context.Context, d *desk, args []string) error {
		n, err := recordNamed(args)
		if err != nil {
			return err
		}
		found, err := d.Read.Reject(ctx, n)
		if err != nil {
			return err
		}
		d.found(string(found.State))
		if err := do(ctx, d.Books, settle.RejectedRecord{Merchant: n.Merchant, Order: n.Order, Window: found.Window, Record: n.Record}); err != nil {
			return err
		}
		if found, err = d.Read.Reject(ctx, n); err != nil {
			return err
		}
		lines := rejectLines(d, []read.Reject{found})
		return d.print(lines, func(t *rows) { d.showRejects(t, lines) })
	})
}
