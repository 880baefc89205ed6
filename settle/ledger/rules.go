package ledger

// Rule identifies a posting rule by what it does. The number is stored with each posting; documents and commands print the
// rule's name, as in "PR-05s".
type Rule int16

// The posting rules. Netted fees are taken out of what the center settles, invoiced ones are paid apart. Unfunded is a refund
// of a sale whose money the merchant has not received yet, Short one for which the merchant's funds do not suffice.
const (
	HoldPlaced Rule = 1 + iota
	HoldConsumed
	HoldReleased
	OutcomeUnknown
	OutcomeResolved
	SliceConfirmed
	SliceVoided
	SaleSealed
	CreditSealed
	SaleUnsealed
	CreditUnsealed
	SaleAccepted
	CreditAccepted
	SaleWithdrawn
	SaleRejected
	CreditRejected
	SalePresentedAgain
	CreditPresentedAgain
	RejectChargedToMerchant
	RejectWrittenOff
	RejectedCreditReturned
	InterchangeNetted
	SchemeFeeNetted
	ProcessingFeeNetted
	InterchangeInvoiced
	SchemeFeeInvoiced
	ProcessingFeeInvoiced
	MDRDeducted
	MDRInvoiced
	SettlementReceived
	SettlementPaid
	MerchantFunded
	PayoutInstructed
	PayoutDebited
	RefundQueued
	RefundQueuedUnfunded
	RefundQueuedShort
	RefundRequested
	RefundRequestedUnfunded
	RefundRequestedShort
	RefundConfirmed
	RefundDeclined
	MDRReturned
	MDRReturnedUnfunded
	InterchangeReturned
	ReserveWithheld
	ReserveReleased
	PurchaseApproved
	PurchaseReversed
	ProcessingTrueUp
	OpeningBalance
	InstantAccepted
	SaleSetAside
	CreditSetAside
)

// RuleSpec is a posting rule: which account is debited and which credited for an event.
type RuleSpec struct {
	Rule   Rule
	Name   string
	Debit  Code
	Credit Code
	Event  string
}

