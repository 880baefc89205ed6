package main

import (
	"context"
	"fmt"
	"time"

	"settled/settle"
	"settled/settle/events"
	"settled/settle/read"

	"github.com/spf13/cobra"
)

// recordLine is a clearing record: under which contract it was born, and what became of it.
type recordLine struct {
	Record   int64     `json:"record"`
	Order    int64     `json:"order"`
	Window   int32     `json:"window"`
	State    string    `json:"window_state"` // open, sealing, sealed, empty
	Kind     string    `json:"kind"`
	Amount   int64     `json:"amount"` // as it was born
	Currency string    `json:"currency"`
	BornAt   time.Time `json:"born_at"`
	Contract int32     `json:"contract"`
	Name     string    `json:"name"`
	Terminal string    `json:"terminal"`
	Reject   string    `json:"reject"` // rejected, superseded or abandoned; empty: neither refused nor set aside
	Reason   string    `json:"reason"`
}

func recordLineOf(r read.Record) recordLine {
	return recordLine{Record: r.Record, Order: r.Order, Window: r.Window, State: r.WindowState, Kind: r.Kind.String(), Amount: r.Amount,
		Currency: r.Currency.String(), BornAt: r.BornAt, Contract: r.Contract, Name: r.Name, Terminal: r.Terminal, Reject: string(r.Reject), Reason: r.Reason}
}

func (d *desk) showRecord(ctx context.Context, n settle.RecordName, window int32) error {
	r, err := d.Read.Record(ctx, n, window)
	if err != nil {
		return err
	}
	l := recordLineOf(r)
	return d.print(l, func(t *rows) {
		t.row("record", "order", "window", "is", "kind", "amount", "born", "contract", "name", "terminal", "reject", "reason")
		t.row(l.Record, l.Order, l.Window, l.State, l.Kind, amountOf(r.Amount, r.Currency), d.clock(&l.BornAt), l.Contract, l.Name, l.Terminal,
			otherwise(l.Reject, "-"), l.Reason)
	})
}

func newRecord() *cobra.Command {
	show := operator("show BILLNUMBER RECORD", "Show a clearing record, its contract and what became of it", 2,
		onRecord(func(context.Context, *desk, settle.RecordName, int32) error { return nil }))
	return group("record", "Clearing records", show, newRecordHold(), newRecordRelease())
}

func newRecordHold() *cobra.Command {
	var reason string
	of := deed{kind: events.RecordHold, object: "record", reason: &reason}
	c := act("hold BILLNUMBER RECORD", "Set a record aside, before its window is sealed or its file is built", 2, of,
		onRecord(func(ctx context.Context, d *desk, n settle.RecordName, _ int32) error {
			return d.Books.HoldRecord(ctx, n, reason)
		}))
	c.Flags().StringVar(&reason, "reason", "", "why it is set aside; kept with the record and its break")
	return c
}

func newRecordRelease() *cobra.Command {
	return act("release BILLNUMBER RECORD", "Present a record that was set aside, in the open window", 2, deed{kind: events.RecordRelease, object: "record"},
		onRecord(func(ctx context.Context, d *desk, n settle.RecordName, window int32) error {
			_, err := d.Books.Represent(ctx, settle.RejectedRecord{Merchant: n.Merchant, Order: n.Order, Window: window, Record: n.Record})
			return err
		}))
}

// recordNamed reads the arguments that name a record: the bill number of its order, and its number.
func recordNamed(args []string) (n settle.RecordName, err error) {
	if n.Order, err = number(args[0], "an order"); err != nil {
		return n, err
	}
	if n.Record, err = number(args[1], "a record"); err != nil {
		return n, err
	}
	var ok bool
	if n.Merchant, ok = settle.MerchantOf(n.Order); !ok {
		return n, fmt.Errorf("%w: %d", settle.ErrBillNumber, n.Order)
	}
	return n, nil
}

// onRecord does something to one record of an order, and shows the record afterwards.
func onRecord(do func(context.Context, *desk, settle.RecordName, int32) error) func(context.Context, *desk, []string) error {
	return func(ctx context.Context, d *desk, args []string) error {
		n, err := recordNamed(args)
		if err != nil {
			return err
		}
		window, err := d.Read.WindowOf(ctx, n)
		if err != nil {
			return err
		}
		if err := do(ctx, d, n, window); err != nil {
			return err
		}
		return d.showRecord(ctx, n, window)
	}
}
