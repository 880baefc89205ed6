package listing

import (
	"errors"
	"fmt"

	"settled/internal/money"
)

// How many rows a part has.
const (
	DefaultLimit = 1000  // where none is said
	MaxLimit     = 10000 // at most
)

// The refusals of a [Range].
var (
	ErrLimit = errors.New("listing: limit is out of bounds")
	ErrKey   = errors.New("listing: not a key of this list")
)

// Range says which rows of a list are wanted. The zero Range is the first part.
type Range struct {
	After string // key of the row before the first, as Part.Next gave it; empty: the list is read from its beginning
	Limit int    // 1 to MaxLimit; 0: DefaultLimit
}

// Rows is how many rows are wanted at most. A limit below 0 or above MaxLimit is ErrLimit.
func (r Range) Rows() (int, error) {
	switch {
	case r.Limit == 0:
		return DefaultLimit, nil
	case r.Limit < 0 || r.Limit > MaxLimit:
		return 0, fmt.Errorf("%w: %d is not within 1 and %d", ErrLimit, r.Limit, MaxLimit)
	}
	return r.Limit, nil
}

// Part is a part of a list, in the order of the list.
type Part[T any] struct {
	Rows []T
	Next string // what to go on after; empty: these are the last rows
}

// Cut makes a part of at most limit rows of what was read. Whoever reads asks for one row more than the limit, so that it is
// known whether more follow.
func Cut[T any](read []T, limit int, key func(T) string) Part[T] {
	if len(read) <= limit {
		return Part[T]{Rows: read}
	}
	return Part[T]{Rows: read[:limit], Next: key(read[limit-1])}
}

// All reads a list to its end, part by part. It is for lists that are known to be short.
func All[T any](part func(Range) (Part[T], error)) (all []T, err error) {
	for r := (Range{Limit: MaxLimit}); ; {
		p, err := part(r)
		if err != nil {
			return nil, err
		}
		all = append(all, p.Rows...)
		if r.After = p.Next; r.After == "" {
			return all, nil
		}
	}
}

// Total is what the rows of one kind of a whole selection come to in one currency, however many parts they are shown in.
type Total struct {
	Of       string // kind of the rows, where those of several cannot be summed
	Currency money.Currency
	Rows     int64
	Amount   int64 // minor units
}

// Sample is how many rows there are of a kind, with one of them.
type Sample struct {
	Count   int
	Example string // its name or number; empty when there is none
}
