package order

import "errors"

// The refusals of a confirmation. Each is a request error: nothing is changed.
var (
	ErrNotHeld            = errors.New("order: nothing is held to confirm")
	ErrOverHold           = errors.New("order: amount exceeds the hold")
	ErrHoldExpired        = errors.New("order: the hold has expired")
	ErrPartialConfirm     = errors.New("order: the center does not take partial confirmations")
	ErrSecondConfirm      = errors.New("order: the center takes one confirmation per payment")
	ErrAmountNotPositive  = errors.New("order: amount must be positive")
	ErrAmountTooLarge     = errors.New("order: amount is more than the center carries")
	ErrReleaseUnsupported = errors.New("order: the center cannot release a part of a hold")
	ErrOverCancel         = errors.New("order: amount exceeds what can be cancelled")
	ErrCurrency           = errors.New("order: currency differs from the payment's")
	ErrNothingToCancel    = errors.New("order: nothing is left to cancel")
)

// Release says how a part of a hold is given up.
type Release int

// The ways to release.
const (
	ReleaseNone     Release = iota // nothing to release now
	ReleaseReversal                // the whole authorization is reversed
	ReleasePartial                 // a partial reversal is sent
	ReleaseImplicit                // the center releases by itself on the final record
	ReleaseLapse                   // the center cannot release a part; the hold lapses at the issuer
)

// Confirmation is the plan of a confirmation.
type Confirmation struct {
	Amount   int64   // of the new slice
	Released int64   // of the hold, given up by AutoDeposit
	Release  Release // how; ReleaseLapse keeps the hold until it expires
	Final    bool    // no further slice can follow
}

// PlanConfirm decides a confirmation of amount (0: the whole hold) when earlier slices exist or not. expired tells that
// the instant is at or after the hold's expiry, which refuses it however late the sweep runs.
func PlanConfirm(a Amounts, c Capabilities, amount int64, autoDeposit bool, earlier int, expired bool) (Confirmation, error) {
	hold := a.Hold()
	if amount == 0 {
		amount = hold
	}
	switch {
	case hold == 0:
		return Confirmation{}, ErrNotHeld
	case expired:
		return Confirmation{}, ErrHoldExpired
	case amount < 0:
		return Confirmation{}, ErrAmountNotPositive
	case amount > hold:
		return Confirmation{}, ErrOverHold
	case amount < hold && !c.PartialConfirm:
		return Confirmation{}, ErrPartialConfirm
	case earlier > 0 && !c.MultiConfirm:
		return Confirmation{}, ErrSecondConfirm
	}
	plan := Confirmation{Amount: amount, Final: amount == hold || autoDeposit || !c.MultiConfirm}
	if rest := hold - amount; rest > 0 && autoDeposit {
		plan.Release = releasePart(c, true)
		if plan.Release != ReleaseLapse {
			plan.Released = rest
		}
	}
	return plan, nil
}

// releasePart says how a part of an authorization is given up while another part stays.
func releasePart(c Capabilities, final bool) Release {
	switch {
	case final && c.ReleaseOnFinal:
		return ReleaseImplicit
	case c.ReversalPartial:
		return ReleasePartial
	default:
		return ReleaseLapse
	}
}

// PlanExpiry decides how an expired hold is given up: the whole authorization is reversed when nothing of it was
// confirmed or released before, else a partial reversal if the center can, else the hold lapses at the issuer.
func PlanExpiry(a Amounts, c Capabilities) Release {
	if a.Hold() == a.Authorized {
		return ReleaseReversal
	}
	return releasePart(c, false)
}
