package protocol

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// set takes one parameter: strips it, checks its text, length and size, and refuses a second value. An empty value counts as
// missing, and so does a zero that proofs skip; where the service says that a missing one has a meaning of its own, an empty one
// is refused. What describes the buyer is cut or left out where other parameters are refused. A parameter that the service does
// not have is skipped.
func (c *Call) set(id Parameter, v []byte) error {
	if c.accepts != nil && c.accepts[id] == Skipped {
		c.suspect([]byte(params[id].name))
		return nil
	}
	p := &params[id]
	text := c.plain(v)
	if !utf8.Valid(text) {
		return c.lenient(id, Refuse(FirstFormat, p.second, p.name+" is not UTF-8, and no other charset is declared"))
	}
	if c.named[id] {
		return c.lenient(id, Refuse(FirstFormat, p.second, p.name+" is given twice"))
	}
	c.named[id] = true
	c.keepReceived(id, v, text)
	v, err := c.Guarded(id, text)
	if err != nil {
		return err
	}
	if len(v) > p.max && utf8.RuneCount(v) > p.max {
		if slices.Contains(FromParts[:], id) || slices.Contains(ToParts[:], id) {
			c.values[id] = v[:0] // a wrong part of a period is passed over by its reader
			return nil
		}
		if !id.DescribesBuyer() {
			return Refuse(FirstFormat, p.second, p.name+" is too long")
		}
		v = c.shorten(id, v)
	}
	if c.accepts != nil && c.accepts[id] == exact && len(bytes.TrimSpace(v)) == 0 {
		return Unreadable(id, "is empty: give a value or leave it out")
	}
	if err := id.checkNumber(v); err != nil {
		return err
	}
	if len(v) > 0 && !(id.skippedWhenZero() && isZero(v)) {
		c.values[id] = v
	}
	return nil
}

// Guarded strips a text and guards it, before and after.
func (c *Call) Guarded(id Parameter, text []byte) ([]byte, error) {
	text, err := c.Guard(id, text)
	if err != nil || text == nil {
		return nil, err
	}
	return c.Guard(id, params[id].strip.Apply(text))
}

func malformed(why, pointer string) error {
	if pointer != "" {
		why = pointer + ": " + why
	}
	return Refuse(FirstFormat, OnNothing, why)
}
