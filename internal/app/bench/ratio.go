package bench

import (
	"fmt"
	"io"
	"slices"
)

// goal is a bound on a ratio.
type goal struct {
	sign  string // ">=" or "<="
	bound float64
}

func atLeast(v float64) goal { return goal{">=", v} }
func atMost(v float64) goal  { return goal{"<=", v} }

// met tells that a value keeps the goal.
func (g goal) met(v float64) bool {
	if g.sign == ">=" {
		return v >= g.bound
	}
	return v <= g.bound
}

// printRatio prints the line that a script reads, after a line that says when the goal is missed.
func printRatio(out io.Writer, name string, v float64, g goal) {
	if !g.met(v) {
		fmt.Fprintf(out, "missed: %s\n", name)
	}
	fmt.Fprintf(out, "ratio %s %.3f goal %s%g\n", name, v, g.sign, g.bound)
}

// median returns the middle value; of an even number the lower middle. It is 0 for none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)-1)/2]
}

// ratios divides pairwise, round by round, so that what both suffered together cancels out.
func ratios(product, limit []float64) []float64 {
	out := make([]float64, len(product))
	for i := range product {
		out[i] = product[i] / limit[i]
	}
	return out
}
