package authorize

import "settled/fileformats/iso8583"

// responses translates a center's action code (ISO 8583 DE39). What is not listed is responseDeclined. A center that
// made no decision is told as a reception error: nothing was authorized, and a new order may be tried.
var responses = map[string]string{
	iso8583.ActionApproved:               responseApproved,
	iso8583.ActionExpiredCard:            responseExpired,
	iso8583.ActionSuspectedFraud:         responseFraud,
	iso8583.ActionInvalidCardNumber:      responseWrongCard,
	iso8583.ActionInsufficientFunds:      responseNoFunds,
	iso8583.ActionAmountLimitExceeded:    responseAmountLimit,
	iso8583.ActionCountLimitExceeded:     responseCountLimit,
	iso8583.ActionVerificationCodeFailed: responseWrongCard,
	iso8583.ActionIssuerUnavailable:      responseReception,
	iso8583.ActionSystemMalfunction:      responseReception,
}

func responseOf(action string) string {
	if r, ok := responses[action]; ok {
		return r
	}
	return responseDeclined
}
