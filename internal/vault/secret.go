package vault

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// ErrCVV says that a text is not a card verification code. The text is not part of the error.
var ErrCVV = errors.New("vault: not a card verification code")

const stars = "***"

// Secret is something that must only be in memory, and not for long: a card verification code, a password. It prints as
// three stars. Copies share the content, so one Wipe clears all. The zero Secret is empty. It may not be used by several
// goroutines while one wipes.
type Secret struct {
	content func() *[]byte // a function, because fmt follows pointers for some verbs but never shows what a function holds
}

// NewSecret takes over content, which the caller must not use again.
func NewSecret(content []byte) Secret {
	return Secret{func() *[]byte { return &content }}
}

// ParseCVV reads a card verification code of three or four ASCII digits. The error is ErrCVV. It takes over text.
func ParseCVV(text []byte) (Secret, error) {
	if len(text) != 3 && len(text) != 4 {
		return Secret{}, ErrCVV
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return Secret{}, ErrCVV
		}
	}
	return NewSecret(text), nil
}

// Reveal returns the content itself, nil once wiped. The caller keeps no copy of it.
func (s Secret) Reveal() []byte {
	if s.content == nil {
		return nil
	}
	return *s.content()
}

// IsZero reports whether s is empty or wiped.
func (s Secret) IsZero() bool { return len(s.Reveal()) == 0 }

// Wipe overwrites the content with zeros and forgets it, in all copies of s.
func (s Secret) Wipe() {
	if s.content == nil {
		return
	}
	content := s.content()
	clear(*content)
	*content = nil
}

// String returns three stars.
func (s Secret) String() string { return stars }

// GoString returns three stars.
func (s Secret) GoString() string { return stars }

// Format writes three stars for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, stars) }

// MarshalText returns three stars.
func (s Secret) MarshalText() ([]byte, error) { return []byte(stars), nil }

// MarshalJSON returns three stars as a string.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"***"`), nil }

// LogValue returns three stars.
func (s Secret) LogValue() slog.Value { return slog.StringValue(stars) }
