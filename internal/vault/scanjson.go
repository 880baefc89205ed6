package vault

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// Hidden counts what was hidden in a text: card numbers, and values that were a verification code, a PIN or a stripe by their name.
type Hidden struct{ Numbers, Codes int }

// Any reports whether something was hidden.
func (h Hidden) Any() bool { return h.Numbers+h.Codes > 0 }

// MaskText hides card numbers as Mask does, and codes as MaskCodes does.
func (s *Scanner) MaskText(text []byte) ([]byte, Hidden) {
	text, numbers := s.Mask(text)
	text, codes := MaskCodes(text)
	return text, Hidden{numbers, codes}
}

// MaskJSON does so with every text, number and name of JSON, and puts three stars for the values of members whose names mean a secret of a
// card, or may mean one. Text in which nothing is found stays as it is, byte by byte; what is not JSON is taken as plain text.
func (s *Scanner) MaskJSON(text []byte) ([]byte, Hidden) {
	var out bytes.Buffer
	var found Hidden
	from := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true))
	to := jsontext.NewEncoder(&out, jsontext.AllowDuplicateNames(true))
	for {
		switch err := s.maskToken(from, to, &found); {
		case errors.Is(err, io.EOF) && found.Any():
			return bytes.TrimRight(out.Bytes(), "\n"), found
		case errors.Is(err, io.EOF):
			return text, found
		case err != nil:
			clear(out.Bytes())
			return s.MaskText(text)
		}
	}
}

// maskToken takes one token over, or a member with its value when nothing of the value may be kept.
func (s *Scanner) maskToken(from *jsontext.Decoder, to *jsontext.Encoder, found *Hidden) error {
	token, err := from.ReadToken()
	if err != nil {
		return err
	}
	kind, length := from.StackIndex(from.StackDepth())
	switch token.Kind() {
	case '"', '0':
		name := kind == '{' && length%2 == 1
		secret := name && NameOf(token.String()) != NamedNothing
		masked, hidden := s.MaskText([]byte(token.String()))
		found.Numbers, found.Codes = found.Numbers+hidden.Numbers, found.Codes+hidden.Codes
		if hidden.Any() || token.Kind() == '"' {
			token = jsontext.String(string(masked))
		}
		if err := to.WriteToken(token); err != nil || !secret {
			return err
		}
		found.Codes++
		if err := from.SkipValue(); err != nil {
			return err
		}
		return to.WriteToken(jsontext.String(stars))
	}
	return to.WriteToken(token)
}
