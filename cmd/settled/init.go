package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"settled/internal/app"
	"settled/internal/app/install"
	"settled/internal/config"
	"settled/settle/events"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func newInit() *cobra.Command {
	var a install.Answers
	var yes, asJSON bool
	c := &cobra.Command{Use: "init", Short: "Write a new installation: configuration, keys, secrets, database, one center and one merchant", Args: exactly(0),
		Long: `Write a new installation into a directory that is not there yet: configuration, keys, secrets, and what processes have in their environment;
bring the database to the newest schema; make roles and logins, or write what an administrator runs. What no flag answers is asked at a
terminal. All or nothing: nothing that is there is changed, and a failure leaves nothing behind.`,
		RunE: func(c *cobra.Command, _ []string) error {
			if a.Database == "" {
				a.Database = os.Getenv("DATABASE_URL")
			}
			if err := a.Complete(asker(c, yes)); err != nil {
				return err
			}
			written, err := install.Write(c.Context(), a, time.Now())
			if err != nil {
				return err
			}
			tellInit(c, a)
			if asJSON {
				return printJSON(c.OutOrStdout(), written)
			}
			return showInstallation(c, written)
		}}
	c.Annotations = map[string]string{eventOf: string(events.InstallationInit)}
	f := c.Flags()
	f.StringVar(&a.Dir, "dir", "settled", "directory of the installation, which must not be there yet")
	f.BoolVar(&yes, "yes", false, "ask nothing: what no flag answers has its default, or is missing")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	for _, q := range install.Questions() {
		f.StringVar(q.Field(&a), q.Flag, "", q.Asks)
	}
	f.Lookup("database").Usage += "; default DATABASE_URL"
	return c
}

// tellInit leaves an event of the installation, where the database has its tables now.
func tellInit(c *cobra.Command, a install.Answers) {
	log, err := app.OpenEventLog(c.Context(), config.Environment{DatabaseURL: a.Database}, true)
	if err == nil {
		defer log.Close()
		err = log.Write(c.Context(), events.Event{Actor: operatorHere(), Source: sourceHere(), Kind: events.InstallationInit,
			Object: events.Object{Kind: "directory", ID: events.Clip(a.Dir)}, Outcome: events.Done})
	}
	if err != nil {
		fmt.Fprintln(c.ErrOrStderr(), "settled: not kept who did this:", err)
	}
}

// asker asks at the terminal of a command; nil where nobody is to be asked.
func asker(c *cobra.Command, yes bool) install.Ask {
	in, ok := c.InOrStdin().(*os.File)
	if yes || !ok || !term.IsTerminal(int(in.Fd())) {
		return nil
	}
	return askAt(c.Context(), in, c.ErrOrStderr())
}

// errUnanswered says that the input ended before the questions did.
var errUnanswered = errors.New("the questions were not answered to the end")

// askAt asks on out and reads lines from in, until that or ctx ends.
func askAt(ctx context.Context, in io.Reader, out io.Writer) install.Ask {
	lines := linesOf(in)
	return func(q install.Question, standard, complaint string) (string, error) {
		if complaint != "" {
			fmt.Fprintf(out, "  %s\n", complaint)
		}
		fmt.Fprint(out, q.Asks)
		if q.Words != nil {
			fmt.Fprintf(out, " (%s)", strings.Join(q.Words, ", "))
		}
		if standard != "" {
			fmt.Fprintf(out, " [%s]", standard)
		}
		fmt.Fprint(out, ": ")
		select {
		case line, more := <-lines:
			if !more {
				return "", errUnanswered
			}
			return line, nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// linesOf reads lines as they come: a terminal lets nobody wait for it and for something else, too.
func linesOf(in io.Reader) <-chan string {
	out := make(chan string)
	go func() {
		defer close(out)
		for lines := bufio.NewScanner(in); lines.Scan(); {
			out <- lines.Text()
		}
	}()
	return out
}

func showInstallation(c *cobra.Command, w *install.Result) error {
	t := table(c)
	t.row("written to " + w.Dir)
	for _, name := range w.Files {
		t.row("  " + name)
	}
	t.row()
	t.row("This is shown once.")
	for _, line := range [][2]string{{"merchant", w.Handed.Merchant}, {"login", w.Handed.Login}, {"password", w.Handed.Password}, {"secret word", w.Handed.SecretWord}} {
		t.row("  "+line[0], line[1])
	}
	if len(w.Left) > 0 {
		t.row()
		t.row("Left to do in " + filepath.Join(w.Dir, "settled.yaml") + " and beside it:")
	}
	for _, line := range w.Left {
		t.row("  " + line)
	}
	t.row()
	t.row("Now, word by word:")
	for _, line := range w.Next {
		t.row("  " + line)
	}
	return t.flush()
}
