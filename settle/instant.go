package settle

import (
	"fmt"
	"time"

	"settled/internal/money"
)

// InstantState is where an instant payment stands at the partner bank.
type InstantState int16

// The states of instant payments. The numbers are stored.
const (
	InstantRequested InstantState = 1 // the bank is being asked to register it; asking again with the same id is safe
	InstantActive    InstantState = 2 // the bank waits for the payer
	InstantPaid      InstantState = 3 // final
	InstantExpired   InstantState = 4 // the bank said after its end that it is not paid; a late payment is still taken
	InstantRefused   InstantState = 5 // final: surely never paid
)

// InstantPayment is a payment operation that the payer's bank carries out. Its id at the partner bank is ID.
type InstantPayment struct {
	Merchant      int32
	Order         int64
	Operation     int16
	Center        int16
	State         InstantState
	Amount        money.Amount
	Rate          string // that the amount was converted at
	RegisteredAt  time.Time
	ExpiresAt     time.Time
	PollAt        *time.Time // next question to the bank; nil: none is due any more
	Polls         int32
	BankID        string // the bank's id, empty until it is registered
	Payload       string // what the QR says, and where a phone goes
	BankOperation *string
	PaidAt        *time.Time
	Late          bool // paid after the order had been closed
	LastError     string
	Fresh         bool // begun by the call that returned it: nobody has asked the bank for it before
}

// ID is our id of the payment at the partner bank: the extended billnumber.
func (p *InstantPayment) ID() string { return fmt.Sprintf("%d.%d", p.Order, p.Operation) }

// Paid is what the partner bank says of a payment that was made.
type Paid struct {
	Center    int16  // whose word it is
	Operation string // the scheme's id of the payment
	Amount    money.Amount
	At        time.Time
	Consent   string // the token of the consent that the payer gave to later payments; empty: none. It is never logged
}

// InstantEnd says how an instant payment ended that was not made.
type InstantEnd int

// The ends of instant payments.
const (
	EndExpired InstantEnd = 1 // the bank said so after its time; it is asked for a day more, and believed if it was paid after all
	EndRefused InstantEnd = 2 // by the payer or the bank
	EndLeft    InstantEnd = 3 // never registered, or taken back because the payer chose other means: no try is lost
)
