package format

import (
	"slices"
	"time"

	"settled/internal/settings"
)

// Settings is what a configuration says of the format of a center, in the words of its keys. A format takes those that it has,
// gives those that are missing its defaults, and finds what is wrong.
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

// optionsKey is the key of a format's own options.
const optionsKey = "format_options"

// OptionKey is the key of an option in a settings.Problem.
func OptionKey(option string) string { return optionsKey + "." + option }

// ReadMode is the processing mode that a setting names: that of the installation where none is said.
func ReadMode(c *settings.Checker, text string, test bool) Mode {
	words := []string{"production", "test"}
	if test {
		slices.Reverse(words)
	}
	if c.Word("mode", text, words...) == "test" {
		return Test
	}
	return Production
}
