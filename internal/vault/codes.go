package vault

import (
	"slices"
	"strings"
)

// Named says what a name means of a card.
type Named uint8

// What names mean.
const (
	NamedNothing Named = iota
	// NamedPerhaps is a word that also means other things: a client's id, the code of a door.
	NamedPerhaps
	// NamedCode is a verification code, a PIN block, or what stands on a magnetic stripe: never to be stored (PCI DSS 3.3).
	NamedCode
)

// A name means a secret of a card when one of secretParts stands in a word of it, one of secretTexts in its words together, or when one of
// secretWords is a word of it. Those of doubtful may.
var (
	secretParts = []string{"cvc", "cvv", "cvn", "ccv"}
	secretTexts = []string{"track1", "track2", "track3", "trackdata", "magstripe", "pinblock", "securitycode", "verificationcode", "verificationvalue"}
	secretWords = []string{"csc", "csc2", "cav2", "cid2", "cvd"}
	doubtful    = []string{"cid", "pin", "track"}
)

// NameOf tells what the name of a parameter, of a member of JSON or of a field means of a card, in any case. Words of it end where
// another kind of character stands, or a capital behind a small letter.
func NameOf(name string) Named {
	words := wordsOf(name)
	for _, w := range words {
		if slices.Contains(secretWords, w) || containsAny(w, secretParts) {
			return NamedCode
		}
	}
	switch {
	case containsAny(strings.Join(words, ""), secretTexts):
		return NamedCode
	case slices.ContainsFunc(words, func(w string) bool { return slices.Contains(doubtful, w) }):
		return NamedPerhaps
	}
	return NamedNothing
}

func containsAny(text string, parts []string) bool {
	return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(text, p) })
}

// wordsOf returns the words of a name in lower case: letters, and digits behind them.
func wordsOf(name string) []string {
	var words []string
	begin := 0
	end := func(at int) {
		if at > begin {
			words = append(words, strings.ToLower(name[begin:at]))
		}
	}
	for i := range len(name) {
		switch c := name[i]; {
		case !isWord(c):
			end(i)
			begin = i + 1
		case i > begin && 'A' <= c && c <= 'Z' && !('A' <= name[i-1] && name[i-1] <= 'Z'):
			end(i)
			begin = i
		}
	}
	end(len(name))
	return words
}

func isWord(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// maxBetween is how many characters may stand between the name of a code and the code.
const maxBetween = 6

// MaskCodes hides, in place, three or four digits that stand behind a word that can only mean a card's verification code, as in
// "CVV: 123". It returns the text and how many there were. Words that mean other things too are passed over.
func MaskCodes(text []byte) ([]byte, int) {
	found := 0
	for i := 0; i < len(text); {
		if !isWord(text[i]) {
			i++
			continue
		}
		end := i
		for end < len(text) && isWord(text[end]) {
			end++
		}
		if at := codeBehind(text, i, end); at > 0 {
			found++
			for ; at < len(text) && '0' <= text[at] && text[at] <= '9'; at++ {
				text[at] = '*'
			}
			end = at
		}
		i = end
	}
	return text, found
}

// codeWords are the words before a code; also with the digits of the code joined to them.
var codeWords = []string{"cvv2", "cvc2", "cvv", "cvc", "ccv", "cvn", "csc"}

// codeBehind returns where the code stands that the word text[from:to] names, 0 when it names none.
func codeBehind(text []byte, from, to int) int {
	if to-from < 3 || to-from > len("cvv2")+4 || text[from]|0x20 != 'c' {
		return 0
	}
	word := strings.ToLower(string(text[from:to]))
	for _, w := range codeWords {
		rest, begins := strings.CutPrefix(word, w)
		switch {
		case !begins:
		case isCode([]byte(rest), 0):
			return to - len(rest)
		case rest == "":
			at := to
			for at < len(text) && at-to < maxBetween && !isWord(text[at]) {
				at++
			}
			if isCode(text, at) {
				return at
			}
		}
	}
	return 0
}

// isCode tells whether a row of three or four digits, and no more, stands at a place.
func isCode(text []byte, at int) bool {
	n := 0
	for at+n < len(text) && '0' <= text[at+n] && text[at+n] <= '9' {
		n++
	}
	return (n == 3 || n == 4) && (at+n == len(text) || !isWord(text[at+n]))
}
