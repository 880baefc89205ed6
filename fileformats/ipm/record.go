package ipm

import "time"

// Kind is what a presentment does to the cardholder: the first two digits of the processing code (DE 3).
type Kind uint8

// The kinds of presentment.
const (
	Sale   Kind = 0  // debit of the cardholder
	Refund Kind = 20 // credit to the cardholder
)

// Record is one presentment (1240/200): a sale, a refund, or the reversal of either. Text is in byte slices so that a
// million records can be written from one read buffer and read without copies; values from [Reader] are valid until its
// next call. A nil slice is an absent element. A reversal repeats every field of its original and adds Reversal.
type Record struct {
	// Message is the number of the message in its file (DE 71), set by Reader. Writer numbers by itself and sets it.
	Message int64

	Kind Kind
	// Reversal marks that the record undoes an earlier one (PDS 0025).
	Reversal bool
	// ReversalDate is the date on which the center processed the original; 0 when unknown. Only for a reversal.
	ReversalDate Date

	PAN      []byte // DE 2: 12-19 digits
	Amount   int64  // DE 4: minor units of Currency, 0 or more, at most 12 digits
	Currency uint16 // DE 49: ISO 4217 numeric
	Exponent uint8  // PDS 0148: decimals of Currency, one digit
	// LocalTime is the date and time at the card acceptor, to the second; its location is not written. Years 2000-2099.
	LocalTime time.Time // DE 12
	Expiry    []byte    // DE 14: YYMM; nil when unknown

	POSData      []byte // DE 22: 12 characters
	CardSequence []byte // DE 23: 3 digits, chip only
	MCC          []byte // DE 26: 4 digits
	ARN          []byte // DE 31: 23 digits, see [ARN]
	Acquirer     []byte // DE 32: 6-11 digits; optional
	Forwarder    []byte // DE 33: 6-11 digits
	RRN          []byte // DE 37: at most 12 characters
	ApprovalCode []byte // DE 38: at most 6 characters; nil when not authorized online
	Terminal     []byte // DE 41: at most 8 characters
	Acceptor     []byte // DE 42: at most 15 characters
	Location     []byte // DE 43: packed, see [Location]

	TerminalType      []byte // PDS 0023: "CT6" is e-commerce; at most 3 characters
	SecurityLevel     []byte // PDS 0052: 3 digits, "212" cardholder authenticated; nil when 3-D Secure was not asked
	Settlement        byte   // PDS 0165: 'M' settled through the system, 'C' collection only
	AdditionalAmounts []byte // DE 54: items of 20 characters; optional
	ICC               []byte // DE 55: BER-TLV, chip only
	LifeCycle         []byte // DE 63: indicator and 15 characters of trace id, see [AppendLifeCycle]; optional
	Originator        []byte // DE 94: 1-11 digits
}

// The private data of our files.
const (
	pdsTerminalType    = 23
	pdsReversal        = 25
	pdsSecurityLevel   = 52
	pdsFileID          = 105
	pdsMode            = 122
	pdsExponents       = 148
	pdsSettlement      = 165
	pdsAmountChecksum  = 301
	pdsMessageCount    = 306
	pdsTransactionType = 1002
)

// Message types and function codes (DE 24).
const (
	mtiPresentment   = "1240"
	mtiFile          = "1644"
	functionHeader   = "697"
	functionTrailer  = "695"
	functionFirst    = "200"
	functionReject   = "699"
	functionMessage  = "691"
	functionText     = "693"
	functionPosition = "685"
)

// transactionType returns the SmartVista transaction type of a kind.
func (k Kind) transactionType() uint64 {
	if k == Refund {
		return 775
	}
	return 774
}

// traceSize is the width of the trace id in a life-cycle id.
const traceSize = 15

// AppendLifeCycle appends the life-cycle id (DE 63) that names the payment in the network: an indicator, here a space,
// and the network transaction id of its authorization, filled with spaces to 15 characters. An empty trace appends
// nothing. The error is [ErrValue] for one that is too long.
func AppendLifeCycle[T string | []byte](dst []byte, trace T) ([]byte, error) {
	if len(trace) > traceSize {
		return dst, ErrValue
	}
	if len(trace) == 0 {
		return dst, nil
	}
	dst = append(append(dst, ' '), trace...)
	for range traceSize - len(trace) {
		dst = append(dst, ' ')
	}
	return dst, nil
}
