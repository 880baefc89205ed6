package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"settled/authorize/tenants"
	"settled/internal/config"
	"settled/settle/events"

	"github.com/spf13/cobra"
)

// Secrets of merchants are 26 letters and digits, 130 bits of chance. They are shown once and kept as a hash, or in a file.

// handed is what a merchant is given. Whoever asked for it passes it on; it cannot be shown again.
type handed struct {
	Merchant   int32  `json:"merchant"`
	Login      string `json:"login,omitempty"`
	Password   string `json:"password,omitempty"`
	SecretWord string `json:"secret_word,omitempty"`
}

// proofs are what is demanded of a new merchant's orders: a check value, unless anybody may make them.
func proofs(anybody bool) config.ProofsFile {
	return config.ProofsFile{Checkvalue: !anybody, AnybodyMayOrder: anybody}
}

// takenUp says when a change of the file is in force.
const takenUp = "Running processes take it up within 10 seconds; settled doctor names one that does not."

// hand shows secrets, and when they are in force.
func (c *counter) hand(h handed) error {
	fmt.Fprintln(c.ErrOrStderr(), "This is shown once. "+takenUp)
	return c.print(h, func(t *rows) {
		t.row("merchant", h.Merchant)
		for _, s := range [][2]string{{"login", h.Login}, {"password", h.Password}, {"secret word", h.SecretWord}} {
			if s[1] != "" {
				t.row(s[0], s[1])
			}
		}
	})
}

func newMerchantAdd() *cobra.Command {
	var m config.MerchantFile
	var r config.RouteFile
	var id int
	var anybody bool
	c := changing("add", "Add a merchant with one route, and show its password and secret word once", exactly(0), events.MerchantAdd, func(c *counter, _ []string, e *events.Event) error {
		m.ID, m.Routes, m.Proofs = int32(id), []config.RouteFile{r}, proofs(anybody)
		if m.Login == "" {
			m.Login = fmt.Sprintf("merchant_%d", m.ID)
		}
		e.Object.ID = strconv.Itoa(id)
		return c.addMerchant(m)
	})
	f := c.Flags()
	f.IntVar(&id, "id", 0, "Merchant_ID")
	f.BoolVar(&anybody, "anybody-may-order", false, "demand no proof of who makes orders for the payment page; without it they need a check value")
	f.StringVar(&m.Page.Links, "links", "proven", "orders in links: proven, refused or taken")
	for _, text := range []struct {
		to         *string
		name, help string
	}{
		{&m.Name, "name", "name, as customers read it"}, {&m.ClearingName, "clearing-name", "name in clearing records; default --name"}, {&m.Street, "street", "street"}, {&m.City, "city", "city"}, {&m.Postal, "postal", "postal code"},
		{&m.Region, "region", "region, if any"}, {&m.Country, "country", "ISO 3166 alpha-3"}, {&m.MCC, "mcc", "merchant category code"},
		{&m.Currency, "currency", "its own currency"}, {&m.Login, "login", "login; default merchant_ID"}, {&m.Language, "language", "en or ru"},
		{&m.SecretWordFile, "secret-word-file", "file to make for the secret word; default secrets/merchant-ID.word"},
		{&r.Center, "center", "center of its route"}, {&r.Terminal, "terminal", "terminal id there"}, {&r.Acceptor, "acceptor", "card acceptor id there"},
	} {
		f.StringVar(text.to, text.name, "", text.help)
	}
	f.StringSliceVar(&r.Currencies, "currencies", nil, "currencies of the route; default --currency")
	f.Int64Var(&r.MDRBPS, "mdr-bps", 0, "price of an accepted sale in basis points")
	return c
}

func (c *counter) addMerchant(m config.MerchantFile) error {
	edit, err := config.OpenEdit(c.environment.Config)
	if err != nil {
		return err
	}
	if m.Routes[0].Currencies == nil {
		m.Routes[0].Currencies = []string{m.Currency}
	}
	h := handed{Merchant: m.ID, Login: m.Login, Password: rand.Text(), SecretWord: rand.Text()}
	m.PasswordHash = tenants.HashPassword(h.Password)
	if m.SecretWordFile, err = c.secretFile(m.ID, m.SecretWordFile, h.SecretWord); err != nil {
		return err
	}
	err = edit.AddMerchant(m)
	if err == nil {
		_, err = edit.Save()
	}
	if err != nil {
		return errors.Join(err, os.Remove(c.beside(m.SecretWordFile)))
	}
	return c.hand(h)
}

// secretFile makes a new file for a secret word, which only its owner may read, and returns its name for the configuration.
func (c *counter) secretFile(merchant int32, name, secretWord string) (string, error) {
	if name == "" {
		name = filepath.Join("secrets", fmt.Sprintf("merchant-%d.word", merchant))
	}
	path := c.beside(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("keep the secret word: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", fmt.Errorf("keep the secret word: %w", err)
	}
	_, err = f.WriteString(secretWord + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", fmt.Errorf("keep the secret word: %w", err)
	}
	return name, nil
}

// beside is where a name in the configuration file leads.
func (c *counter) beside(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(c.environment.Config), name)
}

