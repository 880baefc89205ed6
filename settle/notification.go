package settle

import (
	"fmt"
	"time"
)

// NotificationState is where a notification stands.
type NotificationState int16

// The states of notifications. The numbers are stored.
const (
	NotificationPending   NotificationState = 1 // tried when it is due
	NotificationDelivered NotificationState = 2 // the merchant's server has it
	NotificationRefused   NotificationState = 3 // the merchant's server said no: not tried again
	NotificationGivenUp   NotificationState = 4 // no answer to any of the tries
)

// NotificationKey names a notification: the result of an operation, and how often it has been told.
type NotificationKey struct {
	Merchant  int32
	Order     int64
	Operation int16
	Sequence  int16
}

// String is the key as operators write it.
func (k NotificationKey) String() string {
	return fmt.Sprintf("%d.%d/%d", k.Order, k.Operation, k.Sequence)
}

// Notification is what a merchant's server is to be told, and what came of it.
type Notification struct {
	NotificationKey
	State                 NotificationState
	CreatedAt             time.Time
	DueAt                 time.Time // of the next try, while pending
	AskedAt               *time.Time
	AnsweredAt            *time.Time
	Attempts              int16  // tries that were begun
	FirstCode, SecondCode string // as the server answered
	LastError             string // why the last try brought no answer
}
