package vault

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// Scanner finds card numbers in texts that should hold none. A number is found when it is of a known issuer's range and length and its
// check digit is right (Issued), however it is written: in one piece or in groups with up to four characters between them that are
// neither letters nor digits, in the digits of any script, with zeros before it, within other text, or with the rest of a magnetic
// stripe behind it. It is not found within a longer row of digits, within a UUID or a digest, or behind a "+" as a telephone number of
// up to 15 digits is. The zero Scanner is ready to use.
type Scanner struct {
	// Ours, if it is not nil, knows numbers that are no card's though they look so: those that we made ourselves.
	Ours func(number string) bool
	// Phones says that the text is a telephone number: what is short enough for one (13 digits of old) is none of a card.
	Phones bool
}

// Holds reports whether text holds a card number. It allocates only when there are enough digits for one.
func (s *Scanner) Holds(text []byte) bool {
	return CanHold(text) && len(s.find(text)) > 0
}

// Mask hides card numbers in place and returns what the text is then, and how many there were. The first six and the last four digits
// of each stay, and all that stood between digits; the others become stars. What follows a number on a magnetic stripe becomes stars too.
func (s *Scanner) Mask(text []byte) ([]byte, int) {
	if !CanHold(text) {
		return text, 0
	}
	found := s.find(text)
	if len(found) == 0 {
		return text, 0
	}
	return hide(text, found), len(found)
}

// CanHold reports, at little cost, whether text has enough digits for a card number, where any byte of another script may be one.
func CanHold(text []byte) bool {
	count := 0
	for _, c := range text {
		if '0' <= c && c <= '9' || c >= utf8.RuneSelf {
			if count++; count == minPAN {
				return true
			}
		}
	}
	return false
}

// glyph is a digit of a text: where it stands, and what stands before it.
type glyph struct {
	at, size int
	value    byte // ASCII
	before   gap
}

// gap is what stands between a digit and the one before it.
type gap struct {
	kind gapKind
	text string // of a separator
	plus bool   // its last character is a plus
}

type gapKind uint8

const (
	joined    gapKind = iota // nothing
	separated                // characters that people put between groups of digits
	broken                   // anything else
)

// maxSeparator is how many characters may stand between two groups of digits.
const maxSeparator = 4

// spelled are separators as programs write them when they escape text.
var spelled = [...]string{"&nbsp;", "&#160;", "&#xa0;", "&#xA0;", "%C2%A0", "%c2%a0", "%20", "%A0", "%a0", "%2D", "%2d", "%2E", "%2e", `\u00a0`, `\u00A0`}

// glyphs are the digits of a text.
func glyphs(text []byte) []glyph {
	all := make([]glyph, 0, len(text))
	before, length, start := gap{kind: broken}, 0, 0
	for at := 0; at < len(text); {
		if n := spelledAt(text[at:]); n > 0 {
			before, length, at = before.widen(length), length+1, at+n
			continue
		}
		r, size := utf8.DecodeRune(text[at:])
		value, digit := digitOf(r)
		switch {
		case digit:
			before.text = string(text[start:at])
			all = append(all, glyph{at, size, value, before})
			before, length, start = gap{}, 0, at+size
		case unicode.IsLetter(r):
			before.kind, before.plus = broken, false
		default:
			before, length = before.widen(length), length+1
			before.plus = r == '+'
		}
		at += size
	}
	return all
}

// widen returns the gap with one more separator after length of them.
func (g gap) widen(length int) gap {
	g.plus = false
	switch {
	case length >= maxSeparator:
		g.kind = broken
	case g.kind == joined:
		g.kind = separated
	}
	return g
}

// spelledAt returns the length of the spelled separator that text begins with, 0 without one.
func spelledAt(text []byte) int {
	if c := text[0]; c != '&' && c != '%' && c != '\\' {
		return 0
	}
	for _, s := range spelled {
		if bytes.HasPrefix(text, []byte(s)) {
			return len(s)
		}
	}
	return 0
}

// digitOf returns a digit of any script in ASCII. Digits of a script follow each other from zero on (Unicode, general category Nd).
func digitOf(r rune) (byte, bool) {
	if r < utf8.RuneSelf {
		return byte(r), '0' <= r && r <= '9'
	}
	for _, t := range unicode.Nd.R16 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return '0' + byte((r-rune(t.Lo))%10), true
		}
	}
	for _, t := range unicode.Nd.R32 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return '0' + byte((r-rune(t.Lo))%10), true
		}
	}
	return 0, false
}

// span is a card number in a text, by the digits that it is made of, and the digits behind it that belong to its stripe.
type span struct{ digits, stripe []glyph }

