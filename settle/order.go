package settle

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"settled/internal/money"
	"settled/settle/authentication"
	"settled/settle/order"
	"settled/settle/subscription"
)

// Order is a view of an order and, when loaded with them, all that belongs to it.
type Order struct {
	Merchant         int32
	ID               int64 // the billnumber
	Number           string
	Attempt          int16
	Amount           money.Amount
	Status           order.Status
	Amounts          order.Amounts
	Center           int16
	TwoStage         bool
	CreatedAt        time.Time
	HoldExpiresAt    time.Time // zero when nothing is held for a confirmation
	CardMask         string
	CardExpiry       string // YYMM
	Details          json.RawMessage
	PaymentNumber    int16               // number of the last payment operation, on record or on its way; 0: none yet
	Means            order.Means         // of the last payment operation
	TriesLeft        int16               // payment operations that may still be begun
	Original         money.Amount        // as the merchant asked; Amount is what is paid
	Rate             string              // units of Amount's currency for one of Original's; "1" when they are the same
	PayBefore        time.Time           // of an opened order: when it is closed unless it is paid; zero: not opened on a page
	Parent           int64               // the first order of the subscription that this is a later payment of, or 0
	Customer         string              // the merchant's number of the buyer, or empty
	Terms            *subscription.Terms // what the buyer agrees to by paying, nil unless the order begins a subscription; only of an order read whole
	CardErasedAt     time.Time           // zero while the card number is kept
	PersonalErasedAt time.Time           // zero while what the order says of its buyer is kept
	Operations       []Operation
	Transactions     []Transaction
	Owed             []Owed
	fingerprint      []byte
	card             []byte
	exchange         int64
	lastOperation    int16
	lastTxn          int16
	paymentTxn       int16
}

// State derives the order's state.
func (o *Order) State() order.State { return order.StateOf(o.Status, o.Amounts) }

// Operation returns an operation by number, or nil.
func (o *Order) Operation(number int16) *Operation {
	for i := range o.Operations {
		if o.Operations[i].Number == number {
			return &o.Operations[i]
		}
	}
	return nil
}

// Transaction returns a transaction by number, or nil.
func (o *Order) Transaction(number int16) *Transaction {
	for i := range o.Transactions {
		if o.Transactions[i].Number == number {
			return &o.Transactions[i]
		}
	}
	return nil
}

// Payment returns the operation that paid the order, else the last that tried to, or nil when there is none on record.
func (o *Order) Payment() *Operation { return o.Operation(o.PaymentNumber) }

// PaymentTransaction returns the exchange of the last payment operation, or nil when it has no outcome yet.
func (o *Order) PaymentTransaction() *Transaction { return o.Transaction(o.paymentTxn) }

// OnItsWay returns the payment operation that is sent and has no row yet, or nil. The order must be loaded with what
// belongs to it.
func (o *Order) OnItsWay() *Operation {
	if o.Status != order.InProcess || o.PaymentNumber == 0 || o.Payment() != nil {
		return nil
	}
	op := Operation{Number: o.PaymentNumber, Kind: OperationPayment, State: OperationInProcess, Actor: ByMerchant,
		Amount: o.Amount.Minor, RequestedAt: o.CreatedAt, Response: responseInProcess, Means: o.Means}
	for _, e := range o.Owed {
		if e.Operation == op.Number && (e.Kind == Authorization || e.Kind == Purchase) {
			op.RequestedAt = e.CreatedAt
		}
	}
	return &op
}

// operationStates are the states of the operations by number.
func (o *Order) operationStates() map[int16]OperationState {
	states := make(map[int16]OperationState, len(o.Operations))
	for _, op := range o.Operations {
		states[op.Number] = op.State
	}
	return states
}

// unpaid tells that an order was opened for a buyer who has not paid it: he still may, or its shop has cancelled it.
func (o *Order) unpaid() bool {
	return !o.PayBefore.IsZero() && (o.Status == order.InProcess || o.Status == order.Withdrawn)
}

// sealedCard is the card number of the order, sealed; ErrCardErased when its time is over.
func (o *Order) sealedCard() ([]byte, error) {
	if !o.CardErasedAt.IsZero() {
		return nil, fmt.Errorf("%w: order %d, on %s", ErrCardErased, o.ID, o.CardErasedAt.UTC().Format(time.DateOnly))
	}
	return o.card, nil
}

// CardOf returns the mask of the card that an operation was made with, and its expiry as MM/YY; empty for other means.
func (o *Order) CardOf(op *Operation) (mask, expiry string) {
	if op.CardMask == nil || op.CardExpiry == nil {
		return o.CardMask, o.CardExpires()
	}
	return *op.CardMask, order.CardExpires(*op.CardExpiry)
}

// CardExpires formats the card's expiry as MM/YY.
func (o *Order) CardExpires() string {
	return order.CardExpires(o.CardExpiry)
}

// Authenticating returns the authentication that the order's payment waits for, or nil.
func (o *Order) Authenticating(ctx context.Context, from *authentication.Book) (*authentication.Authentication, error) {
	if o.Status != order.InProcess {
		return nil, nil
	}
	return from.Waiting(ctx, o.Merchant, o.ID, o.PaymentNumber)
}

// Matches tells that the order was made by a request with this fingerprint.
func (o *Order) Matches(f Fingerprint) bool { return f.likens(o.fingerprint) == same }
