package order

import (
	"errors"
	"fmt"
)

// Amounts of one order in minor units of its currency. The invariants are
//
//  1. no amount is negative;
//  2. Confirmed + Released() ≤ Authorized, so that Hold() ≥ 0;
//  3. RefundPending ≤ Refunded ≤ Confirmed.
//
// They are also CHECK constraints of the orders table.
type Amounts struct {
	Authorized      int64 // A
	Confirmed       int64 // C
	ReleasedCancel  int64 // part of X given up by a cancel of the merchant or an operator
	ReleasedDeposit int64 // part of X given up by AutoDeposit
	ReleasedExpiry  int64 // part of X given up by expiry or lapse
	Refunded        int64 // R, pending included
	RefundPending   int64 // part of R without a final result
}

// ErrAmounts is returned when a change would break an invariant of Amounts.
var ErrAmounts = errors.New("order: amounts out of balance")

// Released is X, the sum of the three ways a hold is given up.
func (a Amounts) Released() int64 { return a.ReleasedCancel + a.ReleasedDeposit + a.ReleasedExpiry }

// Hold is H, what is authorized, not confirmed and not released.
func (a Amounts) Hold() int64 { return a.Authorized - a.Confirmed - a.Released() }

// Cancellable is the most that a cancel may ask for: the hold and what was confirmed and not yet given back.
func (a Amounts) Cancellable() int64 { return a.Hold() + a.Confirmed - a.Refunded }

// Valid returns nil or ErrAmounts naming the invariant that does not hold.
func (a Amounts) Valid() error {
	parts := [...]int64{a.Authorized, a.Confirmed, a.ReleasedCancel, a.ReleasedDeposit, a.ReleasedExpiry, a.Refunded, a.RefundPending}
	for _, p := range parts {
		if p < 0 {
			return fmt.Errorf("%w: negative amount in %+v", ErrAmounts, a)
		}
	}
	switch {
	case a.Hold() < 0:
		return fmt.Errorf("%w: confirmed and released exceed authorized in %+v", ErrAmounts, a)
	case a.Refunded > a.Confirmed:
		return fmt.Errorf("%w: refunded exceeds confirmed in %+v", ErrAmounts, a)
	case a.RefundPending > a.Refunded:
		return fmt.Errorf("%w: pending refunds exceed refunds in %+v", ErrAmounts, a)
	}
	return nil
}
