package main

import (
	"context"
	"errors"

	"settled/clearing/delivery"
	"settled/clearing/files"
	"settled/settle/events"

	"github.com/spf13/cobra"
)

// resent is what a resend found at the center before and after.
type resent struct {
	File   fileLine           `json:"file"`
	Before delivery.AtCenter  `json:"before"`
	After  *delivery.AtCenter `json:"after,omitempty"`
	Error  string             `json:"error,omitempty"` // why it is not delivered yet
}

var (
	errNoReason     = usageError{errors.New("say with --reason why the file is sent again; it is kept with the file")}
	errNotConfirmed = usageError{errors.New("nothing was sent: look at what the center says, and repeat with --yes when it is sure not to have the file; a center that processes it twice takes the money twice")}
)

func newFileResend() *cobra.Command {
	var reason string
	var yes bool
	of := deed{kind: events.FileResend, object: "file", reason: &reason, looks: func() bool { return !yes }}
	c := act("resend FILE", "Send the same bytes of a file again under the same name and number", 1, of, func(ctx context.Context, d *desk, args []string) error {
		id, err := number(args[0], "a file")
		if err != nil {
			return err
		}
		if reason == "" {
			return errNoReason
		}
		if err := checkReason(reason); err != nil {
			return err
		}
		if !yes {
			return showBeforeResend(ctx, d, id)
		}
		return resendFile(ctx, d, id, reason)
	})
	c.Flags().StringVar(&reason, "reason", "", "why it is sent again, such as who at the center asked for it; kept with the file")
	c.Flags().BoolVar(&yes, "yes", false, "do it: the center does not have the file")
	return c
}

func showBeforeResend(ctx context.Context, d *desk, id int64) error {
	found, err := d.Night.Delivery.LookAtCenter(ctx, id)
	if err != nil {
		return err
	}
	v, err := d.Night.File(ctx, id)
	if err != nil {
		return err
	}
	if err := d.showResent(v.File, resent{Before: found}); err != nil {
		return err
	}
	return errNotConfirmed
}

// resendFile lets the file go and makes the first attempt at once, unless a worker is faster or an earlier file goes first.
func resendFile(ctx context.Context, d *desk, id int64, reason string) error {
	var r resent
	var err error
	if r.Before, err = d.Night.Delivery.Resend(ctx, id, reason); err != nil {
		return err
	}
	delivered := d.Night.Delivery.Deliver(ctx, id)
	found, looked := d.Night.Delivery.LookAtCenter(ctx, id)
	if looked == nil {
		r.After = &found
	}
	if err := errors.Join(delivered, looked); err != nil {
		r.Error = err.Error()
	}
	v, err := d.Night.File(ctx, id)
	if err != nil {
		return err
	}
	return d.showResent(v.File, r)
}

func (d *desk) showResent(f files.File, r resent) error {
	r.File = fileLines(d, []files.File{f})[0]
	return d.print(r, func(t *rows) {
		t.row("at the center", r.Before)
		if r.After != nil {
			t.row("now", *r.After)
		}
		if r.Error != "" {
			t.row("not delivered yet", r.Error)
		}
		t.row()
		showFiles(d, t, []files.File{f})
	})
}
