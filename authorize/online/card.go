package online

import (
	"fmt"
	"log/slog"

	"settled/fileformats/iso8583"
)

// Card is what a message says about the card. However it is printed, it shows the PAN as first six, four stars and last
// four, and nothing else.
type Card struct {
	PAN    string // 12-19 digits
	Expiry string // YYMM, or empty
	CVV    []byte // card verification code, or empty; erased by Exchange
}

// wipe erases the card verification code.
func (c Card) wipe() { clear(c.CVV) }

// String returns the masked PAN.
func (c Card) String() string { return iso8583.Mask(c.PAN) }

// Format prints the masked PAN for every verb.
func (c Card) Format(s fmt.State, _ rune) { fmt.Fprint(s, c.String()) }

// LogValue logs the masked PAN.
func (c Card) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText writes the masked PAN.
func (c Card) MarshalText() ([]byte, error) { return []byte(c.String()), nil }
