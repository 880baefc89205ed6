package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"settled/clearing"
	"settled/clearing/dial"
	"settled/clearing/states"
	"settled/internal/app"
	"settled/internal/app/demo"
	"settled/internal/app/install"
	"settled/internal/config"
	"settled/internal/listing"
	"settled/internal/postgres"
	"settled/internal/postgres/local"
	"settled/schedules"
	"settled/settle"
	"settled/settle/breaks"
	"settled/settle/epoch"
	"settled/settle/read"

	"github.com/spf13/cobra"
)

// Exit codes, as docs/cli.md documents them.
const (
	exitOK       = 0
	exitError    = 1
	exitUsage    = 2  // wrong arguments, or a second person must agree
	exitRed      = 3  // a gate is red: violations or differences were found
	exitNotFound = 4  // no such order, batch, file or reply
	exitConflict = 5  // not possible in this state
	exitConfig   = 78 // configuration or database settings
)

// errRed says that what was asked for was found and is not as it must be. Its text has been printed already.
var errRed = errors.New("not everything is as it must be")

// usageError is a wrong use of a command.
type usageError struct{ error }

// Unwrap returns what is wrong.
func (e usageError) Unwrap() error { return e.error }

// codes translates errors into exit codes; the first that matches decides.
var codes = []struct {
	err  error
	code int
}{
	{errRed, exitRed}, {install.ErrAnswers, exitUsage}, {install.ErrThere, exitConflict},
	{config.ErrNoMerchant, exitNotFound}, {config.ErrKey, exitUsage}, {config.ErrValue, exitUsage}, {config.ErrChanged, exitConflict},
	{config.ErrInvalid, exitConfig}, {postgres.ErrServer, exitConfig}, {clearing.ErrProfile, exitConfig}, {settle.ErrDirectory, exitConfig},
	{app.ErrDatabase, exitConfig}, {postgres.ErrLogin, exitConfig}, {local.ErrNoServer, exitConfig},
	{listing.ErrLimit, exitUsage}, {listing.ErrKey, exitUsage}, {read.ErrFilter, exitUsage}, {clearing.ErrQuery, exitUsage},
	{errNoEvent, exitNotFound}, {breaks.ErrNone, exitNotFound}, {breaks.ErrEnded, exitConflict}, {breaks.ErrWords, exitUsage}, {settle.ErrNotFound, exitNotFound}, {settle.ErrBillNumber, exitNotFound}, {states.ErrNotFound, exitNotFound},
	{demo.ErrNotEmpty, exitConflict}, {settle.ErrNotRejected, exitConflict}, {states.ErrState, exitConflict}, {states.ErrOrder, exitConflict}, {states.ErrNotDue, exitConflict}, {dial.ErrBusy, exitConflict}, {clearing.ErrClock, exitConflict}, {states.ErrHeld, exitConflict}, {epoch.ErrNotHeld, exitConflict}, {settle.ErrHeld, exitConflict},
	{settle.ErrNotAside, exitConflict}, {settle.ErrCardErased, exitConflict}, {states.ErrErased, exitConflict}, {settle.ErrOperation, exitConflict}, {settle.ErrInFlight, exitConflict}, {settle.ErrEnded, exitConflict}, {settle.ErrNotTold, exitConflict}, {settle.ErrNoWindow, exitConflict}, {clearing.ErrNoneLeft, exitConflict}, {schedules.ErrBeyondHorizon, exitConfig},
}

func exitCode(err error) int {
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		return exitUsage
	}
	for _, c := range codes {
		if errors.Is(err, c.err) {
			return c.code
		}
	}
	return exitError
}

// execute runs the command line and returns the exit code.
func execute(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	c := newRoot()
	c.SetArgs(args)
	c.SetIn(in)
	c.SetOut(out)
	c.SetErr(errOut)
	err := c.ExecuteContext(ctx)
	switch {
	case err == nil || errors.Is(err, errRed) || errors.Is(err, errSick):
	case ctx.Err() != nil:
		fmt.Fprintln(errOut, "settled: interrupted")
	default:
		fmt.Fprintln(errOut, "settled:", err)
	}
	return exitCode(err)
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use: "settled", Short: "Take payments, clear them at night, keep the books",
		SilenceUsage: true, SilenceErrors: true, CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("there is no command %q", args[0])}
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(newDemo(), newInit(), newServe(), newWork(), newRun(), newMigrate(), newConfig(), newDoctor(), newPasswordHash(), newKeys(),
		newWindow(), newBatch(), newFile(), newReply(), newCenter(), newRecon(), newMerchant(), newReject(), newRecord(), newBreak(), newAudit(), newResume(), newLedger(), newEvents(), newOrder(), newNotification(), newSubscription(), newRetention(), newVersion(), newBench(), newBenchChild())
	return root
}

// group is a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usageError{fmt.Errorf("%s has no command %q", c.CommandPath(), args[0])}
		}
		return nil
	}, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(commands...)
	return c
}

// exactly is the rule for a command with n arguments.
func exactly(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return usageError{fmt.Errorf("%s takes %d arguments, got %d: %s", c.CommandPath(), n, len(args), c.UseLine())}
		}
		return nil
	}
}

// environment reads the environment of the process.
func environment() (config.Environment, error) { return config.ReadEnvironment(os.Getenv) }
