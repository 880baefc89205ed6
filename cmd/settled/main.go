// Command settled takes payments, clears them at night and keeps the books. See docs/cli.md.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // calendars need zones where the system has none, as in an empty image
)

func main() { os.Exit(run()) }

// run is main with an exit code. The first SIGINT or SIGTERM asks every command to end in good order; a second one ends
// the process at once.
func run() int {
	if err := keepMemory(); err != nil {
		fmt.Fprintln(os.Stderr, "settled: keep memory to ourselves:", err)
		return exitError
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return execute(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
}
