package iso8583

import (
	"encoding/binary"
	"unicode/utf8"
)

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
func encode(c *Charset, dst, v []byte, allowed class) ([]byte, error) {
	at := len(dst)
	dst = append(dst, v...)
	b := dst[at:]
	switch {
	case allowed == classDigit:
		b = translateDigits(b, 0, c.zone)
	case allowed == classText && c.enc['A'] == 'A':
		b = skipPrintable(b)
	}
	if len(b) == 0 || c.to[allowed].translate(b) {
		return dst, nil
	}
	return encodeSlow(c, dst[:at], string(v), allowed)
}

// decode appends raw to dst as UTF-8. Every character must be of the class.
func decode(c *Charset, dst, raw []byte, allowed class) ([]byte, error) {
	at := len(dst)
	dst = append(dst, raw...)
	b := dst[at:]
	switch {
	case allowed == classDigit:
		b = translateDigits(b, c.zone, 0)
	case allowed == classText && c.enc['A'] == 'A':
		b = skipPrintable(b)
	}
	if c.from[allowed].translate(b) {
		return dst, nil
	}
	return decodeSlow(c, dst[:at], raw, allowed)
}

// table translates single bytes; 0 stands for a byte that it does not have.
type table [256]byte

// translate replaces the bytes of b. It reports false, having spoiled b, when it meets one that the table does not have.
func (t *table) translate(b []byte) bool {
	for i, v := range b {
		if b[i] = t[v]; b[i] == 0 {
			return false
		}
	}
	return true
}

// ones has every byte 1: ones times a byte is that byte eight times.
const ones = 0x0101010101010101

// translateDigits translates words of eight digits and returns what follows them. Before is what makes a digit ASCII, and
// after what makes an ASCII digit one of the target, both by exclusive-or.
func translateDigits(b []byte, before, after byte) []byte {
	for len(b) >= 8 {
		w := binary.LittleEndian.Uint64(b) ^ uint64(before)*ones
		if w&(0xf0*ones) != 0x30*ones || (w+6*ones)&(0xf0*ones) != 0x30*ones {
			break
		}
		binary.LittleEndian.PutUint64(b, w^uint64(after)*ones)
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

// decodeSlow handles characters outside ASCII.
func decodeSlow(c *Charset, dst, raw []byte, allowed class) ([]byte, error) {
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
