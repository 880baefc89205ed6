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

const (
	selectRejects = `
SELECT r.record_id, r.order_id, r.merchant_id, r.window_id, w.center_id, r.kind, r.amount, r.currency, r.class, r.code, r.state, r.rejected_at
FROM rejects r JOIN windows w USING (window_id) `
	openRejects = selectRejects + `WHERE $1 OR r.state = 'rejected' ORDER BY r.rejected_at DESC, r.record_id LIMIT 1000`
	oneReject   = selectRejects + `WHERE r.merchant_id = $1 AND r.order_id = $2 AND r.record_id = $3`
)

func (d *desk) rejects(ctx context.Context, sql string, args ...any) ([]rejectLine, error) {
	rows, err := d.Pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read rejects: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (l rejectLine, err error) {
		var center int16
		var kind settle.RecordKind
		var currency money.Currency
		err = row.Scan(&l.Record, &l.Order, &l.Merchant, &l.Window, &center, &kind, &l.Amount, &currency, &l.Class, &l.Code, &l.State, &l.RejectedAt)
		l.Center, l.Kind, l.Currency = d.centerName(center), kind.String(), currency.String()
		return l, err
	})
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
	list := operator("list", "List refused records that wait for a decision", 0, func(ctx context.Context, d *desk, _ []string) error {
		lines, err := d.rejects(ctx, openRejects, all)
		if err != nil {
			return err
		}
		return d.print(lines, func(t *rows) { d.showRejects(t, lines) })
	})
	list.Flags().BoolVar(&all, "all", false, "the decided ones, too")
	return group("reject", "Records that centers refused", list,
		decide("represent BILLNUMBER RECORD", "Present a refused record again, in the open window", func(ctx context.Context, b *settle.Books, r settle.RejectedRecord) error {
			_, err := b.Represent(ctx, r)
			return err
		}),
		decide("abandon BILLNUMBER RECORD", "Give up a refused refund: the money is the merchant's again", func(ctx context.Context, b *settle.Books, r settle.RejectedRecord) error {
			_, err := b.AbandonCredit(ctx, r)
			return err
		}))
}

// decide is a command that ends what became of a refused record.
func decide(use, short string, do func(context.Context, *settle.Books, settle.RejectedRecord) error) *cobra.Command {
	return operator(use, short, 2, func(ctx context.Context, d *desk, args []string) error {
		n, err := recordNamed(args)
		if err != nil {
			return err
		}
		find := func() ([]rejectLine, error) { return d.rejects(ctx, oneReject, n.Merchant, n.Order, n.Record) }
		lines, err := find()
		if err != nil {
			return err
		}
		if len(lines) == 0 {
			return fmt.Errorf("%w: record %d of order %d was not refused", settle.ErrNotFound, n.Record, n.Order)
		}
		if err := do(ctx, d.Books, settle.RejectedRecord{Merchant: n.Merchant, Order: n.Order, Window: lines[0].Window, Record: n.Record}); err != nil {
			return err
		}
		if lines, err = find(); err != nil {
			return err
		}
		return d.print(lines, func(t *rows) { d.showRejects(t, lines) })
	})
}
