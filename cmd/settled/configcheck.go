package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"settled/internal/app"
	"settled/internal/config"
	"settled/internal/postgres"

	"github.com/spf13/cobra"
)

// checked is what a check of the configuration found.
type checked struct {
	File        string     `json:"file"`
	Environment string     `json:"environment,omitempty"` // empty when the file is wrong
	Centers     int        `json:"centers"`
	Merchants   int        `json:"merchants"`
	Schedules   int        `json:"schedules"`
	Warnings    []toldLine `json:"warnings"`
	Problems    []toldLine `json:"problems"` // empty: it is good
}

// toldLine is one thing that is wrong or worth knowing, with where it stands if that is in a file.
type toldLine struct {
	File  string `json:"file,omitempty"`
	Line  int    `json:"line,omitempty"`
	Place string `json:"place,omitempty"`
	Why   string `json:"why"`
}

func newConfigCheck() *cobra.Command {
	return atCounter("check [FILE]", "Check environment and configuration file; say line and reason, and warn of risks", cobra.MaximumNArgs(1),
		func(c *counter, args []string) error {
			if len(args) == 1 {
				c.environment.Config = args[0]
			}
			found, warnings, wrong := checkConfig(c.Context(), c.environment)
			err := errors.Join(wrong...)
			for _, w := range warnings {
				found.Warnings = append(found.Warnings, toldLine(w))
				if !c.json {
					fmt.Fprintln(c.ErrOrStderr(), "settled: warning:", w)
				}
			}
			if found.Problems = problemsOf(wrong); c.json {
				return errors.Join(err, printJSON(c.OutOrStdout(), found))
			}
			if err == nil {
				fmt.Fprintf(c.OutOrStdout(), "%s: %s, %d centers, %d merchants, %d schedules: good\n", found.File, found.Environment,
					found.Centers, found.Merchants, found.Schedules)
			}
			return err
		})
}

// checkConfig looks at everything that an installation is told, and says all that is wrong, and what is only worth knowing.
func checkConfig(ctx context.Context, e config.Environment) (found checked, warnings []config.Problem, wrong []error) {
	found = checked{File: e.Config, Warnings: []toldLine{}}
	cfg, err := e.Load()
	if err != nil {
		return found, nil, []error{err}
	}
	found.Environment, found.Centers, found.Merchants, found.Schedules = string(cfg.Environment), len(cfg.Centers), len(cfg.Merchants), len(cfg.Schedules)
	ending, ends := app.CheckCalendars(cfg, time.Now())
	unasked, login := checkLogin(ctx, cfg, e.DatabaseURL)
	return found, slices.Concat(cfg.Warnings, ending, unasked), []error{app.CheckListeners(e, cfg, time.Now), app.CheckProfiles(cfg),
		app.CheckDatabase(cfg, e.DatabaseURL), checkKeys(cfg, e.Keys), login, ends}
}

// checkLogin tells whether the login of the database is one that a live installation may have. A database that cannot be asked is a
// warning: a configuration may be checked before there is one.
func checkLogin(ctx context.Context, cfg *config.Config, database string) (warnings []config.Problem, err error) {
	if database == "" {
		return nil, nil
	}
	err = app.CheckLogin(ctx, cfg, database)
	if err == nil || errors.Is(err, postgres.ErrLogin) {
		return nil, err
	}
	return []config.Problem{{File: "DATABASE_URL", Why: "the database cannot be asked who logs in: settled doctor says more"}}, nil
}

// problemsOf takes errors apart into what they say, one by one.
func problemsOf(errs []error) []toldLine {
	out := []toldLine{}
	for _, err := range errs {
		var problems config.Problems
		switch {
		case errors.As(err, &problems):
			for _, p := range problems {
				out = append(out, toldLine(p))
			}
		case err != nil:
			out = append(out, toldLine{Why: err.Error()})
		}
	}
	return out
}

// checkKeys finds keys that are for another environment. Where there are none yet, there is nothing to find.
func checkKeys(cfg *config.Config, path string) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	_, err := app.OpenVault(cfg, path)
	return err
}
