package settle

import "errors"

// The errors of the books, besides those of packages order and ledger. Each leaves everything as it was.
var (
	ErrClosed        = errors.New("settle: books are closed")
	ErrNotFound      = errors.New("settle: no such order")
	ErrInFlight      = errors.New("settle: an operation of the order is in process")
	ErrOrderExists   = errors.New("settle: order number is in use by a different order")
	ErrNoRoute       = errors.New("settle: currency is not processed for the merchant")
	ErrNoRate        = errors.New("settle: no exchange rate is valid")
	ErrTwoStage      = errors.New("settle: the center does not hold authorizations")
	ErrOneStage      = errors.New("settle: confirmation is not required")
	ErrOperation     = errors.New("settle: operation is not a successful payment")
	ErrExternalReuse = errors.New("settle: external id was used with another amount")
	ErrNumbersEnd    = errors.New("settle: the merchant has used all its bill numbers")
	ErrHeld          = errors.New("settle: the books are held: their database was restored, and a person must let them go on")
	ErrCardErased    = errors.New("settle: the card number was erased, its time to be kept is over: no message or record can name the card any more")
	ErrLate          = errors.New("settle: outcome came after it had become unknown")
)

// ErrEnded is returned for a payment of an order that is paid, closed, out of time or out of tries.
var ErrEnded = errors.New("settle: order cannot be paid any more")
