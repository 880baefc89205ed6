package iso8583

import (
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Charset is a single-byte character set for message types, lengths and text. Bitmaps and binary elements are never
// transcoded.
type Charset struct {
	name string
	enc  [256]byte // by Unicode code point below 256
	dec  [256]byte // code point by encoded byte
	has  [256]bool // code point is a printable character of the set
	// The same for the ASCII characters that a class allows, 0 for all others.
	to, from [3]table
	zone     byte // encoded digits exclusive-or ASCII digits
}

// The character sets in use. CP037 and CP500 are EBCDIC and differ in seven bytes (¢ | ! ¬ ^ [ ]).
var (
	ASCII  = newCharset("ascii", identity, 0x7e)
	Latin1 = newCharset("latin1", identity, 0xff)
	CP037  = newCharset("cp037", cp037, 0xff)
	CP500  = newCharset("cp500", cp500, 0xff)
)

// CharsetByName returns the set called name ("ascii", "latin1", "cp037", "cp500"), or nil.
func CharsetByName(name string) *Charset {
	for _, c := range []*Charset{ASCII, Latin1, CP037, CP500} {
		if c.name == name {
			return c
		}
	}
	return nil
}

func newCharset(name string, decode func(byte) byte, last int) *Charset {
	c := &Charset{name: name}
	for i := range 256 {
		point := decode(byte(i))
		c.dec[i], c.enc[point] = point, byte(i)
		c.has[point] = int(point) <= last && printable(point)
	}
	c.zone = c.enc['0'] ^ '0'
	for point, allowed := range classes {
		for class := range c.to {
			if allowed&(1<<class) != 0 {
				c.to[class][point] = c.enc[point]
				c.from[class][c.enc[point]] = byte(point)
			}
		}
	}
	return c
}

func printable(point byte) bool { return point >= 0x20 && point < 0x7f || point >= 0xa0 }

func identity(b byte) byte { return b }

// cp037 maps onto Latin-1 completely, control characters included.
func cp037(b byte) byte { return byte(charmap.CodePage037.DecodeByte(b)) }

func cp500(b byte) byte {
	switch b {
	case 0x4a:
		return '['
	case 0x4f:
		return '!'
	case 0x5a:
		return ']'
	case 0x5f:
		return '^'
	case 0xb0:
		return 0xa2 // ¢
	case 0xba:
		return 0xac // ¬
	case 0xbb:
		return '|'
	}
	return cp037(b)
}

// Name returns the name that [CharsetByName] knows.
func (c *Charset) Name() string { return c.name }

// Append encodes text and appends it to dst, one byte per character. It returns [ErrUnencodable] for a character that
// the set lacks; control characters are lacking in every set.
func (c *Charset) Append(dst []byte, text string) ([]byte, error) {
	for _, r := range text {
		if r > 0xff || !c.has[r] {
			return dst, ErrUnencodable
		}
		dst = append(dst, c.enc[r])
	}
	return dst, nil
}

// Decode returns raw as text. It is lossless for every byte, control characters included, so that free text of a
// counterparty can always be shown.
func (c *Charset) Decode(raw []byte) string {
	out := make([]byte, 0, len(raw))
	for _, b := range raw {
		out = utf8.AppendRune(out, rune(c.dec[b]))
	}
	return string(out)
}

// Untranslate undoes a conversion of raw from this set to Latin-1 that somebody applied to a whole message as if it
// were text, which spoils bitmaps: it returns the bytes before that conversion.
func (c *Charset) Untranslate(raw []byte) []byte {
	out := make([]byte, len(raw))
	for i, b := range raw {
		out[i] = c.enc[b]
	}
	return out
}
