package main

import (
	"settled/internal/app/bench"

	"github.com/spf13/cobra"
)

func newBench() *cobra.Command {
	var o bench.Options
	c := &cobra.Command{Use: "bench", Args: exactly(0), Short: "Measure against the limits of this machine, side by side",
		RunE: func(c *cobra.Command, _ []string) error { return bench.Run(c.Context(), c.OutOrStdout(), o) }}
	c.Flags().StringSliceVar(&o.Only, "only", nil, "benchmarks to run; all when empty")
	c.Flags().IntVar(&o.Rounds, "rounds", 0, "turns of product and limit (default 5)")
	c.Flags().DurationVar(&o.Slice, "slice", 0, "length of one turn of a load (default 5s)")
	c.Flags().IntVar(&o.Records, "records", 0, "records of the large batch (default 1000000)")
	c.Flags().IntVar(&o.Stored, "stored", 0, "records stored before the growth benchmarks (default 10000000)")
	return c
}

// newBenchChild is how a benchmark measures the memory of one step; it is not for people.
func newBenchChild() *cobra.Command {
	return &cobra.Command{Use: bench.ChildCommand, Hidden: true, RunE: func(c *cobra.Command, args []string) error {
		return bench.Child(c.Context(), c.OutOrStdout(), args)
	}}
}
