package reconcile

import (
	"strconv"
	"time"

	"settled/internal/money"
	"settled/settle"
	"settled/settle/breaks"
	"settled/settle/stored"
)

// CenterApproval is what a center's log says of a payment or refund that it approved.
type CenterApproval struct {
	Kind      settle.Kind // authorization, purchase or refund
	Terminal  string
	Acceptor  string
	STAN, RRN string
	Sent      time.Time // transmission, to the second
	Amount    money.Amount
	Reversed  int64 // of it, minor units
	Approval  string
}

// standing is what is left of the approval: held, or moved and not taken back.
func (a *CenterApproval) standing() int64 { return a.Amount.Minor - a.Reversed }

// exchange is the number that trace and reference number come from; false when they are not from our numbering.
func (a *CenterApproval) exchange() (int64, bool) {
	n, err := strconv.ParseInt(a.RRN, 10, 64)
	if err != nil || n <= 0 || settle.RRN(n) != a.RRN {
		return 0, false
	}
	stan, err := strconv.Atoi(a.STAN)
	return n, err == nil && stan == settle.STAN(n)
}

// knownExchange is a payment or refund as our books have it.
type knownExchange struct {
	Exchange    int64
	Merchant    int32
	Order       int64
	Transaction int16
	Kind        settle.Kind
	State       settle.TransactionState // sent: it waits for its outcome
	Amount      int64
	Currency    int16
	Center      int16
	Sent        time.Time
	Last        bool       // currency and center are those of this very payment
	Reversed    int64      // what the center confirmed of reversals, whole and partial
	Refunded    int64      // what it confirmed of refunds
	Pending     bool       // a reversal or refund of it is on its way, or a person decides about one
	Changed     *time.Time // last answer about it
}

// settled tells that its outcome was known at an instant, and that nothing about it was or is on its way.
func (k *knownExchange) settled(at time.Time) bool {
	known := k.State == settle.TransactionApproved || k.State == settle.TransactionDeclined || k.State == settle.TransactionReversed
	return known && !k.Pending && (k.Changed == nil || k.Changed.Before(at))
}

// facts are what is known of an exchange besides the two sides.
type facts struct {
	Sure     time.Time    // what was true before shows in the center's log
	Numbered bool         // its trace and reference number are from our numbering
	Given    bool         // this database has given the number out
	Terminal bool         // it came from a terminal of ours
	Handled  UnknownState // what became of it as an unknown approval before Sure; 0: it was none
}

// difference is what a center's log and our books disagree on.
type difference int

const (
	agree           difference = iota
	unknownApproval            // our books have nothing of it: it is reversed
	undeadApproval             // our books have it as ended, the center as standing: it is reversed
	unknownRefund              // money went back that our books know nothing of
	strange                    // it is not from our numbers or terminals
	neverGiven                 // its number was never given out by this database
	otherExchange              // kind, time, amount, currency or center differ
	stillStanding              // less was reversed at the center than our books have confirmed
	notStanding                // all was reversed at the center, our books have it as standing
	missing                    // our books have it as approved, the center has nothing
	reversedBefore             // it was reversed as unknown before, and stands again
)

// differences say how a break of each kind is told: its category and words.
var differences = map[difference]struct {
	category breaks.Category
	words    string
}{
	unknownApproval: {breaks.NotInBooks, "the center approved it and our books have nothing of it: its reversal is owed"},
	undeadApproval:  {breaks.OtherEnd, "the center has it as standing, our books as ended without money: its reversal is owed"},
	unknownRefund:   {breaks.NotInBooks, "the center gave money back that our books know nothing of: a person decides"},
	strange:         {breaks.NotInBooks, "the center approved it, and its numbers or terminal are not ours: a person decides"},
	neverGiven: {breaks.NotInBooks, "the center approved it under a number that this database has not given out, as after a restore of an old " +
		"backup, when the merchant may have been told that it was paid: a person decides"},
	otherExchange:  {breaks.OtherTerms, "the center has another kind, time, amount, currency or center of it than our books: a person decides"},
	stillStanding:  {breaks.OtherEnd, "the center has reversed less of it than it confirmed to us: a person decides"},
	notStanding:    {breaks.OtherEnd, "the center has reversed all of it, our books have it as standing: a person decides"},
	missing:        {breaks.NotAtCenter, "our books have it as approved, the center's log has nothing of it: a person decides"},
	reversedBefore: {breaks.OtherEnd, "the center confirmed its reversal as an unknown approval, and has it as standing again: a person decides"},
}

