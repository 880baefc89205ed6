package main

import (
	"context"
	"fmt"
	"time"

	"settled/clearing/centerlog"
	"settled/settle/events"
	"settled/settle/reconcile"

	"github.com/spf13/cobra"
)

// reconLines is what the reconciliation of authorizations found.
type reconLines struct {
	Unknown []unknownLine `json:"unknown_approvals"`
	Logs    []logLine     `json:"logs"`
}

// unknownLine is an approval that our books do not know. Amounts are minor units.
type unknownLine struct {
	Center   string     `json:"center"`
	Exchange int64      `json:"exchange"`
	Kind     string     `json:"kind"`
	Amount   int64      `json:"amount"`
	Currency string     `json:"currency"`
	Sent     time.Time  `json:"sent"`
	Found    time.Time  `json:"found"`
	State    string     `json:"state"`
	Attempts int16      `json:"attempts"`
	Settled  *time.Time `json:"settled,omitempty"`
	Merchant int32      `json:"merchant,omitempty"`
	Order    int64      `json:"billnumber,omitempty"`
	Terminal string     `json:"terminal"`
	Action   string     `json:"action,omitempty"`
	Error    string     `json:"error,omitempty"`
	Log      int64      `json:"log"`
	Break    int64      `json:"break"`
}

// logLine is a log of authorizations.
type logLine struct {
	ID          int64      `json:"log"`
	Center      string     `json:"center"`
	Source      string     `json:"source"`
	Name        string     `json:"name,omitempty"`
	State       string     `json:"state"`
	Reason      string     `json:"reason,omitempty"`
	From        *time.Time `json:"from,omitempty"`
	Until       *time.Time `json:"until,omitempty"`
	Decided     *time.Time `json:"decided,omitempty"`
	Entries     int        `json:"entries"`
	Differences int        `json:"differences"`
	Unknown     int        `json:"unknown"`
}

// reconLogs is how many logs are listed.
const reconLogs = 50

func newRecon() *cobra.Command {
	return group("recon", "Reconciliation with the centers",
		group("authorizations", "What centers approved, beside our books", newReconList(), newReconRun(), newReconApprove(), newReconRetry()))
}

func newReconList() *cobra.Command {
	var center, from string
	c := operator("list", "List the logs of centers, and approvals that our books do not know", 0, func(ctx context.Context, d *desk, _ []string) error {
		var id int16
		since := d.Now().AddDate(0, 0, -30)
		var err error
		if center != "" {
			if id, err = d.centerNamed(center); err != nil {
				return err
			}
		}
		if from != "" {
			if since, err = time.Parse(time.DateOnly, from); err != nil {
				return usageError{fmt.Errorf("%q is no date of the form 2026-11-21", from)}
			}
		}
		return showRecon(ctx, d, id, since)
	})
	c.Flags().StringVar(&center, "center", "", "of this center only")
	c.Flags().StringVar(&from, "from", "", "date from which on reversed approvals are listed, too; default 30 days ago")
	return c
}

func showRecon(ctx context.Context, d *desk, center int16, since time.Time) error {
	unknown, err := d.Unknown.Since(ctx, center, since)
	if err != nil {
		return err
	}
	logs, err := d.Night.Logs.List(ctx, center, reconLogs)
	if err != nil {
		return err
	}
	lines := reconLines{Unknown: []unknownLine{}, Logs: []logLine{}}
	for i := range unknown {
		lines.Unknown = append(lines.Unknown, unknownLineOf(d, &unknown[i]))
	}
	for i := range logs {
		lines.Logs = append(lines.Logs, logLineOf(d, &logs[i]))
	}
	return d.print(lines, func(t *rows) { printRecon(t, lines, unknown) })
}

