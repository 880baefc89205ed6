package vault

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
)

// ErrPAN says that a text is not a card number. The text is not part of the error.
var ErrPAN = errors.New("vault: not a card number")

const (
	minPAN = 13 // digits, ISO/IEC 7812 as the schemes use it
	maxPAN = 19
)

// PAN is a primary account number: 13 to 19 digits with a valid check digit. The zero value is no number. Two PANs may be
// compared with ==. Everything but Reveal and AppendReveal shows the mask: first six and last four digits.
type PAN struct {
	length    uint8
	scrambled [maxPAN]byte // digits under pad, so that a printer that reads fields by reflection shows nothing
}

// pad differs in each process.
var pad = func() (p [maxPAN]byte) {
	_, _ = rand.Read(p[:])
	return p
}()

// ParsePAN reads a card number of 13 to 19 ASCII digits, nothing else, with a valid check digit. The error is ErrPAN.
func ParsePAN[T string | []byte](text T) (PAN, error) {
	if len(text) < minPAN || len(text) > maxPAN || !Luhn(text) {
		return PAN{}, ErrPAN
	}
	p := PAN{length: uint8(len(text))}
	for i := range len(text) {
		p.scrambled[i] = text[i] ^ pad[i]
	}
	return p, nil
}

// Luhn reports whether text is all ASCII digits and its last one is the check digit of ISO/IEC 7812-1 annex B.
func Luhn[T string | []byte](text T) bool {
	sum := 0
	for i := range len(text) {
		digit := int(text[len(text)-1-i]) - '0'
		if digit < 0 || digit > 9 {
			return false
		}
		if i%2 == 1 {
			digit *= 2
			digit = digit/10 + digit%10
		}
		sum += digit
	}
	return len(text) > 0 && sum%10 == 0
}

// IsZero reports whether p holds no number.
func (p PAN) IsZero() bool { return p.length == 0 }

// Reveal returns the digits. The caller answers for where they go.
func (p PAN) Reveal() string { return string(p.AppendReveal(nil)) }

// AppendReveal appends the digits to dst.
func (p PAN) AppendReveal(dst []byte) []byte {
	for i := range int(p.length) {
		dst = append(dst, p.scrambled[i]^pad[i])
	}
	return dst
}

// Mask returns the first six and the last four digits with four stars between, "" for the zero PAN.
func (p PAN) Mask() string {
	if p.IsZero() {
		return ""
	}
	var digits [maxPAN]byte
	number := p.AppendReveal(digits[:0])
	defer clear(number)
	return Mask(number)
}

// Mask masks the text of a card number: first six, four stars, last four; a text too short for that is stars only.
func Mask[T string | []byte](text T) string {
	if len(text) < minPAN {
		return "****"
	}
	return string(text[:6]) + "****" + string(text[len(text)-4:])
}

// String returns the mask.
func (p PAN) String() string { return p.Mask() }

// GoString returns the mask.
func (p PAN) GoString() string { return p.Mask() }

// Format writes the mask for every verb.
func (p PAN) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, p.Mask()) }

// MarshalText returns the mask.
func (p PAN) MarshalText() ([]byte, error) { return []byte(p.Mask()), nil }

// MarshalJSON returns the mask as a string.
func (p PAN) MarshalJSON() ([]byte, error) { return strconv.AppendQuote(nil, p.Mask()), nil }

// LogValue returns the mask.
func (p PAN) LogValue() slog.Value { return slog.StringValue(p.Mask()) }
