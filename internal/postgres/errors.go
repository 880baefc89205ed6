package postgres

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

var (
	// ErrRejected is matched by every *RejectedError.
	ErrRejected = errors.New("postgres: rolled back")
	// ErrUnknown is matched by every *UnknownError.
	ErrUnknown = errors.New("postgres: commit outcome unknown")
)

// Outcome is what is known of a transaction.
type Outcome uint8

// The outcomes. Unknown is the zero value: an error that says nothing else means that we do not know.
const (
	Unknown  Outcome = iota // committed or not; look later for what it would have written
	Rejected                // surely nothing happened
	Done                    // surely committed
)

// String names o in lower case.
func (o Outcome) String() string {
	switch o {
	case Rejected:
		return "rejected"
	case Done:
		return "done"
	case Unknown:
	}
	return "unknown"
}

// Kind tells what err, an answer of InTx, says about its transaction. An error that InTx did not make is Unknown.
func Kind(err error) Outcome {
	switch {
	case err == nil:
		return Done
	case errors.Is(err, ErrUnknown):
		return Unknown
	case errors.Is(err, ErrRejected):
		return Rejected
	}
	return Unknown
}

// RejectedError is the answer of InTx for a transaction that was surely rolled back or never began.
type RejectedError struct {
	Key string // Key.Name of the transaction
	Err error  // the cause: what fn returned, or the server's refusal
}

// Error gives the cause, led by the key.
func (e *RejectedError) Error() string { return fmt.Sprintf("transaction %s: %v", e.Key, e.Err) }

// Unwrap returns the cause.
func (e *RejectedError) Unwrap() error { return e.Err }

// Is reports a match with ErrRejected.
func (e *RejectedError) Is(target error) bool { return target == ErrRejected }

// UnknownError is the answer of InTx for a transaction whose COMMIT was sent and whose outcome could not be learned in
// time. It may have committed or may still commit.
type UnknownError struct {
	Key   string   // Key.Name of the transaction
	Token [16]byte // a row of commits holds it if the transaction committed; zero where no transaction can be named
	Err   error    // why the answer to COMMIT was lost, and why resolving it did not succeed
}

// Error says that the outcome is unknown, and why.
func (e *UnknownError) Error() string {
	return fmt.Sprintf("transaction %s (token %x): outcome unknown: %v", e.Key, e.Token, e.Err)
}

// Unwrap returns the cause.
func (e *UnknownError) Unwrap() error { return e.Err }

// Is reports a match with ErrUnknown.
func (e *UnknownError) Is(target error) bool { return target == ErrUnknown }

// Denied tells that the server refused a statement because the session's role has no right to it.
func Denied(err error) bool {
	refused, is := errors.AsType[*pgconn.PgError](err)
	return is && refused.Code == "42501"
}
