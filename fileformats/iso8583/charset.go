package iso8583

import (
	"encoding/binary"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Charset is a single-byte character set for message types, lengths and text. Bitmaps and binary elements are never
// transcoded.
type Charset struct {
	name string
	enc  [256]byte    // by Unicode code point below 256
	dec  [256]byte    // code point by encoded byte
	has  [256]bool    // code point is a printable character of the set
	by   [3][256]byte // encoded byte of each ASCII character that a class allows, 0 for the others
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
	for point, allowed := range classes {
		for class := range c.by {
			if allowed&(1<<class) != 0 {
				c.by[class][point] = c.enc[point]
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

// pairs holds the decimal digits of 0-99.
const pairs = "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748" +
	"4950515253545556575859606162636465666768697071727374757677787980818283848586878889909192939495969798" + "99"

// digits appends v in width digits; ok is false when it has more.
func (c *Charset) digits(dst []byte, v uint64, width int) (out []byte, ok bool) {
	at := len(dst)
	dst = grow(dst, width)
	zone := c.enc['0'] - '0' // the digits of every set are consecutive
	out = dst[at:]
	for ; len(out) >= 2; out = out[:len(out)-2] {
		pair := v % 100 * 2
		v /= 100
		out[len(out)-1] = pairs[pair+1] + zone
		out[len(out)-2] = pairs[pair] + zone
	}
	if len(out) == 1 {
		out[0] = byte(v%10) + '0' + zone
		v /= 10
	}
	return dst, v == 0
}

// putLength writes size, which fits, as the two or three digits of dst.
func (c *Charset) putLength(dst []byte, size int) {
	zone := c.enc['0'] - '0'
	if len(dst) == 3 {
		dst[0] = byte(size/100) + '0' + zone
		dst, size = dst[1:], size%100
	}
	dst[0], dst[1] = pairs[2*size]+zone, pairs[2*size+1]+zone
}

func (c *Charset) number(raw []byte) (int, bool) {
	v := 0
	for _, b := range raw {
		d := c.dec[b] - '0'
		if d > 9 {
			return 0, false
		}
		v = v*10 + int(d)
	}
	return v, true
}

// grow extends b by n bytes of unspecified content.
func grow(b []byte, n int) []byte {
	if cap(b)-len(b) < n {
		b = append(b, make([]byte, n)...)
		return b
	}
	return b[:len(b)+n]
}

// class is a set of characters that a kind of element may hold.
type class uint8

const (
	classDigit class = iota
	classAlnum
	classText // any printable character, beyond ASCII too
)

// classes says for each ASCII byte, in bit 1<<class, which classes have it; bytes of multi-byte characters have none.
var classes = func() (t [256]uint8) {
	for c := byte(0x20); c < 0x7f; c++ {
		t[c] = 1 << classText
		switch {
		case c >= '0' && c <= '9':
			t[c] |= 1<<classDigit | 1<<classAlnum
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z':
			t[c] |= 1 << classAlnum
		}
	}
	return t
}()

func (k class) has(r rune) bool {
	return r < utf8.RuneSelf && classes[r]&(1<<k) != 0 || r >= utf8.RuneSelf && k == classText
}

// encode appends v in the charset. Every character must be of the class.
func encode[T string | []byte](c *Charset, dst []byte, v T, allowed class) ([]byte, error) {
	at := len(dst)
	dst = append(dst, v...)
	if c.translate(dst[at:], allowed) {
		return dst, nil
	}
	return encodeSlow(c, dst[:at], string(v), allowed)
}

// translate replaces ASCII characters of the class by their encoding. It reports false, having spoiled b, when it meets
// another character.
func (c *Charset) translate(b []byte, allowed class) bool {
	switch {
	case allowed == classDigit:
		b = translateDigits(b, uint64(c.enc['0']-'0')*ones)
	case allowed == classText && c.enc['A'] == 'A':
		b = skipPrintable(b)
	}
	table := &c.by[allowed]
	for i, v := range b {
		if b[i] = table[v]; b[i] == 0 {
			return false
		}
	}
	return true
}

// ones has every byte 1: ones times a byte is that byte eight times.
const ones = 0x0101010101010101

// translateDigits adds zone to words of eight digits and returns what follows them.
func translateDigits(b []byte, zone uint64) []byte {
	for len(b) >= 8 {
		w := binary.LittleEndian.Uint64(b)
		if w&(0xf0*ones) != 0x30*ones || (w+6*ones)&(0xf0*ones) != 0x30*ones {
			break
		}
		binary.LittleEndian.PutUint64(b, w+zone)
		b = b[8:]
	}
	return b
}

// skipPrintable returns what follows words of eight printable ASCII characters (20-7E). In each test the top bit of a
// byte that fails is set; a byte can only disturb its neighbor when it fails itself.
func skipPrintable(b []byte) []byte {
	for len(b) >= 8 {
		w := binary.LittleEndian.Uint64(b)
		if (w|(w-0x20*ones)|(w+ones))&(0x80*ones) != 0 {
			break
		}
		b = b[8:]
	}
	return b
}

// encodeSlow handles characters outside ASCII and finds the cause of an error.
func encodeSlow(c *Charset, dst []byte, v string, allowed class) ([]byte, error) {
	for _, r := range v {
		if !allowed.has(r) {
			return dst, ErrCharacter
		}
	}
	return c.Append(dst, v)
}

// decode appends raw to dst as UTF-8. Every character must be of the class.
func decode(c *Charset, dst, raw []byte, allowed class) ([]byte, error) {
	for _, b := range raw {
		point := c.dec[b]
		switch {
		case !c.has[point] || !allowed.has(rune(point)):
			return dst, ErrCharacter
		case point < utf8.RuneSelf:
			dst = append(dst, point)
		default:
			dst = utf8.AppendRune(dst, rune(point))
		}
	}
	return dst, nil
}
