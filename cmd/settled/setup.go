package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"settled/authorize/tenants"
	"settled/internal/app"
	"settled/internal/config"
	"settled/internal/settings"
	"settled/migrations"
	"settled/settle/events"

	"github.com/spf13/cobra"
)

func newMigrate() *cobra.Command {
	var dry, grants bool
	c := &cobra.Command{Use: "migrate", Short: "Bring the database to the newest schema, and its roles to their rights", Args: exactly(0), RunE: func(c *cobra.Command, _ []string) error {
		e, err := environment()
		if err != nil {
			return err
		}
		if e.DatabaseURL == "" {
			return fmt.Errorf("%w: DATABASE_URL is not set", app.ErrDatabase)
		}
		if cfg, err := e.Load(); err == nil { // it needs no configuration, but keeps to one that is there
			if err := app.CheckDatabase(cfg, e.DatabaseURL); err != nil {
				return err
			}
		}
		pending, err := migrations.Pending(c.Context(), e.DatabaseURL)
		switch {
		case err != nil:
			return fmt.Errorf("%w: %w", app.ErrDatabase, err)
		case grants && len(pending) > 0:
			return fmt.Errorf("%w: migrations are missing: run settled migrate first, rights are given to tables that are there", app.ErrDatabase)
		case grants:
			return printGrants(c, e.DatabaseURL, false)
		case dry:
			return printPending(c, pending)
		}
		if err := migrations.Up(c.Context(), e.DatabaseURL); err != nil {
			return err
		}
		return errors.Join(printPending(c, pending), printGrants(c, e.DatabaseURL, true), tellMigrated(c, e, pending))
	}, Annotations: map[string]string{eventOf: string(events.SchemaMigrated)}}
	c.Flags().BoolVar(&dry, "dry-run", false, "list what would be applied, and apply nothing")
	c.Flags().BoolVar(&grants, "print-grants", false, "print the roles and their rights as SQL for an administrator, and change nothing")
	return c
}

// tellMigrated leaves an event of what was applied; it has the tables only afterwards.
func tellMigrated(c *cobra.Command, e config.Environment, applied []string) error {
	if len(applied) == 0 {
		return nil
	}
	log, err := app.OpenEventLog(c.Context(), e, true)
	if err != nil {
		return fmt.Errorf("migrated, but who did this could not be kept: %w", err)
	}
	defer log.Close()
	text, _ := json.Marshal(map[string][]string{"applied": applied}) // of texts
	return log.Write(c.Context(), events.Event{Actor: operatorHere(), Source: sourceHere(), Kind: events.SchemaMigrated, After: text, Outcome: events.Done})
}

func printPending(c *cobra.Command, pending []string) error {
	if len(pending) == 0 {
		pending = []string{"nothing to apply"}
	}
	for _, name := range pending {
		fmt.Fprintln(c.OutOrStdout(), name)
	}
	return nil
}

// printGrants prints what makes the roles and gives them their rights; if it is asked to, only where an administrator has to.
func printGrants(c *cobra.Command, database string, ifMissing bool) error {
	d, err := migrations.Roles(c.Context(), database)
	if err != nil {
		return fmt.Errorf("%w: %w", app.ErrDatabase, err)
	}
	missing := d.Missing()
	switch {
	case !ifMissing:
		fmt.Fprint(c.OutOrStdout(), d.Script())
	case len(missing) > 0:
		fmt.Fprintf(c.OutOrStdout(), "\n-- This login may not make the roles %v: an administrator runs what follows, which settled migrate --print-grants prints.\n%s", missing, d.Script())
	}
	return nil
}

func newConfig() *cobra.Command {
	environ := &cobra.Command{Use: "environment", Short: "List the environment variables", Args: exactly(0), RunE: func(c *cobra.Command, _ []string) error {
		t := table(c)
		t.row("variable", "default", "means")
		for _, v := range config.Variables() {
			t.row(v.Name, v.Default, v.Means)
		}
		return t.flush()
	}}
	return group("config", "Check the configuration", newConfigCheck(), environ)
}

// passwordForm are the passwords that every syntax of the API carries unchanged.
var passwordForm = regexp.MustCompile(`^[A-Za-z0-9]{0,64}$`)

func newPasswordHash() *cobra.Command {
	var login string
	c := &cobra.Command{Use: "password-hash", Short: "Read a merchant's password from standard input, print its hash for the configuration", Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			line, err := bufio.NewReader(c.InOrStdin()).ReadString('\n')
			if err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			password := strings.TrimRight(line, "\r\n")
			if err := goodPassword(password, login); err != nil {
				return err
			}
			fmt.Fprintln(c.OutOrStdout(), tenants.HashPassword(password))
			return nil
		}}
	c.Flags().StringVar(&login, "login", "", "login of the merchant, which the password must not be made of")
	return c
}

// goodPassword finds a password that the API does not carry, or that is easy to guess.
func goodPassword(password, login string) error {
	if !passwordForm.MatchString(password) {
		return usageError{errors.New("a password is of Latin letters and digits, 64 at most")}
	}
	if err := settings.Weak(password, settings.LeastPassword, login); err != nil {
		return usageError{fmt.Errorf("the password %w; settled merchant password makes one", err)}
	}
	return nil
}
