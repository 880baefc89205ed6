package money

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// Digits of a rate before and behind the point, at most.
const (
	maxRateWhole    = 10
	maxRateDecimals = 8
)

// Rate is how many units of one currency are paid for one unit of another: an exact, positive decimal number. It belongs
// to a pair of currencies that is written beside it. The zero value is no rate. Two rates of the same text are equal.
type Rate struct {
	value    int64 // the digits without the point
	decimals uint8
}

// ParseRate reads an unsigned decimal text such as "91.2500": 1 to 10 digits, and 1 to 8 behind a point when there is
// one, not all of them zero. No sign, exponent, grouping or space is accepted. The error is [ErrSyntax].
func ParseRate(text string) (Rate, error) {
	whole, fraction, point := strings.Cut(text, ".")
	if !digits(whole) || len(whole) > maxRateWhole || point && !digits(fraction) || len(fraction) > maxRateDecimals {
		return Rate{}, fmt.Errorf("%w: rate %q", ErrSyntax, text)
	}
	value, err := strconv.ParseInt(whole+fraction, 10, 64)
	if err != nil || value == 0 {
		return Rate{}, fmt.Errorf("%w: rate %q", ErrSyntax, text)
	}
	return Rate{value: value, decimals: uint8(len(fraction))}, nil
}

// IsZero reports whether r is no rate.
func (r Rate) IsZero() bool { return r.value == 0 }

// String returns the decimal text with the decimals that were read: "91.2500". ParseRate reads it back.
func (r Rate) String() string {
	digits := fmt.Sprintf("%0*d", int(r.decimals)+1, r.value)
	if r.decimals == 0 {
		return digits
	}
	point := len(digits) - int(r.decimals)
	return digits[:point] + "." + digits[point:]
}

// Convert returns what a is in the currency to, at r units of it per unit of the currency of a. The product is exact and
// is rounded once to the minor unit of to, half away from zero; a small amount may become zero. Errors: [ErrArgument]
// when r is no rate, [ErrUnknownCurrency], [ErrOverflow].
func (r Rate) Convert(a Amount, to Currency) (Amount, error) {
	switch {
	case r.IsZero():
		return Amount{}, fmt.Errorf("%w: no rate from %s to %s", ErrArgument, a.Currency, to)
	case !a.Currency.Valid() || !to.Valid():
		return Amount{}, fmt.Errorf("%w: %s or %s", ErrUnknownCurrency, a.Currency, to)
	}
	product := new(big.Int).Mul(big.NewInt(a.Minor), big.NewInt(r.value))
	product.Mul(product, powerOfTen(to.Exponent()))
	minor := quotientHalfUp(product, powerOfTen(int(r.decimals)+a.Currency.Exponent()))
	if !minor.IsInt64() {
		return Amount{}, fmt.Errorf("%w: %s at %s %s", ErrOverflow, a, r, to)
	}
	return Amount{Minor: minor.Int64(), Currency: to}, nil
}

// quotientHalfUp is n / d, d positive, rounded half away from zero. It changes n.
func quotientHalfUp(n, d *big.Int) *big.Int {
	half := new(big.Int).Rsh(d, 1) // d is 1, which rounds nothing, or even
	if n.Sign() < 0 {
		half.Neg(half)
	}
	return n.Quo(n.Add(n, half), d)
}

func powerOfTen(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }
