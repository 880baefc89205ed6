package settle

import (
	"time"

	"settled/settle/order"
)

// OperationKind is the kind of an operation, numbered as on the merchant's wire.
type OperationKind int16

// The kinds of operations.
const (
	OperationPayment      OperationKind = 100
	OperationConfirmation OperationKind = 200
	OperationCancellation OperationKind = 300
)

// OperationState is where an operation stands.
type OperationState int16

// The states of operations. The numbers are stored.
const (
	OperationInProcess OperationState = 1 // a center owes an answer that decides it
	OperationDone      OperationState = 2 // final: it took effect
	OperationPartial   OperationState = 3 // final: some parts took effect
	OperationFailed    OperationState = 4 // final: refused
	OperationTimedOut  OperationState = 5 // final: closed, an unknown outcome was resolved as reversed
)

// Actor is who asked for an operation.
type Actor int16

// The actors.
const (
	ByMerchant Actor = 1
	ByOperator Actor = 2
	BySystem   Actor = 3
)

// Reasons of a cancellation: 1 to 3 are the merchant protocol's, the others our own.
const (
	ReasonShop     int16 = 1
	ReasonCustomer int16 = 2
	ReasonFraud    int16 = 3
	ReasonExpiry   int16 = 4
)

// responseDone is the response code of an operation that took effect; responseInProcess of one that is still decided.
const (
	responseDone      = "AS000"
	responseInProcess = "AS300"
	responseDeclined  = "AS100"
)

// Operation is one step on an order.
type Operation struct {
	Number      int16 `db:"operation"`
	Kind        OperationKind
	State       OperationState
	Actor       Actor
	Reason      int16
	Amount      int64
	Asked       *int64 `db:"asked_amount"` // as asked; nil is everything possible
	AutoDeposit bool
	RequestedAt time.Time
	CompletedAt *time.Time
	Response    string
	External    *string `db:"external_id"`
	Note        string
	Record      *int64 `db:"record_id"`
	Window      *int32 `db:"window_id"`
	Refunded    int64
	Means       order.Means
	CardMask    *string // of a payment that was not the last; nil: the order's
	CardExpiry  *string // YYMM
	// What the refunds of the slice that stand give back of the fees of its sale.
	InterchangeBack, MDRBack int64
	ToldAt                   *time.Time // when the merchant was handed the answer with the final result; nil: not known to have been
}

// succeeded tells that an operation took effect, wholly or in part.
func (op *Operation) succeeded() bool {
	return op.State == OperationDone || op.State == OperationPartial
}

func joinNotes(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}
