package protocol

import "slices"

// Covered says which of the values that a merchant may leave out its proofs cover when they are sent. The text of a proof does not say
// which of them a value is, so that the settings must.
type Covered struct {
	MaxPoints, Customer, Disable3DS, Prepayment bool
}

// list are the parameters, in the order of provenIfSent.
func (v Covered) list() []Parameter {
	var ids []Parameter
	covered := map[Parameter]bool{InOrderMaxPoints: v.MaxPoints, InCustomerNumber: v.Customer, InDisable3DS: v.Disable3DS, InPrepayment: v.Prepayment}
	for _, id := range provenIfSent {
		if covered[id] {
			ids = append(ids, id)
		}
	}
	return ids
}

// checkCovered refuses a value that the proofs of the merchant do not cover: somebody else may have added it, or renamed another one. Of
// several that they cover all or none must be sent, because one alone could be any of them.
func (v Covered) checkCovered(c *Call) error {
	covered, sent := v.list(), 0
	for _, id := range provenIfSent {
		switch {
		case c.sent(id) == "":
		case !slices.Contains(covered, id):
			return Refuse(FirstProhibited, params[id].second, params[id].name+" is not covered by the merchant's proofs")
		default:
			sent++
		}
	}
	for _, id := range covered {
		if sent > 0 && c.sent(id) == "" {
			return Refuse(FirstMissing, params[id].second, params[id].name+" is missing: the merchant's proofs cover it together with another")
		}
	}
	return nil
}
