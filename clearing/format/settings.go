package format

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Settings is what a configuration says of the format of a center, in the words of its keys. A format takes those that it has,
// gives the others' absence its defaults, and finds what is wrong.
type Settings struct {
	Charset   string
	Blocked   bool
	Dialect   string
	Mode      string
	Member    string // our member id
	Acquirer  string // acquirer_bin
	Forwarder string
	Options   map[string]string // format_options
}

// Center is what a format has to know of its center besides.
type Center struct {
	Zone     *time.Location
	Acquirer string // our id in messages; empty: none
	Test     bool   // the installation is for tests
}

// Problem is what is wrong with a setting.
type Problem struct {
	Key string // as in the configuration; of an option, see OptionKey
	Why string
}

// optionsKey is the key of a format's own options.
const optionsKey = "format_options"

// OptionKey is the key of an option in a Problem.
func OptionKey(option string) string { return optionsKey + "." + option }

// Checker reads settings and collects what is wrong with them. The zero value is ready.
type Checker struct{ Problems []Problem }

// Fail notes a problem with a key.
func (c *Checker) Fail(key, why string, args ...any) {
	c.Problems = append(c.Problems, Problem{key, fmt.Sprintf(why, args...)})
}

// Word is a setting that is one of a list; the first stands for none.
func (c *Checker) Word(key, text string, allowed ...string) string {
	if text == "" {
		return allowed[0]
	}
	if !slices.Contains(allowed, text) {
		c.Fail(key, "%q is not one of %s", text, strings.Join(allowed, ", "))
	}
	return text
}

// Digits is a required number that is written with between shortest and longest digits.
func (c *Checker) Digits(key, text string, shortest, longest int) uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	switch {
	case text == "":
		c.Fail(key, "is missing")
	case (err != nil || len(text) != longest) && shortest == longest:
		c.Fail(key, "%q is not %d digits", text, longest)
	case err != nil || len(text) < shortest || len(text) > longest:
		c.Fail(key, "%q is not %d to %d digits", text, shortest, longest)
	}
	return n
}

// Mode is the processing mode: that of the installation where none is said.
func (c *Checker) Mode(text string, test bool) Mode {
	words := []string{"production", "test"}
	if test {
		slices.Reverse(words)
	}
	if c.Word("mode", text, words...) == "test" {
		return Test
	}
	return Production
}
