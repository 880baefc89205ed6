package settle

import (
	"fmt"
	"time"
)

// Kind is a kind of transaction.
type Kind int16

// The kinds of transactions. The numbers are stored.
const (
	Authorization   Kind = 1
	Purchase        Kind = 2
	Reversal        Kind = 3
	PartialReversal Kind = 4
	Refund          Kind = 5
)

// TransactionState is where an exchange with a center stands.
type TransactionState int16

// The states of transactions. The numbers are stored.
const (
	TransactionSent         TransactionState = 1 // on its way, or repeated until it is answered
	TransactionApproved     TransactionState = 2
	TransactionDeclined     TransactionState = 3
	TransactionUnknown      TransactionState = 4 // no answer in time; its reversal is owed
	TransactionReversed     TransactionState = 6 // was unknown or approved, and is reversed for certain
	TransactionStuck        TransactionState = 7 // a reversal that no center would take; a person decides
	TransactionApprovedLate TransactionState = 8 // answered after it was given up, or not believably; its reversal goes on
)

// Transaction is one exchange with a center.
type Transaction struct {
	Number        int16 `db:"transaction"`
	Operation     int16
	Original      *int16
	Slice         *int16
	Kind          Kind
	State         TransactionState
	Amount        int64
	Exchange      int64 `db:"exchange_id"`
	TransmittedAt time.Time
	AnsweredAt    *time.Time
	Attempts      int16
	ActionCode    string
	ApprovalCode  string
	Security      string // how far the buyer was authenticated, 3 digits; empty: 3-D Secure was not asked
	NetworkID     string // the network's name of an approved payment
	MDRBack       *int64 // of an online refund: what it gives back of the MDR of its sale, where the contract says so
	Contract      int32  `db:"contract_id"` // whose prices were posted with an approved single message or an instant payment; 0: neither
}

// unresolved tells that the outcome of a payment was not known in time and its reversal goes on.
func (t *Transaction) unresolved() bool {
	return t.State == TransactionUnknown || t.State == TransactionApprovedLate
}

// Owed is a message that a center is owed, or an answer that it owes us.
type Owed struct {
	Merchant      int32 `db:"merchant_id"`
	Order         int64 `db:"order_id"`
	Transaction   int16
	Operation     int16
	Original      *int16 // the transaction that the message is about
	Slice         *int16
	Center        int16 `db:"center_id"`
	Kind          Kind
	Amount        int64
	Exchange      int64 `db:"exchange_id"` // STAN and RRN of this message
	CreatedAt     time.Time
	TransmittedAt time.Time
	DueAt         time.Time
	Attempts      int16 // transmissions so far, the claimed one included
	LastError     string
}

// Verdict is what a center's answer to an owed message means.
type Verdict int

// The verdicts.
const (
	VerdictDone     Verdict = 1 // approved, or the original is not found: nothing is held or moved any more
	VerdictRefused  Verdict = 2 // refused for good
	VerdictTooLate  Verdict = 3 // a reversal that came after clearing: money must be refunded instead
	VerdictOriginal Verdict = 4 // an inquiry found the original approved, before the merchant was told a final result
)

// STAN returns the 6-digit system trace audit number of an exchange, 1 to 999999.
func STAN(exchange int64) int { return int(exchange%999_999) + 1 }

// RRN returns the 12-digit retrieval reference number of an exchange.
func RRN(exchange int64) string { return fmt.Sprintf("%012d", exchange%1_000_000_000_000) }

func deref(n *int16) int16 {
	if n == nil {
		return 0
	}
	return *n
}
