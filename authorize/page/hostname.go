package page

import (
	"strings"
	"unicode/utf8"
)

// asciiHost writes a host as a policy and the network name it: labels of other letters in Punycode (RFC 3492), as
// browsers do for the address of a shop such as магазин.рф. A port stays.
func asciiHost(host string) string {
	labels := strings.Split(strings.ToLower(host), ".")
	for i, label := range labels {
		name, port, found := strings.Cut(label, ":")
		if encoded, ok := punycode(name); ok {
			labels[i] = "xn--" + encoded
			if found {
				labels[i] += ":" + port
			}
		}
	}
	return strings.Join(labels, ".")
}

// Parameters of RFC 3492, section 5.
const (
	punyBase, punyLeast, punyMost = 36, 1, 26
	punySkew, punyDamp            = 38, 700
	punyBias, punyFirst           = 72, 128
)

// punycode encodes a label. ok is false when it needs no encoding.
func punycode(label string) (encoded string, ok bool) {
	runes := []rune(label)
	var out []byte
	for _, r := range runes {
		if r < utf8.RuneSelf {
			out = append(out, byte(r))
		}
	}
	plain := len(out)
	if plain == len(runes) {
		return "", false
	}
	if plain > 0 {
		out = append(out, '-')
	}
	n, delta, bias := rune(punyFirst), 0, punyBias
	for done := plain; done < len(runes); {
		next := following(runes, n)
		delta += int(next-n) * (done + 1)
		n = next
		for _, r := range runes {
			if r < n {
				delta++
			}
			if r == n {
				out = appendDelta(out, delta, bias)
				bias = adapt(delta, done+1, done == plain)
				delta = 0
				done++
			}
		}
		delta++
		n++
	}
	return string(out), true
}

// following is the smallest of the runes that is not below n.
func following(runes []rune, n rune) rune {
	least := rune(utf8.MaxRune)
	for _, r := range runes {
		if r >= n && r < least {
			least = r
		}
	}
	return least
}

func appendDelta(out []byte, delta, bias int) []byte {
	for k := punyBase; ; k += punyBase {
		t := min(max(k-bias, punyLeast), punyMost)
		if delta < t {
			return append(out, punyDigit(delta))
		}
		out = append(out, punyDigit(t+(delta-t)%(punyBase-t)))
		delta = (delta - t) / (punyBase - t)
	}
}

func punyDigit(d int) byte {
	if d < 26 {
		return byte('a' + d)
	}
	return byte('0' + d - 26)
}

func adapt(delta, points int, first bool) int {
	if first {
		delta /= punyDamp
	} else {
		delta /= 2
	}
	delta += delta / points
	k := 0
	for delta > (punyBase-punyLeast)*punyMost/2 {
		delta /= punyBase - punyLeast
		k += punyBase
	}
	return k + (punyBase-punyLeast+1)*delta/(delta+punySkew)
}
