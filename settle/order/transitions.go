package order

import (
	"errors"
	"fmt"
	"slices"
)

// Trigger names an event that may change an order's state.
type Trigger string

// The triggers of an order's transitions.
const (
	TriggerRequest     Trigger = "order request"
	TriggerApprove     Trigger = "approved, one stage"
	TriggerPurchase    Trigger = "approved, single message"
	TriggerHold        Trigger = "approved, two stages"
	TriggerTry         Trigger = "payment begun, or declined with tries left"
	TriggerInstant     Trigger = "paid by the payer's bank"
	TriggerLatePaid    Trigger = "paid by the payer's bank after the end"
	TriggerDecline     Trigger = "declined"
	TriggerRefuse      Trigger = "closed by the merchant or the buyer"
	TriggerTimeout     Trigger = "not paid in time"
	TriggerWithdraw    Trigger = "cancelled before it was paid"
	TriggerWithdrawn   Trigger = "paid by the payer's bank after it was cancelled"
	TriggerUnknown     Trigger = "no answer in time"
	TriggerLate        Trigger = "late approval after the end"
	TriggerConfirm     Trigger = "confirmed"
	TriggerAutoDeposit Trigger = "confirmed, remainder released"
	TriggerCancelHold  Trigger = "cancel of the hold"
	TriggerExpire      Trigger = "hold expired"
	TriggerVoid        Trigger = "cancel before the seal"
	TriggerRefund      Trigger = "cancel after the seal"
	TriggerRefundFail  Trigger = "refund refused for good"
)

// Transition is one legal step of an order.
type Transition struct {
	ID      string // number in the specification of the states
	Trigger Trigger
	From    []State
	To      []State
	Posting string // posting rules of the step
}

// Transitions lists every legal step of an order; docs/states.md draws it.
var Transitions = []Transition{
	{"O-1", TriggerRequest, []State{StateNone}, []State{StateInProcess}, ""},
	{"O-2", TriggerTry, []State{StateInProcess}, []State{StateInProcess}, ""},
	{"O-3", TriggerApprove, []State{StateInProcess}, []State{StateApproved}, "PR-01"},
	{"O-4", TriggerPurchase, []State{StateInProcess}, []State{StateApproved}, "PR-36, PR-09, PR-10"},
	{"O-5", TriggerInstant, []State{StateInProcess}, []State{StateApproved}, "PR-38, PR-09, PR-10"},
	{"O-6", TriggerHold, []State{StateInProcess}, []State{StateDelayed}, "PR-M1"},
	{"O-7", TriggerDecline, []State{StateInProcess}, []State{StateDeclined}, ""},
	{"O-8", TriggerTimeout, []State{StateInProcess}, []State{StateTimeout}, ""},
	{"O-9", TriggerRefuse, []State{StateInProcess}, []State{StateDeclined}, ""},
	{"O-9w", TriggerWithdraw, []State{StateInProcess}, []State{StateCanceled}, ""},
	{"O-10", TriggerUnknown, []State{StateInProcess}, []State{StateInProcess, StateDeclined}, "PR-M4"},
	{"O-11", TriggerLate, []State{StateDeclined, StateTimeout}, []State{StateDeclined, StateTimeout}, "PR-M5"},
	{"O-11q", TriggerLatePaid, []State{StateDeclined, StateTimeout}, []State{StateApproved, StateCanceled}, "PR-38, then PR-18 when it is given back"},
	{"O-11w", TriggerWithdrawn, []State{StateCanceled}, []State{StateCanceled}, "PR-38, then PR-18"},
	{"O-12", TriggerConfirm, []State{StateDelayed}, []State{StateApproved, StatePartialDelayed, StatePartialCanceled}, "PR-M2, PR-01"},
	{"O-14", TriggerAutoDeposit, []State{StateDelayed, StatePartialDelayed, StatePartialCanceled}, []State{StatePartialDelayed, StatePartialCanceled}, "PR-M2, PR-01, PR-M3"},
	{"O-15", TriggerConfirm, []State{StatePartialDelayed, StatePartialCanceled}, []State{StatePartialDelayed, StateApproved, StatePartialCanceled}, "PR-M2, PR-01"},
	{"O-16", TriggerCancelHold, []State{StateDelayed}, []State{StateCanceled, StateDelayed}, "PR-M3"},
	{"O-17", TriggerCancelHold, []State{StatePartialDelayed, StatePartialCanceled}, []State{StatePartialCanceled}, "PR-M3"},
	{"O-18", TriggerExpire, []State{StateDelayed}, []State{StateCanceled}, "PR-M3"},
	{"O-19", TriggerExpire, []State{StatePartialDelayed, StatePartialCanceled}, []State{StatePartialDelayed, StatePartialCanceled}, "PR-M3"},
	{"O-21", TriggerVoid, []State{StateApproved, StatePartialDelayed, StatePartialCanceled}, []State{StateCanceled, StatePartialCanceled}, "PR-02, PR-M3"},
	{"O-22", TriggerRefund, []State{StateApproved, StatePartialDelayed, StatePartialCanceled}, []State{StateCanceled, StatePartialCanceled}, "PR-17 or PR-18, PR-19"},
	{"O-23", TriggerRefundFail, []State{StateCanceled, StatePartialCanceled}, []State{StateApproved, StatePartialDelayed, StatePartialCanceled}, "PR-08b or PR-20"},
}

// ErrTransition is returned for a step that Transitions does not list.
var ErrTransition = errors.New("order: transition not listed")

// Check returns nil when Transitions lists the step, else ErrTransition naming it.
func Check(t Trigger, from, to State) error {
	for _, tr := range Transitions {
		if tr.Trigger == t && slices.Contains(tr.From, from) && slices.Contains(tr.To, to) {
			return nil
		}
	}
	return fmt.Errorf("%w: %q from %q to %q", ErrTransition, t, from, to)
}
