// Package order is the algebra of one order: what it is worth, what state that makes it, what may happen next, and what
// a confirmation, a cancel or an expiry creates. It is pure: no database, clock or network.
//
// An order has five amounts (minor units of one currency):
//
//	A  authorized   what the center approved
//	C  confirmed    the sum of its slices, each of which may be presented
//	X  released     the part of the hold given up: by cancel, by AutoDeposit, by expiry
//	R  refunded     given back of what was confirmed, unresolved refunds included
//	H  = A − C − X  the hold still standing
//
// The state is a function of these amounts ([StateOf]) and is never stored. [Transitions] lists every legal step; a step
// that is not listed is refused by [Check]. [PlanConfirm], [PlanCancel] and [PlanExpiry] decide what to do from amounts,
// record fates and the capabilities of the center; the caller holds the order's row lock and carries the plan out.
package order
