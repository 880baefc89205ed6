package ledger

import "fmt"

// Rule identifies a posting rule. The number is stored with each posting.
type Rule int16

// The posting rules. A suffix tells variants of one rule apart by what they are for: s sale, c credit, i interchange,
// s scheme, p processing or pending, n net or negative, g gross, v invoiced.
const (
	PRM1 Rule = 1 + iota
	PRM2
	PRM3
	PRM4
	PRM5
	PR01
	PR02
	PR03s
	PR03c
	PR04s
	PR04c
	PR05s
	PR05c
	PR05r
	PR06s
	PR06c
	PR07s
	PR07c
	PR08a
	PR08w
	PR08b
	PR09i
	PR09s
	PR09p
	PR09iv
	PR09sv
	PR09pv
	PR10n
	PR10g
	PR11
	PR11m
	PR13
	PR14
	PR15
	PR17
	PR17p
	PR17n
	PR18
	PR18p
	PR18n
	PR19
	PR20
	PR21
	PR21p
	PR22
	PR28
	PR29
	PR36
	PR37
	PR12p
	PROpen
	PR38
	PR23s
	PR23c
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
	{PRM1, "PR-M1", Holds, HoldsContra, "hold placed"},
	{PRM2, "PR-M2", HoldsContra, Holds, "hold consumed by a confirmation"},
	{PRM3, "PR-M3", HoldsContra, Holds, "hold released"},
	{PRM4, "PR-M4", Unknown, UnknownContra, "outcome unknown"},
	{PRM5, "PR-M5", UnknownContra, Unknown, "unknown outcome resolved"},
	{PR01, "PR-01", Captured, Pending, "slice confirmed"},
	{PR02, "PR-02", Pending, Captured, "voided or reduced before the seal"},
	{PR03s, "PR-03s", Submitted, Captured, "batch sealed: sales"},
	{PR03c, "PR-03c", Captured, Submitted, "batch sealed: credits"},
	{PR04s, "PR-04s", Captured, Submitted, "unsent file voided: sales"},
	{PR04c, "PR-04c", Submitted, Captured, "unsent file voided: credits"},
	{PR05s, "PR-05s", Accepted, Submitted, "sales accepted"},
	{PR05c, "PR-05c", Submitted, Accepted, "credits accepted"},
	{PR05r, "PR-05r", Pending, Accepted, "financial transaction withdrawn"},
	{PR06s, "PR-06s", Rejected, Submitted, "sales rejected"},
	{PR06c, "PR-06c", Submitted, Rejected, "credits rejected"},
	{PR07s, "PR-07s", Captured, Rejected, "sale presented again"},
	{PR07c, "PR-07c", Rejected, Captured, "credit presented again"},
	{PR08a, "PR-08a", Pending, Rejected, "rejected sale abandoned, merchant bears"},
	{PR08w, "PR-08w", WriteOffs, Rejected, "rejected sale abandoned, we bear"},
	{PR08b, "PR-08b", Rejected, Available, "rejected credit abandoned"},
	{PR09i, "PR-09i", Interchange, Accepted, "interchange accrued, netted"},
	{PR09s, "PR-09s", SchemeFees, Accepted, "scheme fee accrued, netted"},
	{PR09p, "PR-09p", ProcessingFees, Accepted, "processing fee accrued, netted"},
	{PR09iv, "PR-09iv", Interchange, FeesPayable, "interchange accrued, invoiced"},
	{PR09sv, "PR-09sv", SchemeFees, FeesPayable, "scheme fee accrued, invoiced"},
	{PR09pv, "PR-09pv", ProcessingFees, FeesPayable, "processing fee accrued, invoiced"},
	{PR10n, "PR-10n", Pending, MDRIncome, "MDR, net"},
	{PR10g, "PR-10g", FeesReceivable, MDRIncome, "MDR, invoiced"},
	{PR11, "PR-11", Bank, Accepted, "settlement received"},
	{PR11m, "PR-11m", Accepted, Bank, "settlement paid"},
	{PR13, "PR-13", Pending, Available, "funding"},
	{PR14, "PR-14", Available, PayoutsInTransit, "payout instructed"},
	{PR15, "PR-15", PayoutsInTransit, Bank, "payout debited"},
	{PR17, "PR-17", Available, Captured, "refund queued for a file"},
	{PR17p, "PR-17p", Pending, Captured, "refund queued for a file, sale not funded"},
	{PR17n, "PR-17n", MerchantReceivable, Captured, "refund queued for a file, funds short"},
	{PR18, "PR-18", Available, RefundsInFlight, "online refund requested"},
	{PR18p, "PR-18p", Pending, RefundsInFlight, "online refund requested, sale not funded"},
	{PR18n, "PR-18n", MerchantReceivable, RefundsInFlight, "online refund requested, funds short"},
	{PR19, "PR-19", RefundsInFlight, Accepted, "online refund confirmed"},
	{PR20, "PR-20", RefundsInFlight, Available, "online refund declined"},
	{PR21, "PR-21", MDRIncome, Available, "MDR returned on a refund"},
	{PR21p, "PR-21p", MDRIncome, Pending, "MDR returned on a refund, sale not funded"},
	{PR22, "PR-22", Accepted, Interchange, "interchange credit on an accepted refund"},
	{PR28, "PR-28", Pending, Reserve, "reserve withheld"},
	{PR29, "PR-29", Reserve, Available, "reserve released"},
	{PR36, "PR-36", Accepted, Pending, "single-message purchase approved"},
	{PR37, "PR-37", Pending, Accepted, "single-message purchase reversed"},
	{PR12p, "PR-12p", ProcessingFees, Accepted, "true-up of processing fees"},
	{PROpen, "open", Bank, Available, "opening balance"},
	{PR38, "PR-38", Accepted, Pending, "instant payment accepted"},
	{PR23s, "PR-23s", Rejected, Captured, "sale set aside before the seal"},
	{PR23c, "PR-23c", Captured, Rejected, "credit set aside before the seal"},
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

// ParseRule returns the rule of the given name.
func ParseRule(name string) (Rule, error) {
	for _, s := range Rules {
		if s.Name == name {
			return s.Rule, nil
		}
	}
	return 0, fmt.Errorf("ledger: no posting rule %q", name)
}
