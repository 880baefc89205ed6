package notification

import (
	"fmt"
	"maps"
	"time"

	"settled/settle/stored"
)

// State is where a notification stands.
type State int16

// The states of notifications. The numbers are stored.
const (
	Pending   State = 1 // tried when it is due
	Delivered State = 2 // the merchant's server has it
	Refused   State = 3 // the merchant's server said no: not tried again
	GivenUp   State = 4 // no answer to any of the tries
)

// Key names a notification: the result of an operation, and how often it has been told.
type Key struct {
	Merchant  int32
	Order     int64
	Operation int16
	Sequence  int16
}

// String is the key as operators write it.
func (k Key) String() string {
	return fmt.Sprintf("%d.%d/%d", k.Order, k.Operation, k.Sequence)
}

// Notification is what a merchant's server is to be told, and what came of it.
type Notification struct {
	Key
	State                 State
	CreatedAt             time.Time
	DueAt                 time.Time // of the next try, while pending
	AskedAt               *time.Time
	AnsweredAt            *time.Time
	Attempts              int16  // tries that were begun
	FirstCode, SecondCode string // as the server answered
	LastError             string // why the last try brought no answer
}

var states = map[State]string{Pending: "pending", Delivered: "delivered",
	Refused: "refused", GivenUp: "given up"}

// String is the state in words.
func (s State) String() string { return stored.Word(states, s) }

// States are the words of the states.
func States() map[State]string { return maps.Clone(states) }