// Rules lists the posting rules in order of their numbers.
var Rules = []RuleSpec{
	{HoldPlaced, "PR-M1", Holds, HoldsContra, "hold placed"},
	{HoldConsumed, "PR-M2", HoldsContra, Holds, "hold consumed by a confirmation"},
	{HoldReleased, "PR-M3", HoldsContra, Holds, "hold released"},
	{OutcomeUnknown, "PR-M4", Unknown, UnknownContra, "outcome unknown"},
	{OutcomeResolved, "PR-M5", UnknownContra, Unknown, "unknown outcome resolved"},
	{SliceConfirmed, "PR-01", Captured, Pending, "slice confirmed"},
	{SliceVoided, "PR-02", Pending, Captured, "voided or reduced before the seal"},
	{SaleSealed, "PR-03s", Submitted, Captured, "batch sealed: sales"},
	{CreditSealed, "PR-03c", Captured, Submitted, "batch sealed: credits"},
	{SaleUnsealed, "PR-04s", Captured, Submitted, "unsent file voided: sales"},
	{CreditUnsealed, "PR-04c", Submitted, Captured, "unsent file voided: credits"},
	{SaleAccepted, "PR-05s", Accepted, Submitted, "sales accepted"},
	{CreditAccepted, "PR-05c", Submitted, Accepted, "credits accepted"},
	{SaleWithdrawn, "PR-05r", Pending, Accepted, "financial transaction withdrawn"},
	{SaleRejected, "PR-06s", Rejected, Submitted, "sales rejected"},
	{CreditRejected, "PR-06c", Submitted, Rejected, "credits rejected"},
	{SalePresentedAgain, "PR-07s", Captured, Rejected, "sale presented again"},
	{CreditPresentedAgain, "PR-07c", Rejected, Captured, "credit presented again"},
	{RejectChargedToMerchant, "PR-08a", Pending, Rejected, "rejected sale abandoned, merchant bears"},
	{RejectWrittenOff, "PR-08w", WriteOffs, Rejected, "rejected sale abandoned, we bear"},
	{RejectedCreditReturned, "PR-08b", Rejected, Available, "rejected credit abandoned"},
	{InterchangeNetted, "PR-09i", Interchange, Accepted, "interchange accrued, netted"},
	{SchemeFeeNetted, "PR-09s", SchemeFees, Accepted, "scheme fee accrued, netted"},
	{ProcessingFeeNetted, "PR-09p", ProcessingFees, Accepted, "processing fee accrued, netted"},
	{InterchangeInvoiced, "PR-09iv", Interchange, FeesPayable, "interchange accrued, invoiced"},
	{SchemeFeeInvoiced, "PR-09sv", SchemeFees, FeesPayable, "scheme fee accrued, invoiced"},
	{ProcessingFeeInvoiced, "PR-09pv", ProcessingFees, FeesPayable, "processing fee accrued, invoiced"},
	{MDRDeducted, "PR-10n", Pending, MDRIncome, "MDR, net"},
	{MDRInvoiced, "PR-10g", FeesReceivable, MDRIncome, "MDR, invoiced"},
	{SettlementReceived, "PR-11", Bank, Accepted, "settlement received"},
	{SettlementPaid, "PR-11m", Accepted, Bank, "settlement paid"},
	{MerchantFunded, "PR-13", Pending, Available, "funding"},
	{PayoutInstructed, "PR-14", Available, PayoutsInTransit, "payout instructed"},
	{PayoutDebited, "PR-15", PayoutsInTransit, Bank, "payout debited"},
	{RefundQueued, "PR-17", Available, Captured, "refund queued for a file"},
	{RefundQueuedUnfunded, "PR-17p", Pending, Captured, "refund queued for a file, sale not funded"},
	{RefundQueuedShort, "PR-17n", MerchantReceivable, Captured, "refund queued for a file, funds short"},
	{RefundRequested, "PR-18", Available, RefundsInFlight, "online refund requested"},
	{RefundRequestedUnfunded, "PR-18p", Pending, RefundsInFlight, "online refund requested, sale not funded"},
	{RefundRequestedShort, "PR-18n", MerchantReceivable, RefundsInFlight, "online refund requested, funds short"},
	{RefundConfirmed, "PR-19", RefundsInFlight, Accepted, "online refund confirmed"},
	{RefundDeclined, "PR-20", RefundsInFlight, Available, "online refund declined"},
	{MDRReturned, "PR-21", MDRIncome, Available, "MDR returned on a refund"},
	{MDRReturnedUnfunded, "PR-21p", MDRIncome, Pending, "MDR returned on a refund, sale not funded"},
	{InterchangeReturned, "PR-22", Accepted, Interchange, "interchange credit on an accepted refund"},
	{ReserveWithheld, "PR-28", Pending, Reserve, "reserve withheld"},
	{ReserveReleased, "PR-29", Reserve, Available, "reserve released"},
	{PurchaseApproved, "PR-36", Accepted, Pending, "single-message purchase approved"},
	{PurchaseReversed, "PR-37", Pending, Accepted, "single-message purchase reversed"},
	{ProcessingTrueUp, "PR-12p", ProcessingFees, Accepted, "true-up of processing fees"},
	{OpeningBalance, "open", Bank, Available, "opening balance"},
	{InstantAccepted, "PR-38", Accepted, Pending, "instant payment accepted"},
	{SaleSetAside, "PR-23s", Rejected, Captured, "sale set aside before the seal"},
	{CreditSetAside, "PR-23c", Captured, Rejected, "credit set aside before the seal"},
}

// Spec returns the rule's specification; an unknown rule has an empty name.
func (r Rule) Spec() RuleSpec {
	if r < 1 || int(r) > len(Rules) {
		return RuleSpec{}
	}
	return Rules[r-1]
}

// String returns the rule's name, as in "PR-03s".
func (r Rule) String() string { return r.Spec().Name }
