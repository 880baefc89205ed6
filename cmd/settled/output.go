package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"settled/internal/app"
	"settled/internal/money"
	"settled/internal/telemetry"
	"settled/internal/vault"
	"settled/settle/events"

	"github.com/spf13/cobra"
)

// rows prints aligned columns.
type rows struct {
	w   *tabwriter.Writer
	err error
}

func table(c *cobra.Command) *rows {
	return &rows{w: tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)}
}

func (t *rows) row(cells ...any) {
	text := make([]string, len(cells))
	for i, cell := range cells {
		text[i] = fmt.Sprint(cell)
	}
	if _, err := fmt.Fprintln(t.w, strings.TrimRight(strings.Join(text, "\t"), "\t ")); err != nil && t.err == nil {
		t.err = err
	}
}

func (t *rows) flush() error {
	if t.err != nil {
		return t.err
	}
	return t.w.Flush()
}

// printJSON prints a value as JSON for programs.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// operator is a command that works on an installation and prints what it found, for people or with --json.
func operator(use, short string, arguments int, do func(ctx context.Context, o *desk, args []string) error) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{Use: use, Short: short, Args: exactly(arguments), RunE: func(c *cobra.Command, args []string) error {
		core, err := open(c)
		if err != nil {
			return err
		}
		defer core.Close()
		return do(c.Context(), &desk{Core: core, Command: c, json: asJSON}, args)
	}}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// desk is where an operator works: an installation and a terminal.
type desk struct {
	*app.Core
	*cobra.Command
	json bool
	act  *events.Act // of a command that changes something; nil: it only looks
}

// open opens the installation that the environment names. Only warnings are logged: the screen is the operator's.
func open(c *cobra.Command) (*app.Core, error) {
	e, err := environment()
	if err != nil {
		return nil, err
	}
	cfg, err := e.Load()
	if err != nil {
		return nil, err
	}
	e.Lanes, e.MaxConns = 1, 4
	return app.Open(c.Context(), app.Options{Environment: e, Config: cfg, Log: telemetry.NewLogger(c.ErrOrStderr(), max(e.LogLevel, slog.LevelWarn))})
}

// print prints v as JSON if that is asked for, else what show prints.
func (d *desk) print(v any, show func(t *rows)) error {
	if d.json {
		return printJSON(d.OutOrStdout(), v)
	}
	t := table(d.Command)
	show(t)
	return t.flush()
}

// centerNamed finds a center by its name.
func (d *desk) centerNamed(name string) (int16, error) {
	for _, c := range d.Config.Centers {
		if c.Name == name {
			return c.ID, nil
		}
	}
	return 0, usageError{fmt.Errorf("there is no center %q", name)}
}

// centerName is the name of a center, or its number when it is not configured any more.
func (d *desk) centerName(id int16) string {
	if c, ok := d.Config.Directory.Center(id); ok {
		return c.Name
	}
	return strconv.Itoa(int(id))
}

func number(text, what string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 {
		return 0, usageError{fmt.Errorf("%q is no number of %s", text, what)}
	}
	return n, nil
}

// clock shows an instant in the zone of the ledger.
func (d *desk) clock(t *time.Time) string {
	if t == nil || t.IsZero() {
		return "-"
	}
	return t.In(d.Config.Zone).Format("2006-01-02 15:04:05")
}

func amountOf(minor int64, c money.Currency) string {
	if !c.Valid() {
		return "-"
	}
	return money.Amount{Minor: minor, Currency: c}.String()
}

// errCardData refuses words of an operator that would be kept.
var errCardData = usageError{errors.New("the reason holds a card number or a card's code, which is never kept: say it without")}

// checkReason refuses a reason that holds card data. Bill numbers that were given out are none.
func checkReason(reason string) error {
	if vault.Words(reason) != reason {
		return errCardData
	}
	return nil
}
