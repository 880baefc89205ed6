package clearing

import (
	"errors"
)

// The errors of the night itself; those of all its rooms are in packages states and files, and there are those of settle, ledger, remote
// and schedules.
var (
	ErrContract = errors.New("clearing: merchant has no contract with the center")
	ErrClock    = errors.New("clearing: nothing is sealed until the clocks agree")
)

// ErrUnwritten means that not one record of a batch can be written, because no card of it opens: that is the fault of our keys,
// not of the records, so nothing is left out and no file goes.
var ErrUnwritten = errors.New("clearing: no card of the batch opens")

// ErrKeyMissing means that a card was sealed with a key of the database that this worker does not have, as after a rotation that its
// key file did not get: the record is good, so it is not left out, and no file goes.
var ErrKeyMissing = errors.New("clearing: this worker lacks a key of the database")