// reverses tells that the difference owes the center a reversal.
func (d difference) reverses() bool { return d == unknownApproval || d == undeadApproval }

// judge compares one exchange. Either side may be nil, not both. What is on its way, or changed after the log was made,
// agrees: it has an end of its own.
func judge(theirs *CenterApproval, ours *knownExchange, f facts) difference {
	switch {
	case theirs == nil:
		return judgeMissing(ours, f)
	case f.Handled == UnknownReversed && theirs.standing() > 0:
		return reversedBefore
	case f.Handled != 0:
		return agree
	case ours == nil:
		return judgeUnknown(theirs, f)
	case !ours.settled(f.Sure):
		return agree
	case ours.differs(theirs):
		return otherExchange
	}
	return judgeKnown(theirs, ours)
}

func judgeMissing(ours *knownExchange, f facts) difference {
	sure := ours.settled(f.Sure) && ours.Sent.Before(f.Sure)
	if sure && f.Handled == 0 && ours.State == settle.TransactionApproved && ours.Reversed < ours.Amount {
		return missing
	}
	return agree
}

func judgeUnknown(theirs *CenterApproval, f facts) difference {
	switch {
	case theirs.standing() == 0:
		return agree
	case !f.Numbered || !f.Terminal:
		return strange
	case !f.Given:
		return neverGiven
	case theirs.Kind == settle.Refund:
		return unknownRefund
	}
	return unknownApproval
}

// differs tells that the two are not the same message.
func (k *knownExchange) differs(a *CenterApproval) bool {
	return k.Kind != a.Kind || k.Amount != a.Amount.Minor || k.Last && k.Currency != int16(a.Amount.Currency) ||
		!k.Sent.Truncate(time.Second).Equal(a.Sent)
}

func judgeKnown(theirs *CenterApproval, ours *knownExchange) difference {
	gone := ours.State != settle.TransactionApproved || ours.Reversed == ours.Amount // nothing of it stands in our books
	switch {
	case gone && theirs.standing() <= ours.Refunded:
		return agree
	case gone && theirs.Kind == settle.Refund:
		return unknownRefund
	case gone:
		return undeadApproval
	case theirs.standing() == 0:
		return notStanding
	case theirs.Reversed < ours.Reversed:
		return stillStanding
	}
	return agree
}

// UnknownState is where the reversal of an unknown approval stands.
type UnknownState int16

// The states of unknown approvals. The numbers are stored.
const (
	UnknownOwed     UnknownState = 1 // its reversal is repeated until the center answers
	UnknownReversed UnknownState = 2 // the center confirmed that nothing of it is left
	UnknownStuck    UnknownState = 3 // the center refused, or did not answer in time: a person decides
)

var unknownStates = map[UnknownState]string{UnknownOwed: "reversal owed", UnknownReversed: "reversed", UnknownStuck: "stuck"}

// String is the state in words.
func (s UnknownState) String() string { return stored.Word(unknownStates, s) }

// UnknownApproval is an approval that a center's log shows and that our books do not know, or have as ended, with the
// reversal that it owes. It has no order: what made it was lost, or ended without it.
type UnknownApproval struct {
	Center        int16
	Exchange      int64       // of the approval: its STAN and RRN
	Reversal      int64       // exchange of the reversal
	Kind          settle.Kind // authorization or purchase
	Amount        money.Amount
	Terminal      string
	Acceptor      string
	Merchant      int32     // of the terminal
	Order         int64     // that our books have of it; 0: none
	SentAt        time.Time // transmission of the approval
	TransmittedAt time.Time // first transmission of the reversal
	FoundAt       time.Time
	SettledAt     *time.Time
	State         UnknownState
	Attempts      int16 // transmissions so far, the claimed one included
	ActionCode    string
	LastError     string
	Log           int64
	Break         int64
}
