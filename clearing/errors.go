package clearing

import (
	"errors"

	"github.com/jackc/pgx/v5"
)

// The errors of the night, besides those of packages settle, ledger, remote and schedules.
var (
	ErrNotFound = errors.New("clearing: no such row")
	ErrNotDue   = errors.New("clearing: not due")
	ErrOrder    = errors.New("clearing: an earlier one must go first")
	ErrState    = errors.New("clearing: not possible in this state")
	ErrContract = errors.New("clearing: merchant has no contract with the center")
	ErrTotals   = errors.New("clearing: the bytes of a file disagree with its batch")
	ErrFenced   = errors.New("clearing: another worker has taken over")
	ErrClock    = errors.New("clearing: nothing is sealed until the clocks agree")
)

// ErrBusy means that another worker has the center's connection; ErrParked that the center refused our login or showed
// another host key too often, so that it is left alone for a while.
//
// ErrRecorded marks an attempt that failed and was written down with the time of the next one.
var (
	ErrBusy     = errors.New("clearing: another worker is connected to the center")
	ErrParked   = errors.New("clearing: the center is left alone after refused logins")
	ErrRecorded = errors.New("the attempt failed, the next one is planned")
)

// ErrUnwritten means that not one record of a batch can be written, because no card of it opens: that is the fault of our keys,
// not of the records, so nothing is left out and no file goes.
var ErrUnwritten = errors.New("clearing: no card of the batch opens")

// ErrKeyMissing means that a card was sealed with a key of the database that this worker does not have, as after a rotation that its
// key file did not get: the record is good, so it is not left out, and no file goes.
var ErrKeyMissing = errors.New("clearing: this worker lacks a key of the database")

// isNotFound reports that a query found no row.
func isNotFound(err error) bool { return errors.Is(err, pgx.ErrNoRows) || errors.Is(err, ErrNotFound) }
