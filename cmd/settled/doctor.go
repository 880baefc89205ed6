package main

import (
	"errors"
	"fmt"

	"settled/internal/app/doctor"

	"github.com/spf13/cobra"
)

// errSick says that a check is bad. What is wrong has been printed already.
var errSick = errors.New("something is wrong with the installation")

func newDoctor() *cobra.Command {
	var asJSON, centers, probe bool
	c := &cobra.Command{Use: "doctor", Short: "Look at the installation: what is good, what to know, what is wrong and what to do", Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			e, err := environment()
			r := doctor.Examine(c.Context(), doctor.Options{Environment: e, Fault: err, Centers: centers || probe, Probe: probe})
			if asJSON {
				err = printJSON(c.OutOrStdout(), r)
			} else {
				err = showReport(table(c), r)
			}
			if err == nil && r.State == doctor.Bad {
				err = errSick
			}
			return err
		}}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&centers, "centers", false, "connect to the file servers of the centers, too")
	c.Flags().BoolVar(&probe, "probe", false, "as --centers, and write a probe file there, which is removed again")
	return c
}

func showReport(t *rows, r doctor.Report) error {
	for _, c := range r.Checks {
		for i, f := range c.Findings {
			name := c.Check
			if i > 0 {
				name = ""
			}
			t.row(name, f.State, f.Says)
		}
	}
	t.row()
	t.row(summary(r))
	return t.flush()
}

// summary counts the checks by what they came to.
func summary(r doctor.Report) string {
	warnings := "warnings"
	if r.Counts[doctor.Warning] == 1 {
		warnings = "warning"
	}
	return fmt.Sprintf("%d checks: %d good, %d %s, %d bad, %d unchecked", len(r.Checks), r.Counts[doctor.Good], r.Counts[doctor.Warning], warnings,
		r.Counts[doctor.Bad], r.Counts[doctor.Unchecked])
}
