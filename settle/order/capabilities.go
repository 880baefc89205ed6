package order

// RefundChannel is how money goes back after the sale has left us.
type RefundChannel string

// The channels a refund can take.
const (
	RefundByFile   RefundChannel = "file"   // a credit record in the next clearing file
	RefundByOnline RefundChannel = "online" // a refund message to the center's online host
)

// LogSource is how a center tells what it approved in a range of time.
type LogSource string

// The sources of logs.
const (
	LogNone   LogSource = ""     // it does not
	LogByFile LogSource = "file" // it leaves files on its file server
	LogByLink LogSource = "link" // its online host answers
)

// Capabilities of a processing center. Differences between centers are only these values and profiles, never code.
type Capabilities struct {
	FinancialRecord bool          // sales need a clearing record in a file; false: single message, the answer moves the money
	TwoStage        bool          // authorizations may hold (Delay=1)
	PartialConfirm  bool          // a confirmation may be for less than the hold
	MultiConfirm    bool          // several confirmations of one authorization
	ReversalPartial bool          // a part of an authorization may be reversed
	Refund          RefundChannel // how money goes back after the sale has left us
	Inquiry         bool          // the outcome of an earlier message may be asked for
	Log             LogSource     // how the center tells what it approved in a range of time
	ReleaseOnFinal  bool          // the center releases the remainder itself on a final record
	MaxAmount       int64         // largest amount that it carries, minor units; 0: MaxCarried
	Instant         bool          // the payer's bank moves the money: never a reversal, refunds online; excludes FinancialRecord and TwoStage
}

// MaxCarried is the largest amount, in minor units, of a message (ISO 8583 DE 4), of a record of a clearing file, and of a
// payment at a partner bank: each has twelve digits.
const MaxCarried = 999_999_999_999

// Largest returns the largest amount, in minor units, that the center carries.
func (c Capabilities) Largest() int64 {
	if c.MaxAmount > 0 {
		return min(c.MaxAmount, MaxCarried)
	}
	return MaxCarried
}
