package protocol

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// parseForm reads application/x-www-form-urlencoded in place: values are decoded where they stand. Unknown names are
// skipped, as ever in this protocol. It reads on after an error, because Format says how to tell it.
func (c *Call) parseForm() (wrong error) {
	rest := c.body
	for len(rest) > 0 {
		pair := rest
		if i := bytes.IndexByte(rest, '&'); i >= 0 {
			pair, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		if err := c.pair(pair); wrong == nil {
			wrong = err
		}
	}
	if err := c.take(); wrong == nil {
		wrong = err
	}
	return wrong
}

func (c *Call) pair(pair []byte) error {
	name, value, _ := bytes.Cut(pair, []byte{'='})
	id, known := findForm(name)
	if !known {
		if string(name) == charsetField {
			c.declare(value)
		}
		c.keepUnknown(name, value, true)
		return nil
	}
	if id == Ignored {
		return nil
	}
	value, ok := unescape(value)
	if !ok {
		return c.lenient(id, Refuse(FirstFormat, params[id].second, params[id].name+" is not URL-encoded"))
	}
	c.given = append(c.given, received{id, value})
	return nil
}

// findForm looks an encoded name up.
func findForm(name []byte) (Parameter, bool) {
	if name, ok := unescape(name); ok {
		return lookUp(name)
	}
	return 0, false
}

// Named finds a parameter by its name in any case.
func Named(name string) (Parameter, bool) { return lookUp([]byte(name)) }

// lookUp finds a parameter by its name in any case.
func lookUp(name []byte) (Parameter, bool) {
	var lower [maxName]byte
	if len(name) > maxName {
		return 0, false
	}
	for i, c := range name {
		lower[i] = lowerByte(c)
	}
	id, known := lowerNames[string(lower[:len(name)])]
	return id, known
}

// unescape decodes %XX and + in place.
func unescape(v []byte) ([]byte, bool) {
	if bytes.IndexByte(v, '%') < 0 && bytes.IndexByte(v, '+') < 0 {
		return v, true
	}
	n := 0
	for i := 0; i < len(v); i++ {
		c := v[i]
		switch {
		case c == '+':
			c = ' '
		case c == '%':
			if i+2 >= len(v) {
				return nil, false
			}
			high, low := hexValue(v[i+1]), hexValue(v[i+2])
			if high > 15 || low > 15 {
				return nil, false
			}
			c = high<<4 | low
			i += 2
		}
		v[n] = c
		n++
	}
	clear(v[n:])
	return v[:n], true
}

func hexValue(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 0xff
}

// parseJSON reads one JSON object strictly: no duplicate, unknown or wrongly spelled names, no data after it, values that
// are strings or numbers, valid UTF-8.
func (c *Call) parseJSON() error {
	c.convert()
	d := jsontext.NewDecoder(bytes.NewBuffer(c.body))
	if token, err := d.ReadToken(); err != nil || token.Kind() != '{' {
		return malformed("body is not a JSON object", "")
	}
	for d.PeekKind() == '"' {
		if err := c.member(d); err != nil {
			return err
		}
	}
	if token, err := d.ReadToken(); err != nil || token.Kind() != '}' {
		return malformed("body is not valid JSON", near(d, err))
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return malformed("data after the JSON object", "")
	}
	return nil
}

// objects are the parameters that are JSON themselves: in a JSON request they may stand there as they are.
var objects = [InCount]bool{InChequeItems: true, InPaymentToken: true}

func (c *Call) member(d *jsontext.Decoder) error {
	token, err := d.ReadToken()
	if err != nil {
		return malformed("duplicate or malformed name", near(d, err))
	}
	name := token.String()
	id, known := exactNames[name]
	raw, err := d.ReadValue()
	switch {
	case err != nil:
		return malformed("malformed value", "/"+printable(name))
	case !known:
		return c.keepUnknownMember(name, raw)
	case id == Ignored:
		return nil
	}
	switch raw.Kind() {
	case '0':
		return c.set(id, raw)
	case '{', '[':
		if objects[id] {
			return c.set(id, raw)
		}
	case '"':
		text, err := jsontext.AppendUnquote(raw[:0:len(raw)], raw)
		if err != nil {
			return malformed("malformed string", "/"+params[id].name)
		}
		return c.set(id, text)
	}
	return c.lenient(id, &Fault{First: FirstFormat, Second: params[id].second, Detail: "/" + params[id].name + ": value must be a string or a number"})
}

// near points to the member that an error of the decoder is about, or to the last one before it.
func near(d *jsontext.Decoder, err error) string {
	at := d.StackPointer()
	if wrong := (*jsontext.SyntacticError)(nil); errors.As(err, &wrong) && wrong.JSONPointer != "" {
		at = wrong.JSONPointer
	}
	if at == "" {
		return ""
	}
	return "/" + printable(at.LastToken())
}