// atLeast is the rule for a command with n arguments or more.
func atLeast(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < n {
			return usageError{fmt.Errorf("%s takes at least %d arguments, got %d: %s", c.CommandPath(), n, len(args), c.UseLine())}
		}
		return nil
	}
}

func newMerchantSet() *cobra.Command {
	c := changing("set ID KEY=VALUE...", "Change settings of a merchant in the configuration file, all or none", atLeast(2), events.MerchantSet, func(c *counter, args []string, e *events.Event) error {
		var before []merchantSetting
		_, m, err := c.merchant(args[0])
		if err != nil {
			return err
		}
		before = settingsOf(m)
		cfg, err := c.change(m.ID, args[1:])
		if err != nil {
			return err
		}
		i := slices.IndexFunc(cfg.Merchants, func(now config.Merchant) bool { return now.ID == m.ID })
		changed := slices.DeleteFunc(settingsOf(&cfg.Merchants[i]), func(s merchantSetting) bool { return slices.Contains(before, s) })
		e.Before, e.After = settingsBefore(before, changed), settingsJSON(changed)
		fmt.Fprintln(c.ErrOrStderr(), "Changed in the file. "+takenUp)
		return c.print(changed, func(t *rows) {
			for _, s := range changed {
				t.row(s.Key, otherwise(s.Value, "-"))
			}
		})
	})
	c.Long = "Change settings of a merchant in the configuration file, all or none.\n\nA list is written with commas; nothing behind = takes a setting away; routes[N] begins at 0, one\nbeyond the last adds a route, routes[N]= takes one away. The keys are:\n\n  " + strings.Join(config.MerchantKeys(), "\n  ")
	return c
}

// settingsBefore are settings as they were before they changed.
func settingsBefore(before, changed []merchantSetting) json.RawMessage {
	return settingsJSON(slices.DeleteFunc(slices.Clone(before), func(s merchantSetting) bool {
		return !slices.ContainsFunc(changed, func(now merchantSetting) bool { return now.Key == s.Key })
	}))
}

// settingsJSON are settings for an event, which secrets are none of. Beyond what an event holds it is their number.
func settingsJSON(all []merchantSetting) json.RawMessage {
	named := map[string]string{}
	for _, s := range all {
		named[s.Key] = s.Value
	}
	text, _ := json.Marshal(named) // of texts
	if len(text) > events.MaxJSON {
		text, _ = json.Marshal(map[string]int{"settings": len(all)})
	}
	return text
}

// change makes changes of one merchant and saves them.
func (c *counter) change(merchant int32, settings []string) (*config.Config, error) {
	edit, err := config.OpenEdit(c.environment.Config)
	if err != nil {
		return nil, err
	}
	for _, s := range settings {
		key, value, ok := strings.Cut(s, "=")
		if !ok {
			return nil, usageError{fmt.Errorf("%q is not of the form KEY=VALUE", s)}
		}
		if err := edit.Set(merchant, key, value); err != nil {
			return nil, err
		}
	}
	return edit.Save()
}

func newMerchantPassword() *cobra.Command {
	return changing("password ID", "Give a merchant a new password, and show it once; the old one ends when running processes take that up", exactly(1), events.MerchantPassword, func(c *counter, args []string, _ *events.Event) error {
		_, m, err := c.merchant(args[0])
		if err != nil {
			return err
		}
		h := handed{Merchant: m.ID, Login: m.Login, Password: rand.Text()}
		if _, err := c.change(m.ID, []string{"password_hash=" + tenants.HashPassword(h.Password)}); err != nil {
			return err
		}
		return c.hand(h)
	})
}

func newMerchantSecret() *cobra.Command {
	return changing("secret ID", "Give a merchant a new secret word, and show it once; the old one ends when running processes take that up", exactly(1), events.MerchantSecret, func(c *counter, args []string, _ *events.Event) error {
		_, m, err := c.merchant(args[0])
		if err != nil {
			return err
		}
		h := handed{Merchant: m.ID, SecretWord: rand.Text()}
		if err := c.keepSecret(m, h.SecretWord); err != nil {
			return err
		}
		return c.hand(h)
	})
}

// keepSecret puts a secret word where the merchant's is kept: its file, which is made if there is none. One that stands in
// the configuration itself moves out of it.
func (c *counter) keepSecret(m *config.Merchant, secretWord string) error {
	if m.SecretWordFile != "" {
		if err := config.ReplaceFile(m.SecretWordFile, []byte(secretWord+"\n")); err != nil {
			return fmt.Errorf("keep the secret word: %w", err)
		}
		return nil
	}
	name, err := c.secretFile(m.ID, "", secretWord)
	if err != nil {
		return err
	}
	if _, err := c.change(m.ID, []string{"secret_word=", "secret_word_file=" + name}); err != nil {
		return errors.Join(err, os.Remove(c.beside(name)))
	}
	return nil
}
