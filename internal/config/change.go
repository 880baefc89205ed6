package config

import (
	"errors"
	"fmt"
	"strings"
)

// Change is one difference between two configurations.
type Change struct {
	Place         string `json:"place"` // "merchants[7].page.timeout"
	What          string `json:"what"`  // "changed", "added" or "taken away"
	Before, After string `json:"-"`     // empty: nothing was said, or nobody may know
	Live          bool   `json:"-"`     // it is taken up while processes run
}

// What may have become of a setting, or of an entry of a list with all that it says.
const (
	Changed = "changed"
	Added   = "added"
	Gone    = "taken away"
)

// String says the change in words, and of a secret only that there is one.
func (c Change) String() string {
	if c.Before == c.After {
		return c.Place + ": " + c.What
	}
	return fmt.Sprintf("%s: %s → %s", c.Place, said(c.Before), said(c.After))
}

func said(value string) string {
	if value == "" {
		return "nothing"
	}
	return value
}

// Changes are the differences from c to later, in the order of the files: first what later says otherwise or newly, then what it does not
// say any more. What belongs to an entry that came or went is not told beside it.
func (c *Content) Changes(later *Content) []Change {
	all := c.differences(later, Added)
	for _, gone := range later.differences(c, Gone) {
		if gone.What == Gone {
			all = append(all, gone)
		}
	}
	return all
}

// differences are the settings of later that c has otherwise or not at all.
func (c *Content) differences(later *Content, missing string) (all []Change) {
	whole := "" // the entry that c lacks
	for _, s := range later.settings {
		if whole != "" && strings.HasPrefix(s.place, whole) {
			continue
		}
		i, had := c.byPlace[s.place]
		switch {
		case !had:
			all = append(all, s.change(setting{}, missing))
			if s.key == "" {
				whole = s.place + "."
			}
		case c.settings[i].value != s.value || c.settings[i].file != s.file:
			all = append(all, s.change(c.settings[i], Changed))
		}
	}
	return all
}

func (s setting) change(before setting, what string) Change {
	c := Change{Place: s.place, What: what, Live: live(s.section, s.key)}
	if what == Changed && !s.secret {
		c.Before, c.After = before.value, s.value
	}
	return c
}

// ErrRestart is wrapped when a configuration changes what running processes cannot take up.
var ErrRestart = errors.New("needs a restart")

// TakesUp returns what changes from c to later, and fails with ErrRestart, naming the keys, when some of that needs a restart: then none of it
// is to be taken up. That no merchant is left needs one, too: a file that is cut off can be valid.
func (c *Content) TakesUp(later *Content) ([]Change, error) {
	all := c.Changes(later)
	var fixed []string
	for _, change := range all {
		if !change.Live {
			fixed = append(fixed, change.Place)
		}
	}
	if c.merchants() > 0 && later.merchants() == 0 {
		fixed = append(fixed, "merchants, of which none would be left")
	}
	if len(fixed) > 0 {
		return all, fmt.Errorf("%w: %s", ErrRestart, strings.Join(fixed, ", "))
	}
	return all, nil
}

// merchants are how many there are.
func (c *Content) merchants() (n int) {
	for _, s := range c.settings {
		if s.section == "merchants[]" && s.key == "" {
			n++
		}
	}
	return n
}
