package threeds

import (
	"errors"
	"fmt"
)

// The kinds of failure. Every error of Start, Authenticate and Result wraps exactly one of them.
var (
	// ErrInvalid says that the request cannot be written, or that it was refused as it is (status 400 to 499), signed by the server or
	// by what stands before it: our data or the buyer's may be the cause.
	ErrInvalid = errors.New("threeds: request is not valid")
	// ErrNoTransaction says that the server does not know the transaction.
	ErrNoTransaction = errors.New("threeds: no such transaction")
	// ErrUnavailable says that the server could not be reached: no whole answer came in time, or one of status 500 to 599. The same
	// request may be sent again.
	ErrUnavailable = errors.New("threeds: server is not available")
	// ErrUntrusted says that an answer cannot be believed: it is not signed, not complete or contradicts itself.
	ErrUntrusted = errors.New("threeds: answer cannot be believed")
)

// ErrMessage says that what a browser brought is not what an access control server sends.
var ErrMessage = errors.New("threeds: message of the browser cannot be read")

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...)
}

func untrusted(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrUntrusted}, args...)...)
}

func unavailable(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrUnavailable}, args...)...)
}
