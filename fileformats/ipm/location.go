package ipm

import (
	"bytes"
	"unicode/utf8"
)

// Location is the card acceptor's name and place (DE 43).
type Location struct {
	Name       string // 1-22 characters
	Street     string // at most 45
	City       string // at most 13
	PostalCode string // at most 10
	Region     string // at most 3
	Country    string // ISO 3166 alpha-3
}

// Append appends the packed form to dst: name, street and city each ended by a backslash, then postal code, region and
// country at fixed widths. It returns [ErrValue] when a part is too long, or holds a backslash, or the name is empty or
// the country not three characters. Nothing is ever cut: shorten and transliterate when a merchant is set up.
func (l Location) Append(dst []byte) ([]byte, error) {
	if l.Name == "" || utf8.RuneCountInString(l.Country) != 3 {
		return dst, ErrValue
	}
	at := len(dst)
	for _, part := range [...]struct {
		text  string
		width int
	}{{l.Name, 22}, {l.Street, 45}, {l.City, 13}} {
		if utf8.RuneCountInString(part.text) > part.width || bytes.IndexByte([]byte(part.text), '\\') >= 0 {
			return dst[:at], ErrValue
		}
		dst = append(append(dst, part.text...), '\\')
	}
	for _, part := range [...]struct {
		text  string
		width int
	}{{l.PostalCode, 10}, {l.Region, 3}, {l.Country, 3}} {
		pad := part.width - utf8.RuneCountInString(part.text)
		if pad < 0 {
			return dst[:at], ErrValue
		}
		dst = append(dst, part.text...)
		for range pad {
			dst = append(dst, ' ')
		}
	}
	return dst, nil
}
