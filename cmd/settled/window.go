package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"settled/clearing"
	"settled/settle/events"

	"github.com/spf13/cobra"
)

// windowLine is a window beside what the configuration plans, with the names of its center and its accounting date.
type windowLine struct {
	clearing.PlannedWindow
	CenterName string `json:"center_name"`
	Accounting string `json:"accounting_date"` // of the ledger, at the cut-off
}

func newWindow() *cobra.Command {
	return group("window", "Windows: what is collected until a cut-off", newWindowList(), newWindowReplan())
}

// sinceYesterday is where a list of windows begins when nobody says so.
const sinceYesterday = -1

func newWindowList() *cobra.Command {
	var center, from, to string
	c := operator("list", "List windows by cut-off, and how those to come differ from what the configuration plans", 0,
		func(ctx context.Context, d *desk, _ []string) error {
			q := clearing.Query{From: d.Now().AddDate(0, 0, sinceYesterday).Truncate(24 * time.Hour)}
			if err := errors.Join(d.dateInto(&q.From, from), d.dateInto(&q.To, to), d.centerInto(&q.Center, center)); err != nil {
				return err
			}
			all, err := d.Night.PlannedWindows(ctx, q)
			if err != nil {
				return err
			}
			lines := []windowLine{}
			for _, w := range all {
				lines = append(lines, windowLine{w, d.centerName(w.Center), d.Books.Ledger().Date(w.CutoffAt).Format(time.DateOnly)})
			}
			return d.print(lines, func(t *rows) { showWindows(d, t, lines) })
		})
	c.Flags().StringVar(&center, "center", "", "of this center only")
	c.Flags().StringVar(&from, "from", "", "from this business date on, such as 2026-11-21; default yesterday")
	c.Flags().StringVar(&to, "to", "", "before this business date")
	return c
}

// dateInto reads a date that may be left out.
func (d *desk) dateInto(into *time.Time, text string) (err error) {
	if text == "" {
		return nil
	}
	if *into, err = time.Parse(time.DateOnly, text); err != nil {
		return usageError{fmt.Errorf("%q is no date of the form 2026-11-21", text)}
	}
	return nil
}

// centerInto reads a center that may be left out.
func (d *desk) centerInto(into *int16, name string) (err error) {
	if name != "" {
		*into, err = d.centerNamed(name)
	}
	return err
}

func showWindows(d *desk, t *rows, lines []windowLine) {
	t.row("window", "center", "business date", "no", "accounting", "state", "opens", "cut-off", "deadline", "records", "planned by", "differs")
	for _, l := range lines {
		t.row(l.ID, l.CenterName, l.BusinessDate.Format(time.DateOnly), l.No, l.Accounting, l.State, d.clock(l.OpensAt), d.clock(&l.CutoffAt),
			d.clock(&l.DeadlineAt), l.Records, plannedBy(l.PlannedWindow), differs(l.PlannedWindow))
	}
}

func plannedBy(w clearing.PlannedWindow) string {
	switch {
	case w.Calendar == "":
		return "-"
	case w.Replan != nil:
		return fmt.Sprintf("%s, replan %d", w.Calendar, *w.Replan)
	}
	return w.Calendar
}

// differs says how a window differs from the plan, and why no replan mends that.
func differs(w clearing.PlannedWindow) string {
	if w.Differs == "" || w.Stays == "" {
		return w.Differs
	}
	return w.Differs + "; stays: " + w.Stays
}

func newWindowReplan() *cobra.Command {
	var center, from, reason string
	var dry bool
	of := deed{kind: events.WindowReplan, reason: &reason, looks: func() bool { return dry }}
	c := act("replan", "Plan the windows of a center anew that have no records and whose cut-off is to come", 0, of,
		func(ctx context.Context, d *desk, _ []string) error {
			var id int16
			var first time.Time
			if center == "" {
				return usageError{errors.New("say which with --center; --dry-run shows what would change")}
			}
			d.about("center", center)
			if err := errors.Join(d.centerInto(&id, center), d.dateInto(&first, from)); err != nil {
				return err
			}
			done, err := d.Night.Replan(ctx, id, first, reason, dry)
			if err != nil {
				return err
			}
			return d.print(done, func(t *rows) { showReplanned(d, t, done, dry) })
		})
	c.Flags().StringVar(&center, "center", "", "the center; required")
	c.Flags().StringVar(&from, "from", "", "from this business date on, such as 2026-11-21; default: all that may change")
	c.Flags().StringVar(&reason, "reason", "", "why; kept with the replan")
	c.Flags().BoolVar(&dry, "dry-run", false, "show what would change, and change nothing")
	return c
}

func showReplanned(d *desk, t *rows, done clearing.Replanned, dry bool) {
	for _, w := range done.Stays {
		t.row("stays", w.BusinessDate.Format(time.DateOnly), w.No, d.clock(&w.CutoffAt), w.Differs+"; stays: "+w.Stays)
	}
	for _, w := range done.Removed {
		t.row("removed", w.BusinessDate.Format(time.DateOnly), w.No, d.clock(&w.CutoffAt), w.Differs)
	}
	for _, w := range done.Made {
		t.row("made", w.BusinessDate, w.No, d.clock(&w.CutoffAt), "deadline "+d.clock(&w.DeadlineAt))
	}
	switch {
	case len(done.Removed)+len(done.Made) == 0:
		t.row("nothing to change: what may change is as it is planned")
	case dry:
		t.row(fmt.Sprintf("%d windows would be removed and %d made; nothing was changed", len(done.Removed), len(done.Made)))
	default:
		t.row(fmt.Sprintf("replan %d: %d windows removed, %d made", done.Replan, len(done.Removed), len(done.Made)))
	}
}
