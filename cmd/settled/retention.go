package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"settled/settle/events"
	"settled/settle/retention"

	"github.com/spf13/cobra"
)

func newRetention() *cobra.Command {
	return group("retention", "Retention: card numbers and personal data that are erased when their time is over",
		newRetentionPreview(), newRetentionRun(), newRetentionReport())
}

func newRetentionPreview() *cobra.Command {
	return operator("preview", "Show what the next run erases, what it holds back, and why; change nothing", 0, func(ctx context.Context, d *desk, _ []string) error {
		due, err := d.Retention.Preview(ctx)
		if err != nil {
			return err
		}
		return d.print(due, func(t *rows) { showDue(d, t, due) })
	})
}

func showDue(d *desk, t *rows, due []retention.Due) {
	t.row("class", "subject", "days", "before", "erased", "bytes", "oldest", "held back")
	for _, x := range due {
		if x.Days == 0 {
			t.row(x.Class, x.Subject, "-", "-", "never")
			continue
		}
		t.row(x.Class, x.Subject, x.Days, d.clock(&x.Before), x.Rows, x.Bytes, d.clock(x.Oldest), heldBack(x.Held))
	}
}

// heldBack tells how much is held back, by why.
func heldBack(all []retention.Standing) string {
	parts := make([]string, len(all))
	for i, s := range all {
		parts[i] = fmt.Sprintf("%d %s", s.Rows, s.Why)
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, ", ")
}

func newRetentionRun() *cobra.Command {
	var sure bool
	of := deed{kind: events.RetentionRun, looks: func() bool { return !sure }}
	c := act("run", "Erase what is due, now and for good; without --yes it shows what that is", 0, of, func(ctx context.Context, d *desk, _ []string) error {
		if !sure {
			due, err := d.Retention.Preview(ctx)
			if err != nil {
				return err
			}
			err = d.print(due, func(t *rows) { showDue(d, t, due) })
			return errors.Join(err, usageError{errors.New("nothing was erased: what is erased cannot be brought back, --yes does it")})
		}
		done, err := d.Erase(ctx)
		return errors.Join(d.print(listed(done), func(t *rows) { showRuns(d, t, done) }), err)
	})
	c.Flags().BoolVar(&sure, "yes", false, "erase it")
	return c
}

// listed is a list that JSON shows as [] when it is empty.
func listed(runs []retention.Run) []retention.Run { return append([]retention.Run{}, runs...) }

func showRuns(d *desk, t *rows, runs []retention.Run) {
	t.row("run", "class", "subject", "days", "before", "erased", "bytes", "ended", "held back")
	for _, r := range runs {
		t.row(d.clock(&r.At), r.Class, r.Subject, r.Days, d.clock(&r.Before), r.Erased, r.Bytes, ended(r), heldBack(r.Held))
	}
}

func ended(r retention.Run) string {
	if r.Ended {
		return "yes"
	}
	return "cut off"
}

// reportedDays is how far back a report goes when nobody says so.
const reportedDays = 92

func newRetentionReport() *cobra.Command {
	var from string
	c := operator("report", "Show what was erased, run by run: the proof", 0, func(ctx context.Context, d *desk, _ []string) error {
		since := d.Now().AddDate(0, 0, -reportedDays).Truncate(24 * time.Hour)
		if err := d.dateInto(&since, from); err != nil {
			return err
		}
		runs, err := d.Retention.Runs(ctx, since)
		if err != nil {
			return err
		}
		return d.print(listed(runs), func(t *rows) { showRuns(d, t, runs) })
	})
	c.Flags().StringVar(&from, "from", "", "of runs from this date on, such as 2026-11-21; default the last 92 days")
	return c
}
