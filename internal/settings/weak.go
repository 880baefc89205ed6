package settings

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// The fewest characters of secrets. A password is tried at a server, which slows and locks: 12, as PCI DSS 8.3.6. What signs can be
// guessed at home from one message that was seen, as often as a machine can: 16.
const (
	LeastPassword = 12
	LeastSecret   = 16
)

// What a secret must hold beside names and well-known words, and from which length it need not mix letters with others: what chance
// makes of letters alone is strong by its length.
const (
	leastOwn   = 8
	leastKinds = 5
	longEnough = 20
)

// wellKnown are words that a guesser tries first, alone and beside each other.
var wellKnown = []string{"password", "passw0rd", "p@ssw0rd", "qwertyuiop", "qwerty", "1q2w3e4r", "asdfgh", "zxcvbn", "letmein", "welcome", "changeme", "default",
	"administrator", "admin", "secret", "master", "swordfish", "settled", "merchant", "example", "123456789", "12345678", "1234567", "123456", "12345",
	"1234", "abcdef", "abc123", "abc", "2024", "2025", "2026", "2027"}

// Weak finds what makes a password or a secret easy to guess: fewer characters than least, digits alone, letters alone (of fewer than
// 20), few different characters, or too little beside the names of its owner and well-known words. The error says why and what to take
// instead, and never shows the secret.
func Weak(secret string, least int, names ...string) error {
	n := len([]rune(secret))
	switch {
	case n < least:
		return fmt.Errorf("has %d characters; %d are needed", n, least)
	case all(secret, unicode.IsDigit):
		return errors.New("is all digits; mix in letters")
	case n < longEnough && all(secret, unicode.IsLetter):
		return errors.New("is all letters; mix in digits")
	case different(secret) < leastKinds:
		return fmt.Errorf("has fewer than %d different characters; let chance make it", leastKinds)
	case own(secret, names) < leastOwn:
		return fmt.Errorf("has fewer than %d characters beside names and well-known words; let chance make it", leastOwn)
	}
	return nil
}

func all(text string, is func(rune) bool) bool {
	return strings.IndexFunc(text, func(r rune) bool { return !is(r) }) < 0
}

func different(text string) int {
	seen := map[rune]bool{}
	for _, r := range text {
		seen[r] = true
	}
	return len(seen)
}

// own counts the letters and digits that are left of a secret when names and well-known words are taken out.
func own(secret string, names []string) (n int) {
	left := strings.ToLower(secret)
	for _, word := range append(names[:len(names):len(names)], wellKnown...) {
		if len(word) > 2 {
			left = strings.ReplaceAll(left, strings.ToLower(word), " ")
		}
	}
	for _, r := range left {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			n++
		}
	}
	return n
}
