package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"settled/authorize/tenants"
	"settled/internal/app"
	"settled/internal/config"
	"settled/internal/settings"
	"settled/internal/vault"
	"settled/migrations"

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
		return errors.Join(printPending(c, pending), printGrants(c, e.DatabaseURL, true))
	}}
	c.Flags().BoolVar(&dry, "dry-run", false, "list what would be applied, and apply nothing")
	c.Flags().BoolVar(&grants, "print-grants", false, "print the roles and their rights as SQL for an administrator, and change nothing")
	return c
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

func newKeys() *cobra.Command {
	withFile := func(use, short string, do func(c *cobra.Command, path string) error) *cobra.Command {
		return &cobra.Command{Use: use, Short: short, Args: exactly(0), RunE: func(c *cobra.Command, _ []string) error {
			e, err := environment()
			if err != nil {
				return err
			}
			return do(c, e.Keys)
		}}
	}
	var environment, place string
	fresh := withFile("new", "Make the vault's key file (SETTLED_KEYS), which must not exist", func(c *cobra.Command, path string) error {
		if !vault.Environment(environment).Valid() {
			return usageError{fmt.Errorf("--environment is test or live, not %q", environment)}
		}
		at, err := placeOfKey(place, vault.Environment(environment) == vault.Live)
		if err != nil {
			return err
		}
		if err := vault.GenerateFor(path, vault.Environment(environment), at); err != nil {
			return err
		}
		fmt.Fprintf(c.OutOrStdout(), "%s: %s keys; keep a copy in a safe place: without it no stored card number can be read\n", path, environment)
		return nil
	})
	fresh.Flags().StringVar(&environment, "environment", "test", "what the keys are for, test or live; cannot be changed")
	fresh.Flags().StringVar(&place, "kek", "", kekUsage)
	var to string
	move := withFile("move", "Seal the data keys anew, under a new key-encrypting key in another place", func(c *cobra.Command, path string) error {
		at, err := placeOfKey(to, true)
		if err != nil {
			return err
		}
		if err := vault.Move(path, at); err != nil {
			return err
		}
		fmt.Fprintf(c.OutOrStdout(), "%s: sealed by the key of %s; destroy the key before, and copies of the file that it opens\n", path, to)
		return nil
	})
	move.Flags().StringVar(&to, "kek", "", kekUsage)
	rotate := withFile("rotate", "Add a new active data key; the others only open from now on", func(c *cobra.Command, path string) error {
		key, err := vault.Rotate(path)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.OutOrStdout(), "key %d is active, check value %s\n", key.Number, key.Check)
		return nil
	})
	return group("keys", "Manage the keys that card numbers are sealed with", fresh, rotate, move)
}

const kekUsage = "where the key that seals the file's keys is kept: file:PATH (made), env:NAME or command:PROGRAM (32 bytes in base64, there already)"

// placeOfKey reads where a key-encrypting key is kept. Without a word it is the key file itself, unless it has to be kept apart.
func placeOfKey(text string, apart bool) (vault.Place, error) {
	if text == "" && !apart {
		return vault.Place{}, nil
	}
	at, err := vault.ParsePlace(text)
	if err != nil {
		return at, usageError{fmt.Errorf("--kek: %w", err)}
	}
	return at, nil
}
