package main

import (
	"context"
	"fmt"

	"settled/clearing/delivery"
	"settled/clearing/files"
	"settled/settle"
	"settled/settle/events"

	"github.com/spf13/cobra"
)

// What waits for a person goes on by one of these commands.

func newFileMarkDelivered() *cobra.Command {
	var evidence string
	of := deed{kind: events.FileMarkDelivered, reason: &evidence, flag: "evidence"}
	c := fileAction("mark-delivered FILE", "Take a person's word that the center has a file", of, func(courier *delivery.Courier, ctx context.Context, file int64) error {
		return courier.MarkDelivered(ctx, file, evidence)
	})
	c.Flags().StringVar(&evidence, "evidence", "", "how it is known that the center has the file, such as who there confirmed it; required, kept with the file")
	return c
}

func newBatchRebuild() *cobra.Command {
	return act("rebuild BATCH", "Plan a new file for a batch whose file the center refused whole", 1, deed{kind: events.BatchRebuild, object: "batch"}, func(ctx context.Context, d *desk, args []string) error {
		batch, err := number(args[0], "a batch")
		if err != nil {
			return err
		}
		file, err := d.Night.Rebuild(ctx, batch)
		if err != nil {
			return err
		}
		v, err := d.Night.File(ctx, file)
		if err != nil {
			return err
		}
		return d.print(fileLines(d, []files.File{v.File})[0], func(t *rows) { showFiles(d, t, []files.File{v.File}) })
	})
}

func newReplyReconsider() *cobra.Command {
	var force bool
	c := act("reconsider REPLY", "Let a quarantined reply be applied again", 1, deed{kind: events.ReplyReconsider, object: "reply"}, func(ctx context.Context, d *desk, args []string) error {
		id, err := number(args[0], "a reply")
		if err != nil {
			return err
		}
		r, err := d.Night.Reply(ctx, id)
		if err != nil {
			return err
		}
		d.found(string(r.State))
		if err := d.Night.Reconsider(ctx, id, force); err != nil {
			return err
		}
		return showReply(ctx, d, id)
	})
	c.Flags().BoolVar(&force, "force", false, "though it rejects more records than is usual")
	return c
}

func newOrderRetry() *cobra.Command {
	return act("retry BILLNUMBER TRANSACTION", "Send a reversal or refund again that was given up", 2, deed{kind: events.OrderRetry, object: "transaction"}, func(ctx context.Context, d *desk, args []string) error {
		bill, err := number(args[0], "an order")
		if err != nil {
			return err
		}
		transaction, err := number(args[1], "a transaction")
		if err != nil {
			return err
		}
		merchant, ok := settle.MerchantOf(bill)
		if !ok || transaction > 32767 {
			return fmt.Errorf("%w: %d/%d", settle.ErrBillNumber, bill, transaction)
		}
		if err := d.Books.Retry(ctx, merchant, bill, int16(transaction)); err != nil {
			return err
		}
		return explainOrder(ctx, d, bill)
	})
}

func newOrderRefuse() *cobra.Command {
	return act("refuse BILLNUMBER", "Close an opened order that will not be paid, before its time is over", 1, deed{kind: events.OrderRefuse, object: "order"}, func(ctx context.Context, d *desk, args []string) error {
		bill, err := number(args[0], "an order")
		if err != nil {
			return err
		}
		merchant, ok := settle.MerchantOf(bill)
		if !ok {
			return fmt.Errorf("%w: %d", settle.ErrBillNumber, bill)
		}
		if _, err := d.Books.Refuse(ctx, merchant, bill); err != nil {
			return err
		}
		return explainOrder(ctx, d, bill)
	})
}

func newCenter() *cobra.Command {
	unpark := act("unpark CENTER", "Connect again at once to a center that refused our login or showed another host key", 1, deed{kind: events.CenterUnpark, object: "center"},
		func(ctx context.Context, d *desk, args []string) error {
			center, err := d.centerNamed(args[0])
			if err != nil {
				return err
			}
			if err := d.Night.Delivery.Unpark(ctx, center); err != nil {
				return err
			}
			said := struct {
				Center string `json:"center"`
			}{args[0]}
			return d.print(said, func(t *rows) { t.row("center " + args[0] + " is connected to again") })
		})
	return group("center", "Processing centers", unpark)
}
