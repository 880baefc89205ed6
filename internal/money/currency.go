package money

import (
	"errors"
	"fmt"
	"strconv"
)

// ErrUnknownCurrency means a code that ISO 4217 does not list today, or lists without a minor unit (metals, test and
// no-currency codes): no amount can be expressed in it.
var ErrUnknownCurrency = errors.New("money: unknown currency")

// Currency is an ISO 4217 numeric code, such as 933 for BYN. The zero value is no currency. Values obtained from
// [ParseCurrency], [CurrencyFromNumeric] and the constants are valid; a conversion may not be: see
// [Currency.Valid].
type Currency uint16

// Currencies that code and tests name; all others come from configuration.
const (
	BYN Currency = 933
	EUR Currency = 978
	JPY Currency = 392
	KWD Currency = 414
	KZT Currency = 398
	PLN Currency = 985
	RUB Currency = 643
	USD Currency = 840
)

var (
	byAlpha   = make(map[string]Currency, len(iso4217))
	byNumeric = make(map[Currency]int, len(iso4217))
)

func init() {
	for i, c := range iso4217 {
		byAlpha[c.alpha] = c.numeric
		byNumeric[c.numeric] = i
	}
}

// ParseCurrency returns the currency of an alphabetic code of three capitals. Any other text is [ErrUnknownCurrency].
func ParseCurrency(alpha string) (Currency, error) {
	c, ok := byAlpha[alpha]
	if !ok {
		return 0, fmt.Errorf("%w: %q", ErrUnknownCurrency, alpha)
	}
	return c, nil
}

// CurrencyFromNumeric returns the currency of a numeric code of exactly three digits, such as "933" or "008". Any other
// text is [ErrUnknownCurrency].
func CurrencyFromNumeric(numeric string) (Currency, error) {
	n, err := strconv.ParseUint(numeric, 10, 16)
	c := Currency(n)
	if err != nil || len(numeric) != 3 || !c.Valid() {
		return 0, fmt.Errorf("%w: %q", ErrUnknownCurrency, numeric)
	}
	return c, nil
}

// Valid reports whether c is in the table of currencies.
func (c Currency) Valid() bool {
	_, ok := byNumeric[c]
	return ok
}

// String returns the alphabetic code, or the numeric one of a currency that is not valid.
func (c Currency) String() string {
	if i, ok := byNumeric[c]; ok {
		return iso4217[i].alpha
	}
	return c.Numeric()
}

// Numeric returns the numeric code, zero-filled to three digits.
func (c Currency) Numeric() string {
	return fmt.Sprintf("%03d", uint16(c))
}

// Exponent returns how many decimals the minor unit has by ISO 4217: 0, 2, 3 or 4. It is 0 for a currency that is not
// valid.
func (c Currency) Exponent() int {
	if i, ok := byNumeric[c]; ok {
		return iso4217[i].exponent
	}
	return 0
}

// Name returns the English name of ISO 4217, empty for a currency that is not valid.
func (c Currency) Name() string {
	if i, ok := byNumeric[c]; ok {
		return iso4217[i].name
	}
	return ""
}

// MarshalText writes the alphabetic code. A currency that is not valid is [ErrUnknownCurrency].
func (c Currency) MarshalText() ([]byte, error) {
	if !c.Valid() {
		return nil, fmt.Errorf("%w: %s", ErrUnknownCurrency, c.Numeric())
	}
	return []byte(c.String()), nil
}

// UnmarshalText reads the alphabetic code as [ParseCurrency] does.
func (c *Currency) UnmarshalText(text []byte) error {
	parsed, err := ParseCurrency(string(text))
	if err != nil {
		return err
	}
	*c = parsed
	return nil
}
