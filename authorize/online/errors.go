package online

import "errors"

// The two kinds of failure of an exchange. Every error of Host.Exchange wraps exactly one of them and a cause.
var (
	// ErrNotSent says that no byte of the request left: nothing happened at the center, and the same request may be
	// sent again.
	ErrNotSent = errors.New("online: not sent")
	// ErrUnknown says that bytes may have left and no answer can be trusted. It is never a decline: the outcome has to
	// be found out by an inquiry or undone by a reversal.
	ErrUnknown = errors.New("online: outcome unknown")
)

// Causes that accompany ErrNotSent.
var (
	// ErrInvalidRequest says that the request cannot be written as a message; sending it again will not help.
	ErrInvalidRequest = errors.New("invalid request")
	// ErrBreakerOpen says that the center failed repeatedly and is being left alone.
	ErrBreakerOpen = errors.New("circuit breaker is open")
	// ErrNoConnection says that no connection to the center is up.
	ErrNoConnection = errors.New("no connection to the center")
	// ErrBusy says that Options.MaxInFlight requests are already in flight.
	ErrBusy = errors.New("too many requests in flight")
	// ErrInFlight says that a request with the same match key is in flight.
	ErrInFlight = errors.New("a request with this match key is in flight")
	// ErrClosed says that the client is closing or closed.
	ErrClosed = errors.New("client is closed")
)

// Causes that accompany ErrUnknown; ErrTimeout also accompanies ErrNotSent when the request was still queued.
var (
	// ErrTimeout says that Options.Timeout passed.
	ErrTimeout = errors.New("no answer in time")
	// ErrConnectionLost says that the connection ended after the request was given to it.
	ErrConnectionLost = errors.New("connection lost")
	// ErrUntrusted says that the center answered, but its answer cannot be believed: it echoes another amount or
	// lacks a usable action code.
	ErrUntrusted = errors.New("answer cannot be trusted")
)

// failure is an outcome kind (ErrNotSent or ErrUnknown) with its cause.
type failure struct{ kind, cause error }

func (f *failure) Error() string   { return f.kind.Error() + ": " + f.cause.Error() }
func (f *failure) Unwrap() []error { return []error{f.kind, f.cause} }

// The failures of every day, made once.
var (
	errBreakerOpen  = notSent(ErrBreakerOpen)
	errNoConnection = notSent(ErrNoConnection)
	errBusy         = notSent(ErrBusy)
	errInFlight     = notSent(ErrInFlight)
	errClosed       = notSent(ErrClosed)
	errUntrusted    = unknown(ErrUntrusted)
)

func notSent(cause error) error { return &failure{ErrNotSent, cause} }
func unknown(cause error) error { return &failure{ErrUnknown, cause} }
