// Package telemetry makes the logger, which cannot show card data, and the registry of metrics.
//
// Every metric of ours is named settled_<package>_<thing>_<unit>.
package telemetry

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"settled/internal/vault"
)

// hidden are the attribute and field names whose values are never logged, in lower case, besides those that mean a code of a card.
var hidden = []string{"password", "cvc", "cvc2", "cvv", "cvv2", "cardnumber", "secret", "token", "private_key"}

// NewLogger returns a logger that writes one JSON object per line to w, from level up. What looks like a card number is
// masked and the values of secret names are starred wherever they are: in the message, in attributes, in errors, inside
// values. Keys says under which keys bill numbers, of which one in ten looks so, stay. w gets one Write per line.
func NewLogger(w io.Writer, level slog.Leveler) *slog.Logger {
	return slog.New(slog.NewJSONHandler(&redactor{to: w}, &slog.HandlerOptions{Level: level, ReplaceAttr: starSecrets}))
}

// starSecrets hides attributes by name, whatever their value is.
func starSecrets(_ []string, a slog.Attr) slog.Attr {
	if slices.Contains(hidden, strings.ToLower(a.Key)) || secretName(a.Key) {
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
)

// Redact returns line, a JSON object, without secrets: values of secret names are three stars, and the middle digits of card numbers are
// stars, however they are written (vault.Scanner). Bill numbers that vault.KnowBills was told of stay, under the keys that hold some. What cannot be
// read as JSON is searched as plain text.
func Redact(line []byte) []byte {
	line = secretField.ReplaceAll(line, []byte(`${1}"***"`))
	line = quotedField.ReplaceAll(line, []byte(`${1}\"***\"`))
	r := reader{line: line, from: jsontext.NewDecoder(bytes.NewReader(line), jsontext.AllowDuplicateNames(true))}
	if err := r.read(); err != nil {
		return []byte(vault.Words(string(line)))
	}
	return append(r.out, line[r.taken:]...)
}

// reader goes through the tokens of a line.
type reader struct {
	line  []byte
	from  *jsontext.Decoder
	out   []byte   // what has been taken over of the line
	taken int      // up to where
	names []string // of the members that the current token is in, by depth
}

// timeKey is the key under which slog writes when a line was logged.
const timeKey = slog.TimeKey

func (r *reader) read() error {
	for {
		switch kind := r.from.PeekKind(); kind {
		case '"', '0':
			if err := r.scalar(kind); err != nil {
				return err
			}
		default:
			if _, err := r.from.ReadToken(); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
			r.enter(kind)
		}
	}
}

// enter keeps track of the names that lead to the next token. An item of a list is under the name of the list.
func (r *reader) enter(kind jsontext.Kind) {
	name := ""
	if kind == '[' && len(r.names) > 0 {
		name = r.names[len(r.names)-1]
	}
	switch kind {
	case '{', '[':
		r.names = append(r.names, name)
	case '}', ']':
		r.names = r.names[:len(r.names)-1]
	}
}

func secretName(name string) bool { return vault.NameOf(name) != vault.NamedNothing }

// scalar looks at a name, a text or a number.
func (r *reader) scalar(kind jsontext.Kind) error {
	raw, err := r.from.ReadValue()
	if err != nil {
		return err
	}
	if len(r.names) == 0 {
		r.names = append(r.names, "") // a line that is no object
	}
	name := &r.names[len(r.names)-1]
	masked, found := []byte(stars), slices.ContainsFunc(r.names, secretName)
	if in, length := r.from.StackIndex(r.from.StackDepth()); in == '{' && length%2 == 1 {
		*name, found = string(bytes.Trim(raw, `"`)), false
	}
	if !found {
		masked, found = mask(raw, kind, *name)
	}
	if found {
		end := int(r.from.InputOffset())
		r.out = append(append(r.out, r.line[r.taken:end-len(raw)]...), masked...)
		r.taken = end
	}
	return nil
}

// stars stand, in JSON, for what may not be told at all.
const stars = `"***"`

// mask returns a name, text or number, as it stands in JSON, without card data; found tells whether there was any. A number becomes a text.
func mask(raw []byte, kind jsontext.Kind, key string) (masked []byte, found bool) {
	if kind == '0' && bytes.ContainsFunc(raw, func(c rune) bool { return c < '0' || c > '9' }) || key == timeKey {
		return raw, false
	}
	text := raw
	if kind == '"' {
		var err error
		if text, err = jsontext.AppendUnquote(nil, raw); err != nil {
			return []byte(stars), true
		}
	}
	s := vault.Scanner{}
	if Keys[key] == KeyBill {
		s.Ours = vault.KnownBill
	}
	left, hidden := s.MaskText(bytes.Clone(text))
	if !hidden.Any() {
		return raw, false
	}
	masked, err := jsontext.AppendQuote(nil, left)
	if err != nil {
		return []byte(stars), true
	}
	return masked, true
}
