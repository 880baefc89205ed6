// Package telemetry makes the logger, which cannot show card data, and the registry of metrics.
//
// Every metric of ours is named settled_<package>_<thing>_<unit>.
package telemetry

import (
	"bytes"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"

	"settled/internal/vault"
)

// hidden are the attribute and field names whose values are never logged, in lower case.
var hidden = []string{"password", "cvc", "cvc2", "cvv", "cvv2", "cardnumber", "secret", "token", "private_key"}

// ours are the names whose numbers we make ourselves, so they are not masked though one in ten looks like a card number.
var ours = []string{"order_id", "billnumber"}

// NewLogger returns a logger that writes one JSON object per line to w, from level up. What looks like a card number is
// masked and the values of secret names are starred wherever they are: in the message, in attributes, in errors, inside
// values. w gets one Write per line.
func NewLogger(w io.Writer, level slog.Leveler) *slog.Logger {
	return slog.New(slog.NewJSONHandler(&redactor{to: w}, &slog.HandlerOptions{Level: level, ReplaceAttr: starSecrets}))
}

// starSecrets hides attributes by name, whatever their value is.
func starSecrets(_ []string, a slog.Attr) slog.Attr {
	if slices.Contains(hidden, strings.ToLower(a.Key)) {
		return slog.String(a.Key, "***")
	}
	return a
}

// redactor masks the lines that pass through it. The handler writes a line at a time and holds a lock meanwhile; ours is
// for writers that share w.
type redactor struct {
	mu sync.Mutex
	to io.Writer
}

func (r *redactor) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := r.to.Write(Redact(line)); err != nil {
		return 0, err
	}
	return len(line), nil
}

var (
	// secretField is a field with a hidden name and a plain value; quotedField is one in JSON that is itself in a string.
	secretField = regexp.MustCompile(`(?i)("(?:` + strings.Join(hidden, "|") + `)":)("(?:[^"\\]|\\.)*"|[-+0-9.a-z]+)`)
	quotedField = regexp.MustCompile(`(?i)(\\"(?:` + strings.Join(hidden, "|") + `)\\"\s*:\s*)(\\".*?\\"|[-+0-9.a-z]+)`)
	// spacedNumber is a card number written in groups.
	spacedNumber = regexp.MustCompile(`\b[0-9]{4}[ -][0-9]{4}[ -][0-9]{4}[ -][0-9]{1,7}\b`)
	ourField     = regexp.MustCompile(`"(?:` + strings.Join(ours, "|") + `)":"?$`)
)

// Redact returns line, a JSON object, without secrets: values of secret names are three stars, and each number of 13 to
// 19 digits with a valid check digit, whole or in groups of four, is masked as first6****last4.
func Redact(line []byte) []byte {
	line = secretField.ReplaceAll(line, []byte(`${1}"***"`))
	line = quotedField.ReplaceAll(line, []byte(`${1}\"***\"`))
	line = spacedNumber.ReplaceAllFunc(line, func(number []byte) []byte {
		digits := bytes.Map(func(r rune) rune {
			if r == ' ' || r == '-' {
				return -1
			}
			return r
		}, number)
		if !vault.Luhn(digits) {
			return number
		}
		return []byte(vault.Mask(digits))
	})
	return maskRuns(line)
}

// maskRuns masks the unbroken numbers in line. One that stands alone, outside a string, becomes a string.
func maskRuns(line []byte) []byte {
	out := make([]byte, 0, len(line))
	inString := false
	for i := 0; i < len(line); {
		end := i + 1
		switch c := line[i]; {
		case isDigit(c):
			for end < len(line) && isDigit(line[end]) {
				end++
			}
			out = append(out, maskRun(line, i, end, inString)...)
			i = end
			continue
		case c == '\\' && end < len(line):
			end++
		case c == '"':
			inString = !inString
		}
		out = append(out, line[i:end]...)
		i = end
	}
	return out
}

// maskRun masks the number line[from:to] if it can be that of a card and is not, by the name before it, one of ours. Outside
// a string it must be a whole value: neither negative nor a part of a fraction.
func maskRun(line []byte, from, to int, inString bool) []byte {
	run := line[from:to]
	if _, err := vault.ParsePAN(run); err != nil || ourField.Match(line[:from]) {
		return run
	}
	if inString {
		return []byte(vault.Mask(run))
	}
	if from == 0 || to == len(line) || !strings.ContainsRune(":,[", rune(line[from-1])) || !strings.ContainsRune(",]}", rune(line[to])) {
		return run
	}
	return []byte(`"` + vault.Mask(run) + `"`)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
