package states

import "errors"

// Why a step of the night is not made.
var (
	ErrNotFound = errors.New("clearing: no such row")
	ErrNotDue   = errors.New("clearing: not due")
	ErrOrder    = errors.New("clearing: an earlier one must go first")
	ErrState    = errors.New("clearing: not possible in this state")
)

// ErrHeld means that nothing is numbered for a center, or sent to it: the database was restored or went back in time, and what the
// center has must be looked at first.
var ErrHeld = errors.New("clearing: held")

// ErrErased means that stored bytes are gone: their time to be kept is over.
var ErrErased = errors.New("clearing: the bytes were erased when their time was over; size, hash, totals and what became of them are kept")

// ErrRecorded marks an attempt that failed and was written down with the time of the next one.
var ErrRecorded = errors.New("the attempt failed, the next one is planned")
