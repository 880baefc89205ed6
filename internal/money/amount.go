package money

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Errors of amounts. They are wrapped with the values concerned.
var (
	// ErrSyntax means a text that is not an unsigned decimal number of the accepted shape.
	ErrSyntax = errors.New("money: not a decimal amount")
	// ErrPrecision means non-zero digits below the minor unit.
	ErrPrecision = errors.New("money: more decimals than the currency has")
	// ErrOverflow means a result outside the range of int64.
	ErrOverflow = errors.New("money: amount out of range")
	// ErrCurrencyMismatch means an operation on two currencies.
	ErrCurrencyMismatch = errors.New("money: different currencies")
)

// maxIntegerDigits is the longest integer part that Parse accepts.
const maxIntegerDigits = 15

// Amount is a sum of money: Minor units of Currency. The zero value is nothing of no currency.
type Amount struct {
	Minor    int64
	Currency Currency
}

// Parse reads an unsigned decimal text such as "12.34" as an amount of c. The integer part has 1 to 15 digits; a
// fraction, when there is a point, has at least one digit. Fewer fraction digits than the currency has are padded;
// further ones must be zeros. No sign, exponent, grouping or space is accepted. Errors: [ErrSyntax], [ErrPrecision],
// [ErrOverflow] (four-decimal currencies only), [ErrUnknownCurrency].
func Parse(text string, c Currency) (Amount, error) {
	if !c.Valid() {
		return Amount{}, fmt.Errorf("%w: %s", ErrUnknownCurrency, c.Numeric())
	}
	whole, fraction, point := strings.Cut(text, ".")
	if !digits(whole) || len(whole) > maxIntegerDigits || point && !digits(fraction) {
		return Amount{}, fmt.Errorf("%w: %q", ErrSyntax, text)
	}
	exponent := c.Exponent()
	if len(fraction) > exponent {
		if strings.Trim(fraction[exponent:], "0") != "" {
			return Amount{}, fmt.Errorf("%w: %q of %s", ErrPrecision, text, c)
		}
		fraction = fraction[:exponent]
	}
	fraction += strings.Repeat("0", exponent-len(fraction))
	minor, err := strconv.ParseInt(whole+fraction, 10, 64)
	if err != nil {
		return Amount{}, fmt.Errorf("%w: %q of %s", ErrOverflow, text, c)
	}
	return Amount{Minor: minor, Currency: c}, nil
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// Decimal returns the amount as decimal text with exactly the currency's decimals, "12.34", and a leading minus when it
// is negative. Parse reads back what Decimal writes for amounts from 0 up to 15 integer digits.
func (a Amount) Decimal() string {
	sign, magnitude := "", strconv.FormatUint(absolute(a.Minor), 10)
	if a.Minor < 0 {
		sign = "-"
	}
	exponent := a.Currency.Exponent()
	if exponent == 0 {
		return sign + magnitude
	}
	if short := exponent + 1 - len(magnitude); short > 0 {
		magnitude = strings.Repeat("0", short) + magnitude
	}
	point := len(magnitude) - exponent
	return sign + magnitude[:point] + "." + magnitude[point:]
}

// String returns the decimal text and the alphabetic code: "12.34 BYN".
func (a Amount) String() string {
	return a.Decimal() + " " + a.Currency.String()
}

// Add returns a + b. Errors: [ErrCurrencyMismatch], [ErrOverflow].
func (a Amount) Add(b Amount) (Amount, error) {
	sum := a.Minor + b.Minor
	overflow := (sum < a.Minor) != (b.Minor < 0)
	return a.combined(b, "+", sum, overflow)
}

// Sub returns a - b, which may be negative. Errors: [ErrCurrencyMismatch], [ErrOverflow].
func (a Amount) Sub(b Amount) (Amount, error) {
	difference := a.Minor - b.Minor
	overflow := (difference > a.Minor) != (b.Minor < 0)
	return a.combined(b, "-", difference, overflow)
}

func (a Amount) combined(b Amount, sign string, minor int64, overflow bool) (Amount, error) {
	if a.Currency != b.Currency {
		return Amount{}, fmt.Errorf("%w: %s %s %s", ErrCurrencyMismatch, a, sign, b)
	}
	if overflow {
		return Amount{}, fmt.Errorf("%w: %s %s %s", ErrOverflow, a, sign, b)
	}
	return Amount{Minor: minor, Currency: a.Currency}, nil
}
