// Package charset knows the encodings that merchants write in beside UTF-8. Each has one byte for a character, and the first 128
// are ASCII: what has a meaning in a form, in JSON or in XML is the same bytes in all of them.
package charset

import (
	"strings"

	"golang.org/x/text/encoding/charmap"
)

// Charset is an encoding; nil is UTF-8.
type Charset struct{ *charmap.Charmap }

var (
	cyrillic = &Charset{charmap.Windows1251}
	latin    = &Charset{charmap.Windows1252} // browsers and others say ISO 8859-1 and mean this
)

// byName finds an encoding by its names in lower case. ASCII is a part of UTF-8.
var byName = map[string]*Charset{
	"utf-8": nil, "utf8": nil, "us-ascii": nil, "ascii": nil,
	"windows-1251": cyrillic, "cp1251": cyrillic, "win-1251": cyrillic, "x-cp1251": cyrillic,
	"iso-8859-1": latin, "iso8859-1": latin, "latin1": latin, "latin-1": latin, "windows-1252": latin, "cp1252": latin,
}

// Named finds an encoding by a name in any case; known is false for one that is not taken.
func Named(name string) (c *Charset, known bool) {
	c, known = byName[strings.ToLower(strings.TrimSpace(name))]
	return c, known
}

// Decode returns text as UTF-8, itself if it is ASCII. A byte that stands for no character becomes the replacement character.
func (c *Charset) Decode(text []byte) []byte {
	if c == nil || ASCII(text) {
		return text
	}
	out, err := c.NewDecoder().Bytes(text)
	if err != nil { // a table of single bytes has none
		return text
	}
	return out
}

// Encode returns what Decode made of text; the character "?" stands for what the encoding lacks.
func (c *Charset) Encode(text []byte) []byte {
	if c == nil || ASCII(text) {
		return text
	}
	out := make([]byte, 0, len(text))
	for _, r := range string(text) {
		b, ok := c.EncodeRune(r)
		if !ok {
			b = '?'
		}
		out = append(out, b)
	}
	return out
}

// ASCII tells that every byte is one of ASCII.
func ASCII(text []byte) bool {
	for _, b := range text {
		if b >= 0x80 {
			return false
		}
	}
	return true
}
