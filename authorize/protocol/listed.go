package protocol

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"settled/internal/vault"
)

// Bounds of what a merchant may have kept with an order by naming it in ListParameters.
const (
	maxListed      = 20  // fields
	maxListedValue = 256 // characters of each
	maxUnknown     = 64  // fields that are looked at
)

// listedPrefix stands before the names of listed fields in the details of an order.
const listedPrefix = "list."

// keepUnknown remembers a form field or a SOAP element until it is known whether ListParameters names it.
func (c *Call) keepUnknown(name, value []byte, encoded bool) {
	c.suspect(name)
	if len(c.unknown) < maxUnknown && (c.accepts == nil || c.accepts[InListParameters] != Skipped) {
		name = bytes.TrimRight(name, "\x00") // what unescape left
		c.unknown = append(c.unknown, unknownField{name: name, value: value, encoded: encoded})
	}
}

// keepUnknownMember does the same for a JSON member.
func (c *Call) keepUnknownMember(name string, raw jsontext.Value) error {
	kind := raw.Kind()
	if len(c.unknown) == maxUnknown || kind != '0' && kind != '"' {
		return malformed("unknown name", "/"+printable(name))
	}
	value := []byte(raw)
	if kind == '"' {
		var err error
		if value, err = jsontext.AppendUnquote(raw[:0:len(raw)], raw); err != nil {
			return malformed("malformed string", "/"+printable(name))
		}
	}
	c.unknown = append(c.unknown, unknownField{name: []byte(name), value: value, member: true})
	return nil
}

// takeListed takes the fields that ListParameters names.
func (c *Call) takeListed() error {
	names, err := c.listedNames()
	if err != nil {
		return err
	}
	for _, f := range c.unknown {
		at := slices.IndexFunc(names, f.is)
		if at >= 0 {
			err = c.takeField(names[at], f)
		} else if f.member {
			err = malformed("unknown name", "/"+printable(string(f.name)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// listedNames reads ListParameters. Names of parameters that have a meaning are passed over.
func (c *Call) listedNames() ([]string, error) {
	if !c.Has(InListParameters) {
		return nil, nil
	}
	wrong := func(why string) error { return Unreadable(InListParameters, why) }
	var names []string
	for name := range strings.SplitSeq(c.Text(InListParameters), ",") {
		name = strings.TrimSpace(name)
		lower := lowerASCII(name)
		if _, known := lowerNames[lower]; known || name == "" {
			continue
		}
		switch {
		case len(names) == maxListed:
			return nil, wrong("names more than 20 fields")
		case len(name) > maxName || strings.IndexFunc(name, notOfName) >= 0:
			return nil, wrong("holds a name that is not letters, digits, - and _, 32 at most")
		case vault.NameOf(name) == vault.NamedCode, strings.Contains(lower, "cardnum"):
			c.Cards = append(c.Cards, CardFound{params[InListParameters].name, cardDone[cardRefused]})
			return nil, Refuse(FirstProhibitedObject, params[InListParameters].second, "ListParameters must not name card data")
		}
		names = append(names, name)
	}
	return names, nil
}

func notOfName(r rune) bool {
	return !(r == '_' || r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z')
}

// takeField keeps one listed field under the name of the list. One whose name may mean a code of a card is dropped.
func (c *Call) takeField(name string, f unknownField) error {
	if vault.NameOf(name) != vault.NamedNothing {
		c.Cards = append(c.Cards, CardFound{params[InListParameters].name, cardDropped})
		return nil
	}
	wrong := func(why string) error { return Unreadable(InListParameters, "field "+printable(name)+" "+why) }
	value, ok := f.value, true
	if f.encoded {
		value, ok = unescape(f.value)
	}
	switch {
	case !ok:
		return wrong("is not URL-encoded")
	}
	if value = c.plain(value); !utf8.Valid(value) {
		return wrong("is not UTF-8, and no other charset is declared")
	}
	value = c.guardListed(StripGeneral.Apply(c.guardListed(value)))
	switch {
	case utf8.RuneCount(value) > maxListedValue:
		return wrong("is longer than 256 characters")
	case slices.ContainsFunc(c.listed, func(have unknownField) bool { return have.is(name) }):
		return wrong("is given twice")
	}
	c.listed = append(c.listed, unknownField{name: []byte(name), value: bytes.TrimSpace(value)})
	return nil
}
