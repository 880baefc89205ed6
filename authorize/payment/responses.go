package payment

import (
	"settled/authorize/protocol"
	"settled/fileformats/iso8583"
)

// responses translates a center's action code (ISO 8583 DE39). What is not listed is ResponseDeclined. A center that
// made no decision is told as a reception error: nothing was authorized, and a new order may be tried.
var responses = map[string]string{
	iso8583.ActionApproved:               protocol.ResponseApproved,
	iso8583.ActionExpiredCard:            protocol.ResponseExpired,
	iso8583.ActionSuspectedFraud:         protocol.ResponseFraud,
	iso8583.ActionInvalidCardNumber:      protocol.ResponseWrongCard,
	iso8583.ActionInsufficientFunds:      protocol.ResponseNoFunds,
	iso8583.ActionAmountLimitExceeded:    protocol.ResponseAmountLimit,
	iso8583.ActionCountLimitExceeded:     protocol.ResponseCountLimit,
	iso8583.ActionVerificationCodeFailed: protocol.ResponseWrongCard,
	iso8583.ActionIssuerUnavailable:      protocol.ResponseReception,
	iso8583.ActionSystemMalfunction:      protocol.ResponseReception,
}

func responseOf(action string) string {
	if r, ok := responses[action]; ok {
		return r
	}
	return protocol.ResponseDeclined
}
