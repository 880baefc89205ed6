package order

// RefundChannel is how money goes back after the sale has left us.
type RefundChannel string

// The channels a refund can take.
const (
	RefundByFile   RefundChannel = "file"   // a credit record in the next clearing file
	RefundByOnline RefundChannel = "online" // a refund message to the center's online host
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
	ReleaseOnFinal  bool          // the center releases the remainder itself on a final record
	Instant         bool          // the payer's bank moves the money: never a reversal, refunds online; excludes FinancialRecord and TwoStage
}
