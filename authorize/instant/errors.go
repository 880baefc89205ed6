package instant

import (
	"errors"
	"fmt"
)

// The kinds of failure of a call. Every error of a call wraps exactly one of them.
var (
	// ErrNotSent says that nothing happened at the bank: the request did not leave, or the bank said so.
	ErrNotSent = errors.New("instant: not sent")
	// ErrUnknown says that the request may have left and no answer can be trusted. It is never a refusal: ask again with
	// the same id.
	ErrUnknown = errors.New("instant: outcome unknown")
	// ErrRefused says that the bank refused the request and did nothing. The error is a [RefusedError].
	ErrRefused = errors.New("instant: refused")
)

// Causes that accompany ErrNotSent.
var (
	// ErrInvalid says that the arguments cannot be sent; sending them again will not help.
	ErrInvalid = errors.New("invalid request")
	// ErrUnavailable says that the bank answered that it cannot serve now and did nothing.
	ErrUnavailable = errors.New("the bank is unavailable")
	// ErrBreakerOpen says that the bank failed repeatedly and is being left alone.
	ErrBreakerOpen = errors.New("circuit breaker is open")
)

// Causes that accompany ErrUnknown; ErrTimeout also accompanies ErrNotSent when no connection could be had.
var (
	// ErrTimeout says that Options.Timeout passed.
	ErrTimeout = errors.New("no answer in time")
	// ErrUntrusted says that an answer came that cannot be believed: its signature, form or content is wrong.
	ErrUntrusted = errors.New("answer cannot be trusted")
)

// ErrNotFound says that the bank does not know what the request names. It accompanies ErrRefused.
var ErrNotFound = errors.New("instant: not found")

// Errors of [Client.VerifyNotification].
var (
	// ErrForged says that a notification is not from the bank, or is too old: its key, signature or time is wrong.
	ErrForged = errors.New("instant: notification is not authentic")
	// ErrMalformed says that a notification is from the bank but cannot be read.
	ErrMalformed = errors.New("instant: notification cannot be read")
)

// RefusedError is a refusal of the bank. It wraps ErrRefused, and ErrNotFound when the code is "not_found".
type RefusedError struct {
	// Status is the HTTP status, Code the bank's code and Message its words for a developer, at most 200 bytes.
	Status  int
	Code    string
	Message string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("instant: the bank refused: %s (%d): %q", e.Code, e.Status, e.Message)
}

// Is reports whether target is ErrRefused, or ErrNotFound for a refusal of that code.
func (e *RefusedError) Is(target error) bool {
	return target == ErrRefused || target == ErrNotFound && e.Code == "not_found"
}

func notSent(cause error) error { return fmt.Errorf("%w: %w", ErrNotSent, cause) }
func unknown(cause error) error { return fmt.Errorf("%w: %w", ErrUnknown, cause) }

func invalid(format string, args ...any) error {
	return notSent(fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...))
}

func untrusted(format string, args ...any) error {
	return unknown(fmt.Errorf("%w: "+format, append([]any{ErrUntrusted}, args...)...))
}