func unknownLineOf(d *desk, u *reconcile.UnknownApproval) unknownLine {
	return unknownLine{Center: d.centerName(u.Center), Exchange: u.Exchange, Kind: u.Kind.String(), Amount: u.Amount.Minor, Currency: u.Amount.Currency.String(),
		Sent: u.SentAt, Found: u.FoundAt, State: u.State.String(), Attempts: u.Attempts, Settled: u.SettledAt, Merchant: u.Merchant, Order: u.Order,
		Terminal: u.Terminal, Action: u.ActionCode, Error: u.LastError, Log: u.Log, Break: u.Break}
}

func logLineOf(d *desk, l *centerlog.Log) logLine {
	return logLine{ID: l.ID, Center: d.centerName(l.Center), Source: l.Source, Name: l.Name, State: string(l.State), Reason: l.Reason, From: l.From, Until: l.Until,
		Decided: l.DecidedAt, Entries: l.Entries, Differences: l.Differences, Unknown: l.Unknown}
}

func printRecon(t *rows, lines reconLines, unknown []reconcile.UnknownApproval) {
	t.row("unknown approval", "center", "amount", "sent", "state", "attempts", "break", "why")
	for i, u := range lines.Unknown {
		t.row(u.Exchange, u.Center, unknown[i].Amount, u.Sent.Format(time.RFC3339), u.State, u.Attempts, u.Break, u.Error)
	}
	t.row()
	t.row("log", "center", "source", "from", "until", "state", "entries", "differences", "unknown", "why")
	for _, l := range lines.Logs {
		t.row(l.ID, l.Center, l.Source, instant(l.From), instant(l.Until), l.State, l.Entries, l.Differences, l.Unknown, l.Reason)
	}
}

func instant(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

func newReconRun() *cobra.Command {
	var from, until string
	c := act("run CENTER", "Let the next run ask a center for its log of a range again", 1, deed{kind: events.ReconRun, object: "center"}, func(ctx context.Context, d *desk, args []string) error {
		center, err := d.centerNamed(args[0])
		if err != nil {
			return err
		}
		first, e1 := time.Parse(time.RFC3339, from)
		last, e2 := time.Parse(time.RFC3339, until)
		if e1 != nil || e2 != nil {
			return usageError{fmt.Errorf("give --from and --until as 2026-11-21T09:00:00Z")}
		}
		id, err := d.Night.Logs.Want(ctx, center, first, last)
		if err != nil {
			return err
		}
		said := struct {
			Log int64 `json:"log"`
		}{id}
		return d.print(said, func(t *rows) {
			t.row(fmt.Sprintf("log %d is asked for by the next run of reconcile-authorizations", id))
		})
	})
	c.Flags().StringVar(&from, "from", "", "instant from which on transmissions count, such as 2026-11-21T09:00:00Z")
	c.Flags().StringVar(&until, "until", "", "instant before which transmissions count")
	return c
}

func newReconApprove() *cobra.Command {
	return act("approve LOG", "Let a held log be compared, however many approvals our books do not know", 1, deed{kind: events.ReconApprove, object: "log"}, func(ctx context.Context, d *desk, args []string) error {
		id, err := number(args[0], "a log")
		if err != nil {
			return err
		}
		if err := d.Night.Logs.Approve(ctx, id); err != nil {
			return err
		}
		said := struct {
			Log int64 `json:"log"`
		}{id}
		return d.print(said, func(t *rows) { t.row(fmt.Sprintf("log %d is compared by the next run", id)) })
	})
}

func newReconRetry() *cobra.Command {
	return act("retry CENTER EXCHANGE", "Send the reversal of an unknown approval again that is stuck", 2, deed{kind: events.ReconRetry, object: "unknown approval"}, func(ctx context.Context, d *desk, args []string) error {
		center, err := d.centerNamed(args[0])
		if err != nil {
			return err
		}
		exchange, err := number(args[1], "an exchange")
		if err != nil {
			return err
		}
		if err := d.Unknown.Retry(ctx, center, exchange); err != nil {
			return err
		}
		said := struct {
			Exchange int64 `json:"exchange"`
		}{exchange}
		return d.print(said, func(t *rows) { t.row(fmt.Sprintf("the reversal of %d is owed again", exchange)) })
	})
}
