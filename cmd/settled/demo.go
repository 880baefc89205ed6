package main

import (
	"os"

	"settled/internal/app/demo"

	"github.com/spf13/cobra"
)

func newDemo() *cobra.Command {
	var o demo.Options
	c := &cobra.Command{Use: "demo", Args: exactly(0), Short: "Play two business days and their nights, and prove that every total agrees",
		Long: `Play two business days and their nights in about a minute: a database (an own PostgreSQL when DATABASE_URL is unset), three
processing centers, a partner bank, a 3-D Secure server, the real server, and merchants and customers that use it over HTTP:
the payment page, host to host, QR codes, subscriptions, stored cards. Time is virtual; the wire, the files and the database
are real. Exits 0 only if every difference is zero and the audit finds nothing. With --keep, a shop to click through is left.`,
		RunE: func(c *cobra.Command, _ []string) error {
			o.DatabaseURL, o.Out, o.Progress = os.Getenv("DATABASE_URL"), c.OutOrStdout(), c.ErrOrStderr()
			ok, err := demo.Run(c.Context(), o)
			if err == nil && !ok {
				err = errRed
			}
			return err
		}}
	c.Flags().IntVar(&o.Orders, "orders", demo.DefaultOrders, "how many orders customers make")
	c.Flags().Uint64Var(&o.Seed, "seed", 1, "seed: one seed gives the same orders, files and totals")
	c.Flags().StringVar(&o.Report, "report", "", "write what was found to this file, as JSON (docs/demo-report.md)")
	c.Flags().BoolVar(&o.Keep, "keep", false, "go on after the nights, on the real clock, until interrupted")
	return c
}
