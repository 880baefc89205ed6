package settle

import (
	"settled/settle/stored"
)

var operationKinds = map[OperationKind]string{
	OperationPayment: "payment", OperationConfirmation: "confirmation", OperationCancellation: "cancellation"}

// String is the kind in a word.
func (k OperationKind) String() string { return stored.Word(operationKinds, k) }

var operationStates = map[OperationState]string{OperationInProcess: "in process", OperationDone: "done",
	OperationPartial: "done in part", OperationFailed: "failed", OperationTimedOut: "timed out"}

// String is the state in words.
func (s OperationState) String() string { return stored.Word(operationStates, s) }

var kinds = map[Kind]string{Authorization: "authorization", Purchase: "purchase", Reversal: "reversal",
	PartialReversal: "partial reversal", Refund: "refund"}

// String is the kind in words.
func (k Kind) String() string { return stored.Word(kinds, k) }

var transactionStates = map[TransactionState]string{TransactionSent: "sent", TransactionApproved: "approved",
	TransactionDeclined: "declined", TransactionUnknown: "unknown", TransactionReversed: "reversed",
	TransactionStuck: "stuck", TransactionApprovedLate: "approved late"}

// String is the state in words.
func (s TransactionState) String() string { return stored.Word(transactionStates, s) }

var actors = map[Actor]string{ByMerchant: "merchant", ByOperator: "operator", BySystem: "system"}

// String is the actor in a word.
func (a Actor) String() string { return stored.Word(actors, a) }

var instantStates = map[InstantState]string{InstantRequested: "requested", InstantActive: "active", InstantPaid: "paid",
	InstantExpired: "expired", InstantRefused: "refused"}

// String is the state in a word.
func (s InstantState) String() string { return stored.Word(instantStates, s) }

var recordKinds = map[RecordKind]string{Sale: "sale", Credit: "credit"}

// String is the kind in a word.
func (k RecordKind) String() string { return stored.Word(recordKinds, k) }

var reasons = map[int16]string{0: "", ReasonShop: "shop", ReasonCustomer: "customer", ReasonFraud: "fraud", ReasonExpiry: "hold expired"}

// ReasonName is the reason of a cancellation in words; empty for none.
func ReasonName(reason int16) string { return stored.Word(reasons, reason) }
