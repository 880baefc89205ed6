package order

import (
	"fmt"
	"slices"
)

// Fate is where the clearing record of a slice stands, as read under lock.
type Fate int

// The fates of a slice. They are decided by committed states under lock, and by the cut-off instant of the window: a
// window whose cut-off has passed is closed even if its seal is late.
const (
	FateNone     Fate = iota // single message: there is no record, the money has moved
	FateOpen                 // in the open batch: it can still be withdrawn or reduced
	FateSealed               // sealed, sent, accepted or settled: only a refund gives it back
	FateRejected             // refused by the center: nothing was presented
)

// Slice is a confirmed part of an order as a cancel sees it.
type Slice struct {
	Operation int   // the confirming operation
	Amount    int64 // minor units
	Refunded  int64 // given back already, pending included
	Credited  int64 // of Refunded, what credits and refunds gave back: that much of the sale still stands
	Implicit  int64 // given up by AutoDeposit for the center to release on the slice's final record
	Fate      Fate
	BankDay   bool // single message: the center's bank day of the purchase is still open
}

// Left is what of the slice can still be given back.
func (s Slice) Left() int64 { return s.Amount - s.Refunded }

// Action is what a cancel creates for one part.
type Action string

// The actions of a cancel, one per row of the decision table (docs/cancel.md).
const (
	ActionRelease         Action = "release hold"            // hold given up; reversal as planned
	ActionVoid            Action = "void record"             // record withdrawn before the seal, authorization reversed
	ActionReduce          Action = "reduce record"           // record reduced before the seal, that part reversed
	ActionCredit          Action = "credit record"           // refund in the next clearing file
	ActionRefundOnline    Action = "online refund"           // refund message to the center
	ActionPurchaseReverse Action = "reversal of purchase"    // single message, same bank day, whole amount; never instant
	ActionAbandon         Action = "abandon rejected record" // nothing was presented; authorization reversed
)

// Part is one piece of a cancel: how much of which slice (0: the hold), and what is created for it.
type Part struct {
	Slice  int // confirming operation, 0 for the hold
	Amount int64
	Action Action
}

// Cancellation is the plan of a cancel.
type Cancellation struct {
	Parts   []Part
	Release Release // how the part of the authorization that was never presented is given back to the payer
	Freed   int64   // amount of that release: hold, voided, reduced and abandoned parts, and what a final record would have released
}

// PlanCancel decides a cancel of amount (0: everything). Allocation: first the hold, then slices that have not left us
// (newest first), then slices that have (oldest first). The parts never exceed what each slice has left.
func PlanCancel(a Amounts, cut []Slice, c Capabilities, amount int64) (Cancellation, error) {
	all := a.Cancellable()
	if amount == 0 {
		amount = all
	}
	switch {
	case all == 0:
		return Cancellation{}, ErrNothingToCancel
	case amount < 0:
		return Cancellation{}, ErrAmountNotPositive
	case amount > all:
		return Cancellation{}, fmt.Errorf("%w: %d of %d", ErrOverCancel, amount, all)
	}
	plan := Cancellation{Parts: allocate(a, cut, c, amount)}
	return plan, plan.release(a, cut, c)
}

func allocate(a Amounts, cut []Slice, c Capabilities, amount int64) []Part {
	var parts []Part
	take := func(slice int, left int64, action func(k int64) Action) {
		if k := min(left, amount); k > 0 {
			parts = append(parts, Part{Slice: slice, Amount: k, Action: action(k)})
			amount -= k
		}
	}
	take(0, a.Hold(), func(int64) Action { return ActionRelease })
	for _, s := range unsentNewestFirst(cut) {
		take(s.Operation, s.Left(), s.withdraw)
	}
	for _, s := range cut {
		if !s.unsent() {
			take(s.Operation, s.Left(), func(k int64) Action { return s.giveBack(c, k) })
		}
	}
	return parts
}

// unsent tells that nothing of the slice was or can any more be presented.
func (s Slice) unsent() bool { return s.Fate == FateOpen || s.Fate == FateRejected }

func unsentNewestFirst(cut []Slice) []Slice {
	var out []Slice
	for _, s := range slices.Backward(cut) {
		if s.unsent() {
			out = append(out, s)
		}
	}
	return out
}

func (s Slice) withdraw(k int64) Action {
	switch {
	case s.Fate == FateRejected:
		return ActionAbandon
	case k == s.Left() && s.Credited == 0:
		return ActionVoid
	default:
		return ActionReduce
	}
}

func (s Slice) giveBack(c Capabilities, k int64) Action {
	switch {
	case s.Fate == FateSealed && c.Refund == RefundByFile:
		return ActionCredit
	case s.Fate == FateNone && s.BankDay && k == s.Amount && !c.Instant:
		return ActionPurchaseReverse
	default:
		return ActionRefundOnline
	}
}

// release fills in how the unpresented part of the authorization is freed: one reversal of it all when nothing of it was
// used or released before, or when nothing of it is in use any more and the center knows no other reversal; else a
// partial reversal if the center can. A center that cannot release a part lets it lapse, but a cancel of only a part of a
// hold is then refused, because it would promise what nobody can do.
func (p *Cancellation) release(a Amounts, cut []Slice, c Capabilities) error {
	var hold int64
	for _, part := range p.Parts {
		switch part.Action {
		case ActionRelease:
			hold = part.Amount
			p.Freed += part.Amount
		case ActionVoid, ActionReduce, ActionAbandon:
			p.Freed += part.Amount + implicitOf(cut, part)
		case ActionCredit, ActionRefundOnline, ActionPurchaseReverse: // of money that the authorization has become
		}
	}
	switch {
	case p.Freed == 0:
		p.Release = ReleaseNone
	case p.Freed == a.Authorized || !c.ReversalPartial && p.unused(a, cut):
		p.Release = ReleaseReversal
	default:
		p.Release = releasePart(c, false)
	}
	if p.Release == ReleaseLapse && hold > 0 && hold < a.Hold() {
		return ErrReleaseUnsupported
	}
	return nil
}

// implicitOf is what the center would have released on the final record that the part takes away as a whole: nobody else
// releases it now.
func implicitOf(cut []Slice, part Part) int64 {
	for _, s := range cut {
		if s.Operation == part.Slice && part.Amount == s.Left() && s.Credited == 0 {
			return s.Implicit
		}
	}
	return 0
}

// unused tells that after the plan nothing of the authorization is held, and that no record or credit of it stands.
func (p *Cancellation) unused(a Amounts, cut []Slice) bool {
	taken := map[int]int64{}
	for _, part := range p.Parts {
		taken[part.Slice] += part.Amount
	}
	for _, s := range cut {
		if !s.unsent() || s.Credited > 0 || taken[s.Operation] != s.Left() {
			return false
		}
	}
	return taken[0] == a.Hold()
}
