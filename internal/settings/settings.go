// Package settings checks what a person wrote, setting by setting, and collects everything that is wrong instead of the first thing. A
// room that has a section of the configuration owns its keys, defaults and checks with it, and knows no files and no lines: it says
// which key is wrong, and who read the file says where that stands. The package is pure.
package settings

import (
	"fmt"
	"net"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Problem is what is wrong with a setting.
type Problem struct {
	Key string // below the section, as it is written: "sftp.host_keys[0]"
	Why string
}

// At is the key of an entry of a list.
func At(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }

// Checker collects what is wrong. The zero value is ready.
type Checker struct{ Problems []Problem }

// Fail notes a problem with a key.
func (c *Checker) Fail(key, why string, args ...any) {
	c.Problems = append(c.Problems, Problem{key, fmt.Sprintf(why, args...)})
}

// Word is a setting that is one of a list; the first stands for none.
func (c *Checker) Word(key, text string, allowed ...string) string {
	return Word(c, key, text, allowed...)
}

// Word is Checker.Word for words of a type of their own.
func Word[T ~string](c *Checker, key, text string, allowed ...T) T {
	if text == "" {
		return allowed[0]
	}
	if !slices.Contains(allowed, T(text)) {
		c.Fail(key, "%q is not one of %s", text, List(allowed))
	}
	return T(text)
}

// List names words, with commas.
func List[T ~string](words []T) string {
	out := make([]string, 0, len(words))
	for _, w := range words {
		out = append(out, string(w))
	}
	return strings.Join(out, ", ")
}

// Required is a text that may not be left out.
func (c *Checker) Required(key, text string) string {
	if strings.TrimSpace(text) == "" {
		c.Fail(key, "is missing")
	}
	return text
}

// Digits is a required number that is written with between shortest and longest digits.
func (c *Checker) Digits(key, text string, shortest, longest int) uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	switch {
	case text == "":
		c.Fail(key, "is missing")
	case err != nil || len(text) < shortest || len(text) > longest:
		c.Fail(key, "%q is not %s digits", text, span(shortest, longest))
	}
	return n
}

func span(shortest, longest int) string {
	if shortest == longest {
		return strconv.Itoa(longest)
	}
	return fmt.Sprintf("%d to %d", shortest, longest)
}

// Within is a duration between two others; zero means standard.
func (c *Checker) Within(key string, d, standard, shortest, longest time.Duration) time.Duration {
	if d == 0 {
		return standard
	}
	if d < shortest || d > longest {
		c.Fail(key, "%s is not between %s and %s", d, shortest, longest)
	}
	return d
}

// Address is a required host:port.
func (c *Checker) Address(key, text string) string {
	if c.Required(key, text) == "" {
		return ""
	}
	host, port, err := net.SplitHostPort(text)
	if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || n == 0 || host == "" {
		c.Fail(key, "%q is no address of the form host:port", text)
	}
	return text
}

// Directory is a directory of another host, by a plain name; empty means standard.
func (c *Checker) Directory(key, name, standard string) string {
	if name == "" {
		return standard
	}
	if path.Clean(name) != name || strings.HasPrefix(name, "..") {
		c.Fail(key, "%q is no plain directory", name)
	}
	return name
}
