package money

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// ErrArgument means a divisor of zero.
var ErrArgument = errors.New("money: invalid argument")

// basisPoint is the number of basis points in the whole: 250 basis points are 2.5 %.
const basisPoint = 10_000

// BasisPoints returns minor × bps / 10000, rounded once to the minor unit, half away from zero: 250 bps of 199 are 5
// (4.975), of 1 are 0 (0.025). It fails with [ErrOverflow] only.
func BasisPoints(minor, bps int64) (int64, error) {
	return MulDiv(minor, bps, basisPoint)
}

// MulDiv returns a × b / c with a 128-bit product, rounded once, half away from zero. Errors: [ErrArgument] when c is
// zero, [ErrOverflow] when the result does not fit.
func MulDiv(a, b, c int64) (int64, error) {
	if c == 0 {
		return 0, fmt.Errorf("%w: %d × %d / 0", ErrArgument, a, b)
	}
	divisor := absolute(c)
	high, low := bits.Mul64(absolute(a), absolute(b))
	if high >= divisor {
		return 0, fmt.Errorf("%w: %d × %d / %d", ErrOverflow, a, b, c)
	}
	quotient, remainder := bits.Div64(high, low, divisor)
	if remainder >= divisor-remainder && quotient < math.MaxUint64 {
		quotient++
	}
	negative := (a < 0) != (b < 0) != (c < 0)
	result, ok := signed(quotient, negative)
	if !ok {
		return 0, fmt.Errorf("%w: %d × %d / %d", ErrOverflow, a, b, c)
	}
	return result, nil
}

// absolute is right for the smallest int64 too, whose magnitude only uint64 holds.
func absolute(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

func signed(magnitude uint64, negative bool) (int64, bool) {
	if negative {
		return int64(-magnitude), magnitude <= 1<<63
	}
	return int64(magnitude), magnitude <= math.MaxInt64
}
