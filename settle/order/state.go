package order

// Status says whether an order has a successful payment, which the amounts alone cannot tell.
type Status int16

// The statuses of an order. The numbers are stored (orders.status).
const (
	InProcess Status = 1 // no payment operation has a final result
	Paid      Status = 2 // a payment operation succeeded: A > 0
	Declined  Status = 3 // payment refused, or its unknown outcome resolved as reversed
	TimedOut  Status = 4 // closed without a payment attempt in flight
	Withdrawn Status = 5 // cancelled by its shop before anybody had paid it
)

// State is the order state as merchants see it, spelled as on the wire.
type State string

// The order states (merchant protocol, values of orderstate).
const (
	StateNone            State = ""
	StateInProcess       State = "In Process"
	StateDelayed         State = "Delayed"
	StateApproved        State = "Approved"
	StatePartialDelayed  State = "PartialDelayed"
	StateCanceled        State = "Canceled"
	StatePartialCanceled State = "PartialCanceled"
	StateDeclined        State = "Declined"
	StateTimeout         State = "Timeout"
)

// StateOf derives the state of an order. It is the only place where a state comes from. Rules, first match wins:
//
//	no successful payment    In Process, Declined, Timeout or Canceled, by status
//	C = 0 and X < A          Delayed
//	C = 0 and X = A          Canceled
//	R = C                    Canceled
//	R > 0 or X by cancel     PartialCanceled
//	C < A                    PartialDelayed (the rest is held, or was released by AutoDeposit or expiry)
//	C = A                    Approved
func StateOf(s Status, a Amounts) State {
	state, _ := Explain(s, a)
	return state
}

// Explain is StateOf together with the rule that decided, in words for a person.
func Explain(s Status, a Amounts) (State, string) {
	switch s {
	case InProcess:
		return StateInProcess, "no payment operation has a final result"
	case Declined:
		return StateDeclined, "no payment operation succeeded"
	case TimedOut:
		return StateTimeout, "not paid in time"
	case Withdrawn:
		return StateCanceled, "cancelled by the shop before it was paid"
	case Paid:
		return explainPaid(a)
	}
	return StateNone, "unknown status"
}

func explainPaid(a Amounts) (State, string) {
	switch {
	case a.Confirmed == 0 && a.Released() < a.Authorized:
		return StateDelayed, "held, nothing confirmed (C = 0, X < A)"
	case a.Confirmed == 0:
		return StateCanceled, "the whole hold was released (C = 0, X = A)"
	case a.Refunded == a.Confirmed:
		return StateCanceled, "all that was confirmed was given back (R = C)"
	case a.Refunded > 0:
		return StatePartialCanceled, "a part of what was confirmed was given back (0 < R < C)"
	case a.ReleasedCancel > 0:
		return StatePartialCanceled, "a part of the hold was cancelled by the merchant (X by cancel > 0)"
	case a.Confirmed < a.Authorized:
		return StatePartialDelayed, "a part is confirmed, nothing was cancelled by the merchant (0 < C < A)"
	default:
		return StateApproved, "confirmed in full (C = A, R = 0)"
	}
}
