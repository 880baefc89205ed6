package config

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
	"unicode/utf8"

	"settled/internal/money"
	"settled/internal/settings"
	"settled/internal/vault"
	"settled/schedules"
	"settled/settle"

	"go.yaml.in/yaml/v3"
)

// checker turns a File into a Config and notes what is wrong on the way.
type checker struct {
	path, dir string
	root      *yaml.Node
	problems  Problems
	warnings  []Problem
	calendars map[string]*schedules.Calendar
	centers   map[string]*settle.Center
	writes    map[string][]func(rune) bool // what the files of the centers that take cards may hold, by name; none where it takes no files

	environment   vault.Environment // of the installation
	authenticates bool              // there is a 3-D Secure server
	signs         bool              // there is a signing key
}

func (c *checker) fail(at place, why string, args ...any) {
	c.problems = append(c.problems, c.problem(at, fmt.Sprintf(why, args...)))
}

func (c *checker) problem(at place, why string) Problem {
	return Problem{File: c.path, Line: at.line(c.root), Place: at.String(), Why: why}
}

// take notes what a room found wrong with its section, which stands at a place.
func (c *checker) take(at place, problems []settings.Problem) {
	for _, p := range problems {
		c.fail(at.under(p.Key), "%s", p.Why)
	}
}

// value is a setting at a place, checked by itself.
func value[T any](c *checker, at place, check func(*settings.Checker) T) T {
	var s settings.Checker
	v := check(&s)
	c.take(at, s.Problems)
	return v
}

func (c *checker) config(f File) *Config {
	c.interlock(f)
	c.authenticates, c.signs = f.ThreeDS != nil, f.SigningKeyFile != ""
	cfg := &Config{Environment: c.environment, Zone: c.zone(place{"ledger", "zone"}, f.Ledger.Zone),
		PublicURL:  c.publicURL(place{"public_url"}, f.PublicURL),
		SigningKey: c.signingKey(place{"signing_key_file"}, f.SigningKeyFile), ThreeDS: c.threeDS(place{"three_ds"}, f.ThreeDS)}
	rates := c.rates(f.Rates, cfg.Zone)
	c.calendars = map[string]*schedules.Calendar{}
	for _, name := range slices.Sorted(maps.Keys(f.Calendars)) {
		c.calendars[name] = c.calendar(name, f.Calendars[name])
	}
	c.centers, c.writes = map[string]*settle.Center{}, map[string][]func(rune) bool{}
	var centers []*settle.Center
	for i, file := range f.Centers {
		center := c.center(place{"centers", i}, file)
		cfg.Centers = append(cfg.Centers, center)
		centers = append(centers, center.Center)
	}
	var merchants []*settle.Merchant
	for i, file := range f.Merchants {
		m := c.merchant(place{"merchants", i}, file)
		cfg.Merchants = append(cfg.Merchants, m)
		merchants = append(merchants, m.Merchant)
	}
	cfg.Schedules = c.schedules(f.Schedules, cfg.Zone)
	cfg.Retention = c.retention(f.Retention, cfg)
	c.unique(f)
	c.inboxesApart(f.Centers)
	if len(c.problems) > 0 {
		return nil
	}
	directory, err := settle.NewDirectory(centers, merchants)
	if err != nil {
		c.fail(nil, "%v", err)
		return nil
	}
	cfg.Directory = directory.WithRates(rates)
	return cfg
}

// unique finds identities that are given twice: two centers or merchants would share books.
func (c *checker) unique(f File) {
	ids, names := map[int]int{}, map[string]int{}
	for i, center := range f.Centers {
		first(c, ids, center.ID, i, place{"centers", i, "id"}, "centers")
		first(c, names, center.Name, i, place{"centers", i, "name"}, "centers")
	}
	merchants, logins := map[int32]int{}, map[string]int{}
	for i, m := range f.Merchants {
		first(c, merchants, m.ID, i, place{"merchants", i, "id"}, "merchants")
		first(c, logins, m.Login, i, place{"merchants", i, "login"}, "merchants")
	}
}

func first[T comparable](c *checker, seen map[T]int, key T, i int, at place, list string) {
	if before, ok := seen[key]; ok {
		c.fail(at, "%v is already that of %s[%d]", key, list, before)
		return
	}
	seen[key] = i
}

func (c *checker) zone(at place, name string) *time.Location {
	if name == "" || name == "Local" {
		c.fail(at, "a time zone is needed, such as Europe/Minsk")
		return time.UTC
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		c.fail(at, "%q is no IANA time zone", name)
		return time.UTC
	}
	return zone
}

func (c *checker) required(at place, text string) string {
	return value(c, at, func(s *settings.Checker) string { return s.Required("", text) })
}

// text checks the length of a required text.
func (c *checker) text(at place, text string, longest int) string {
	if c.required(at, text); utf8.RuneCountInString(text) > longest {
		c.fail(at, "%q is longer than %d characters", text, longest)
	}
	return text
}

// atMost checks the length of a text that may be left out.
func (c *checker) atMost(at place, text string, longest int) {
	if utf8.RuneCountInString(text) > longest {
		c.fail(at, "%q is longer than %d characters", text, longest)
	}
}

// digits checks a required number that is written with between shortest and longest digits.
func (c *checker) digits(at place, text string, shortest, longest int) uint64 {
	return value(c, at, func(s *settings.Checker) uint64 { return s.Digits("", text, shortest, longest) })
}

func (c *checker) currency(at place, text string) money.Currency {
	currency, err := money.ParseCurrency(text)
	if err != nil {
		c.fail(at, "%q is no ISO 4217 currency", text)
	}
	return currency
}

// oneOf checks a word against those allowed; the first is what an empty text means.
func oneOf[T ~string](c *checker, at place, text string, allowed ...T) T {
	return value(c, at, func(s *settings.Checker) T { return settings.Word(s, "", text, allowed...) })
}

func list[T ~string](words []T) string { return settings.List(words) }

// within checks a duration; zero means standard.
func (c *checker) within(at place, d, standard, shortest, longest time.Duration) time.Duration {
	return value(c, at, func(s *settings.Checker) time.Duration { return s.Within("", d, standard, shortest, longest) })
}

// fileThere returns the absolute name of a file that must be readable; empty stays empty.
func (c *checker) fileThere(at place, name string) string {
	if name = c.resolve(name); name == "" {
		return ""
	}
	f, err := os.Open(name)
	if err != nil {
		c.fail(at, "%v", err)
		return ""
	}
	_ = f.Close()
	return name
}

// resolve makes a name absolute that is relative to the configuration file; empty stays empty.
func (c *checker) resolve(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(c.dir, name)
}

// secretFile reads a file that holds a secret and nothing else; a final line break is not part of it.
func (c *checker) secretFile(at place, name string) vault.Secret {
	if name = c.fileThere(at, name); name == "" {
		return vault.Secret{}
	}
	c.private(at, name)
	text, err := os.ReadFile(name)
	if text = bytes.TrimRight(text, "\r\n"); err != nil || len(text) == 0 {
		c.fail(at, "%s is empty", name)
	}
	return vault.NewSecret(text)
}

const (
	minute = time.Minute
	day    = 24 * time.Hour
)
