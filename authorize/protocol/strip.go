package protocol

import "bytes"

// strip names the characters that are silently removed from a value: the protocol strips, it does not reject.
type strip uint8

const (
	StripGeneral     strip = iota // < > " = ' / \ ( ) ; #
	stripOrderNumber              // < > ' " ; and space
	stripText                     // < > = \
	StripCode                     // + - . _ \ / and space; the letter O is a zero
	stripURL                      // < > and their escapes; && before a quote is one &
	stripControl                  // nothing: JSON and Base64 need their characters
	stripKinds
)

// stripped tells for each kind which bytes go. Control characters always go: XML and the database cannot carry them.
var stripped = func() (t [stripKinds][256]bool) {
	for kind, chars := range [stripKinds]string{StripGeneral: `<>"='/\();#`, stripOrderNumber: `<>'"; `, stripText: `<>=\`,
		StripCode: `+-._\/ `, stripURL: `<>`, stripControl: ``} {
		for c := range 0x20 {
			t[kind][c] = true
		}
		t[kind][0x7f] = true
		for _, c := range []byte(chars) {
			t[kind][c] = true
		}
	}
	return t
}()

// removes tells whether apply would change v.
func (s strip) removes(v []byte) bool {
	if s == stripURL || s == StripCode {
		return true // rare and short: not worth looking
	}
	table := &stripped[s]
	for _, c := range v {
		if table[c] {
			return true
		}
	}
	return false
}

// Apply strips v in place and returns what is left. What is cut off is overwritten.
func (s strip) Apply(v []byte) []byte {
	table := &stripped[s]
	n := 0
	for _, c := range v {
		if !table[c] {
			v[n] = c
			n++
		}
	}
	clear(v[n:])
	switch s {
	case StripCode:
		return zeroLetters(v[:n])
	case stripURL:
		return stripAddress(v[:n])
	default:
		return v[:n]
	}
}

// zeroLetters turns the letter O, Latin or Cyrillic, into a zero, in place.
func zeroLetters(v []byte) []byte {
	n := 0
	for i := 0; i < len(v); i++ {
		c := v[i]
		switch {
		case c == 'o' || c == 'O':
			c = '0'
		case i+1 < len(v) && c == 0xd0 && (v[i+1] == 0x9e || v[i+1] == 0xbe): // О о
			c = '0'
			i++
		}
		v[n] = c
		n++
	}
	clear(v[n:])
	return v[:n]
}

// stripAddress removes %3C and %3E from v, in place, also those that appear only when others are gone, and of several &
// before a quote all but one.
func stripAddress(v []byte) []byte {
	out := v[:0]
	for _, c := range v {
		out = append(out, c)
		n := len(out)
		if n >= 3 && out[n-3] == '%' && out[n-2] == '3' && (lowerByte(c) == 'c' || lowerByte(c) == 'e') {
			out = out[:n-3]
		}
		for bytes.HasSuffix(out, []byte(`&&"`)) {
			out = append(out[:len(out)-3], `&"`...)
		}
	}
	clear(v[len(out):])
	return out
}