// find returns the card numbers of a text. They may overlap: which of two is the card's is not known.
func (s *Scanner) find(text []byte) []span {
	var found []span
	all := glyphs(text)
	for from := range all {
		if all[from].before.kind == joined && !zerosBefore(all, from) {
			continue
		}
		for to := from + minPAN; to <= len(all) && to-from <= maxPAN; to++ {
			if brokenWithin(all[from:to]) {
				break
			}
			if to < len(all) && all[to].before.kind == joined {
				continue
			}
			if s.isCard(text, all[from:to]) {
				found = append(found, span{all[from:to], stripe(text, all[to-1], all[to:])})
			}
		}
	}
	return found
}

// zerosBefore tells whether the digits of the same row before from are all zeros.
func zerosBefore(all []glyph, from int) bool {
	for from--; from >= 0; from-- {
		if all[from].value != '0' {
			return false
		}
		if all[from].before.kind != joined {
			return true
		}
	}
	return true
}

func brokenWithin(digits []glyph) bool {
	for _, d := range digits[1:] {
		if d.before.kind == broken {
			return true
		}
	}
	return false
}

// isCard tells whether digits of a text are a card number.
func (s *Scanner) isCard(text []byte, digits []glyph) bool {
	var plain [maxPAN]byte
	number := plain[:len(digits)]
	for i, d := range digits {
		number[i] = d.value
	}
	defer clear(number)
	const longestPhone = 15
	switch {
	case !Issued(number), digits[0].before.plus && len(number) <= longestPhone:
		return false
	case len(number) == minPAN && (s.Phones || isArticle(string(number)) || !evenly(digits)):
		return false
	case s.isOurs(number, digits):
		return false
	}
	return !inDigest(text, digits)
}

// isOurs tells whether a row of digits of a number, which may be all of it, is known as ours: a card's cannot hold so long a one beside
// other digits.
func (s *Scanner) isOurs(number []byte, digits []glyph) bool {
	if s.Ours == nil {
		return false
	}
	begin := 0
	for i := range number {
		if i > 0 && digits[i].before.kind != joined {
			begin = i
		}
		if end := i + 1; (end == len(number) || digits[end].before.kind != joined) && end-begin >= minPAN && s.Ours(string(number[begin:end])) {
			return true
		}
	}
	return false
}

// evenly tells whether all groups of a number have the same between them.
func evenly(digits []glyph) bool {
	between := ""
	for _, d := range digits[1:] {
		if d.before.kind == joined {
			continue
		}
		if between == "" {
			between = d.before.text
		} else if between != d.before.text {
			return false
		}
	}
	return true
}

// inDigest tells whether digits are a part, but not the beginning, of a hexadecimal text that random bytes are written as: 24, 32, 40
// or 64 digits with letters among them, or a UUID.
func inDigest(text []byte, digits []glyph) bool {
	from, to := digits[0].at, digits[len(digits)-1].at+1
	for from > 0 && isHex(text[from-1]) {
		from--
	}
	for to < len(text) && isHex(text[to]) {
		to++
	}
	word := text[from:to]
	hyphens := bytes.Count(word, []byte{'-'})
	if bytes.IndexFunc(word, unicode.IsLetter) < 0 || from == digits[0].at && hyphens == 0 {
		return false
	}
	switch len(word) {
	case 24, 32, 40, 64:
		return hyphens == 0
	case 36:
		return hyphens == 4 && word[8] == '-' && word[13] == '-' && word[18] == '-' && word[23] == '-'
	}
	return false
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F' || c == '-'
}

// minStripe is the fewest digits that follow a number on a stripe: the expiry date, and a part of the service code.
const minStripe = 4

// stripe returns the digits that follow a number on track 2 ("=" or "D" before them), or on track 1 ("^", a name, "^").
func stripe(text []byte, last glyph, rest []glyph) []glyph {
	end := last.at + last.size
	if len(rest) == 0 || end >= len(text) {
		return nil
	}
	between := text[end:rest[0].at]
	track2 := len(between) == 1 && (between[0] == '=' || between[0] == 'D' || between[0] == 'd')
	track1 := between[0] == '^' && bytes.Count(between, []byte{'^'}) == 2 && between[len(between)-1] == '^'
	n := 1
	for n < len(rest) && rest[n].before.kind == joined {
		n++
	}
	if !track1 && !track2 || n < minStripe {
		return nil
	}
	return rest[:n]
}

// hide overwrites the digits of numbers that may not be shown, in place.
func hide(text []byte, found []span) []byte {
	hidden := map[int]int{} // by where they stand: how many bytes they are
	for _, f := range found {
		for _, d := range append(f.digits[6:len(f.digits)-4:len(f.digits)-4], f.stripe...) {
			hidden[d.at] = d.size
		}
	}
	n := 0
	for at := 0; at < len(text); {
		if size := hidden[at]; size > 0 {
			text[n] = '*'
			n, at = n+1, at+size
			continue
		}
		text[n] = text[at]
		n, at = n+1, at+1
	}
	clear(text[n:])
	return text[:n]
}
