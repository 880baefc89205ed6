package settle

import (
	"maps"
	"strconv"
)

// word returns the word of a stored number, or the number itself.
func word[T ~int16](words map[T]string, n T) string {
	if w, ok := words[n]; ok {
		return w
	}
	return strconv.Itoa(int(n))
}

var operationKinds = map[OperationKind]string{
	OperationPayment: "payment", OperationConfirmation: "confirmation", OperationCancellation: "cancellation"}

// String is the kind in a word.
func (k OperationKind) String() string { return word(operationKinds, k) }

var operationStates = map[OperationState]string{OperationInProcess: "in process", OperationDone: "done",
	OperationPartial: "done in part", OperationFailed: "failed", OperationTimedOut: "timed out"}

// String is the state in words.
func (s OperationState) String() string { return word(operationStates, s) }

var kinds = map[Kind]string{Authorization: "authorization", Purchase: "purchase", Reversal: "reversal",
	PartialReversal: "partial reversal", Refund: "refund"}

// String is the kind in words.
func (k Kind) String() string { return word(kinds, k) }

var transactionStates = map[TransactionState]string{TransactionSent: "sent", TransactionApproved: "approved",
	TransactionDeclined: "declined", TransactionUnknown: "unknown", TransactionReversed: "reversed",
	TransactionStuck: "stuck", TransactionApprovedLate: "approved late"}

// String is the state in words.
func (s TransactionState) String() string { return word(transactionStates, s) }

var actors = map[Actor]string{ByMerchant: "merchant", ByOperator: "operator", BySystem: "system"}

// String is the actor in a word.
func (a Actor) String() string { return word(actors, a) }

var authenticationStates = map[AuthenticationState]string{AuthenticationMethod: "method", AuthenticationChallenge: "challenge",
	AuthenticationPassed: "passed", AuthenticationFailed: "failed"}

// String is the state in a word.
func (s AuthenticationState) String() string { return word(authenticationStates, s) }

var notificationStates = map[NotificationState]string{NotificationPending: "pending", NotificationDelivered: "delivered",
	NotificationRefused: "refused", NotificationGivenUp: "given up"}

// String is the state in words.
func (s NotificationState) String() string { return word(notificationStates, s) }

// NotificationStates are the words of the states.
func NotificationStates() map[NotificationState]string { return maps.Clone(notificationStates) }

var instantStates = map[InstantState]string{InstantRequested: "requested", InstantActive: "active", InstantPaid: "paid",
	InstantExpired: "expired", InstantRefused: "refused"}

// String is the state in a word.
func (s InstantState) String() string { return word(instantStates, s) }

var recordKinds = map[RecordKind]string{Sale: "sale", Credit: "credit"}

// String is the kind in a word.
func (k RecordKind) String() string { return word(recordKinds, k) }

var reasons = map[int16]string{0: "", ReasonShop: "shop", ReasonCustomer: "customer", ReasonFraud: "fraud", ReasonExpiry: "hold expired"}

// ReasonName is the reason of a cancellation in words; empty for none.
func ReasonName(reason int16) string { return word(reasons, reason) }
