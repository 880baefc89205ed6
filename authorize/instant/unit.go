package instant

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"settled/internal/money"
)

// Unit says how a bank writes amounts. The zero value is none and cannot be used: a bank's unit is always chosen.
type Unit uint8

const (
	// Rubles is the main unit as a JSON text with exactly the currency's decimals: "123.45".
	Rubles Unit = iota + 1
	// Kopecks is the minor unit as a JSON integer: 12345.
	Kopecks
)

// MaxMinor is the highest amount that can be sent or read, in minor units.
const MaxMinor = 999_999_999_999

// ParseUnit reads "rubles" or "kopecks".
func ParseUnit(text string) (Unit, error) {
	for _, u := range []Unit{Rubles, Kopecks} {
		if text == u.String() {
			return u, nil
		}
	}
	return 0, fmt.Errorf("instant: unit %q is neither rubles nor kopecks", text)
}

func (u Unit) String() string {
	switch u {
	case Rubles:
		return "rubles"
	case Kopecks:
		return "kopecks"
	}
	return "no unit"
}

// MarshalText writes the word of [ParseUnit].
func (u Unit) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText reads the word of [ParseUnit].
func (u *Unit) UnmarshalText(text []byte) (err error) {
	*u, err = ParseUnit(string(text))
	return err
}

// encode writes an amount that is not negative.
func (u Unit) encode(a money.Amount) jsontext.Value {
	if u == Kopecks {
		return jsontext.Value(strconv.FormatInt(a.Minor, 10))
	}
	return jsontext.Value(`"` + a.Decimal() + `"`)
}

// decode reads what encode writes, in no other spelling, from 0 to MaxMinor.
func (u Unit) decode(raw jsontext.Value, c money.Currency) (a money.Amount, err error) {
	text := string(raw)
	switch inner, quoted := strings.CutPrefix(text, `"`); {
	case u == Kopecks:
		a.Currency = c
		a.Minor, err = strconv.ParseInt(text, 10, 64)
	case u == Rubles && quoted:
		a, err = money.Parse(strings.TrimSuffix(inner, `"`), c)
	default:
		return a, fmt.Errorf("amount %.40s is not in %s", text, u)
	}
	if err != nil || a.Minor < 0 || a.Minor > MaxMinor || string(u.encode(a)) != text {
		return a, fmt.Errorf("amount %.40s of %s is not in %s", text, c, u)
	}
	return a, nil
}

// check refuses an amount that cannot be paid.
func check(a money.Amount) error {
	if !a.Currency.Valid() || a.Minor < 1 || a.Minor > MaxMinor {
		return invalid("amount %s is not 1 to %d minor units of a currency", a, int64(MaxMinor))
	}
	return nil
}
