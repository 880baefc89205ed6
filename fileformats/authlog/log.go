package authlog

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"settled/internal/money"
)

// Kind is what was approved.
type Kind byte

// The kinds of approvals.
const (
	Authorization Kind = 'A' // a hold
	Purchase      Kind = 'P' // money that moved at once
	Refund        Kind = 'R' // money back
)

// State is what became of an approval.
type State byte

// The states of approvals. A part that was reversed leaves the rest as it was.
const (
	Held      State = 'H' // a hold stands, whole or in part
	Completed State = 'C' // the money moved, or the hold was cleared
	Reversed  State = 'R' // nothing of it is left
)

// Key is what a center knows an approval by, and what a question for a log goes on after.
type Key struct {
	Sent     time.Time // transmission (DE 7 with its year), UTC, to the second
	Terminal string    // DE 41, 1 to 8 characters, without filling
	STAN     string    // DE 11, 6 digits
	RRN      string    // DE 37, 12 letters and digits
}

// Compare orders keys as a log does: by transmission, terminal, trace and reference number.
func (k Key) Compare(other Key) int {
	return cmp.Or(k.Sent.Compare(other.Sent), cmp.Compare(k.Terminal, other.Terminal), cmp.Compare(k.STAN, other.STAN), cmp.Compare(k.RRN, other.RRN))
}

// Entry is one approval.
type Entry struct {
	Key
	Kind     Kind
	State    State
	Acceptor string       // DE 42, 1 to 15 characters, without filling
	Amount   money.Amount // as approved
	Reversed int64        // of it, minor units: released or reversed
	Approval string       // DE 38, up to 6 characters; empty when the center gave none
}

// Log is what a center approved of the messages that were transmitted in a range of time.
type Log struct {
	Member  string // our member id at the center, 1 to 11 digits
	From    time.Time
	Until   time.Time // exclusive
	Made    time.Time // when the center made it, by its own clock
	Entries []Entry
}

// The reasons that an [*Error] can wrap.
var (
	ErrTruncated = errors.New("log has no trailer")
	ErrWidth     = errors.New("line has another width")
	ErrKind      = errors.New("unknown kind of line or approval")
	ErrVersion   = errors.New("unknown version")
	ErrValue     = errors.New("value not allowed")
	ErrOrder     = errors.New("key does not follow the one before")
	ErrRange     = errors.New("transmission is outside the range of the log")
	ErrTotals    = errors.New("trailer does not fit the lines")
)

// Error says where a log is wrong.
type Error struct {
	Line  int    // from 1
	Field string // of the line; empty: the line as a whole
	Err   error
}

// Error names the line, the field and the reason.
func (e *Error) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("authlog: line %d: %v", e.Line, e.Err)
	}
	return fmt.Sprintf("authlog: line %d: %s: %v", e.Line, e.Field, e.Err)
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }
