package money

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// ErrArgument means a divisor of zero, a negative weight, weights that add up to zero, or a number of parts below one.
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

// Rescale converts a count of units with from decimals into units with to decimals, both 0 to 18, for a counterparty
// whose exponent is not the one of ISO 4217. It is exact: digits that would be lost are [ErrPrecision], a result that
// does not fit is [ErrOverflow], an exponent out of bounds is [ErrArgument].
func Rescale(minor int64, from, to int) (int64, error) {
	if min(from, to) < 0 || max(from, to) > 18 {
		return 0, fmt.Errorf("%w: exponents %d and %d", ErrArgument, from, to)
	}
	factor := int64(1)
	for range max(from-to, to-from) {
		factor *= 10
	}
	if to >= from {
		return MulDiv(minor, factor, 1)
	}
	if minor%factor != 0 {
		return 0, fmt.Errorf("%w: %d units from %d to %d decimals", ErrPrecision, minor, from, to)
	}
	return minor / factor, nil
}

// Apportion divides total in proportion to weights by the largest remainder: each part is the exact share cut to the
// minor unit, and the units left over go one each to the shares that lost most, the earlier first among equals. The
// parts add up to total, a part of weight zero is zero, and a negative total gives the negated parts of the positive
// one. Weights are not negative and their sum is positive and fits int64, else [ErrArgument].
func Apportion(total int64, weights []int64) ([]int64, error) {
	sum, err := weightSum(weights)
	if err != nil {
		return nil, err
	}
	magnitude := absolute(total)
	left := magnitude
	parts := make([]uint64, len(weights))
	lost := make([]uint64, len(weights))
	order := make([]int, len(weights))
	for i, w := range weights {
		high, low := bits.Mul64(magnitude, uint64(w))
		parts[i], lost[i] = bits.Div64(high, low, sum)
		left -= parts[i]
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case lost[i] > lost[j]:
			return -1
		case lost[i] < lost[j]:
			return 1
		}
		return 0
	})
	for _, i := range order[:left] {
		parts[i]++
	}
	shares := make([]int64, len(parts))
	for i, p := range parts {
		shares[i], _ = signed(p, total < 0)
	}
	return shares, nil
}

// Split divides total into n parts that differ by at most one minor unit, larger parts first; they add up to total.
// n below one is [ErrArgument].
func Split(total int64, n int) ([]int64, error) {
	if n < 1 {
		return nil, fmt.Errorf("%w: %d parts", ErrArgument, n)
	}
	return Apportion(total, slices.Repeat([]int64{1}, n))
}

func weightSum(weights []int64) (uint64, error) {
	var sum uint64
	for i, w := range weights {
		if w < 0 {
			return 0, fmt.Errorf("%w: weight %d is %d", ErrArgument, i, w)
		}
		if sum += uint64(w); sum > math.MaxInt64 {
			return 0, fmt.Errorf("%w: sum of weights out of range", ErrArgument)
		}
	}
	if sum == 0 {
		return 0, fmt.Errorf("%w: weights add up to zero", ErrArgument)
	}
	return sum, nil
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
