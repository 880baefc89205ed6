package threeds

import (
	"errors"
	"fmt"
)

// The kinds of failure. Every error of Start, Authenticate and Result wraps exactly one of them.
var (
	// ErrInvalid says that the request cannot be written, or that the server refuses it as it is.
	ErrInvalid = errors.New("threeds: request is not valid")
	// ErrNoTransaction says that the server does not know the transaction.
	ErrNoTransaction = errors.New("threeds: no such transaction")
	// ErrUnavailable says that no usable answer came: none in time, an error of the server, or one that is not signed, not
	// complete or contradicts itself. The same request may be sent again.
	ErrUnavailable = errors.New("threeds: server is not available")
)

// ErrMessage says that what a browser brought is not what an access control server sends.
var ErrMessage = errors.New("threeds: message of the browser cannot be read")

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...)
}

func unavailable(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrUnavailable}, args...)...)
}
