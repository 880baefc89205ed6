package iso8583

// Message types of the online dialect (requests are even in the third digit, their answers odd).
const (
	MTIAuthorizationRequest = "1100" // may this card pay? holds the amount at the issuer
	MTIAuthorizationAnswer  = "1110"
	MTIFinancialRequest     = "1200" // single-message purchase or refund: approval moves the money
	MTIFinancialAnswer      = "1210"
	MTILogRequest           = "1304" // what was approved in a range of time?
	MTILogAnswer            = "1314" // some of it, in the order of the match keys
	MTIReversalAdvice       = "1420" // undo an earlier transaction, whole or in part; cannot be declined for good reason
	MTIReversalRepeat       = "1421" // the same advice again, answer to the first one unknown
	MTIReversalAnswer       = "1430"
	MTIInquiryRequest       = "1604" // what became of an earlier transaction?
	MTIInquiryAnswer        = "1614" // the original's action and approval codes, or not found
	MTINetworkRequest       = "1804" // network management: echo
	MTINetworkAnswer        = "1814"
)

// Processing codes (DE 3).
const (
	ProcessingPurchase = "000000" // debit of the cardholder
	ProcessingRefund   = "200000" // credit to the cardholder
)

// Function codes (DE 24) of the online dialect.
const (
	FunctionAuthorizationFinal = "100" // one-stage: the amount is final
	FunctionAuthorizationHold  = "101" // two-stage: the amount is estimated, a confirmation or reversal follows
	FunctionFinancial          = "200" // single-message purchase or refund
	FunctionLog                = "305"
	FunctionReversalFull       = "400" // the whole original amount
	FunctionReversalPartial    = "401" // DE 4 is the amount released, DE 30 begins with the original amount
	FunctionInquiry            = "650"
	FunctionEcho               = "831"
)

// Action codes (DE 39) of answers.
const (
	ActionApproved               = "000"
	ActionDoNotHonor             = "100"
	ActionExpiredCard            = "101"
	ActionSuspectedFraud         = "102"
	ActionInvalidCardNumber      = "111"
	ActionInsufficientFunds      = "116"
	ActionAmountLimitExceeded    = "121"
	ActionCountLimitExceeded     = "123"
	ActionVerificationCodeFailed = "125"
	ActionReversalAccepted       = "400"
	ActionIssuerUnavailable      = "907" // no decision was made; may be tried again
	ActionSystemMalfunction      = "909" // no decision was made; may be tried again
	ActionOriginalNotFound       = "914" // the original was never seen; the center will refuse it should it arrive late
	ActionTooLate                = "940" // the original is already cleared: refund instead
)

// Initiation codes (private data 0022 of DE 48, online dialect): C the cardholder, M the merchant.
const (
	InitiationCardOnFile  = "C101" // the cardholder saves the card with this payment, or pays with the saved card
	InitiationRecurring   = "C102" // the cardholder agrees to recurring payments with this one
	InitiationUnscheduled = "M101" // the merchant charges a saved card, no schedule agreed
	InitiationStanding    = "M102" // the merchant charges the next of recurring payments
)

// Security levels (private data 0042 of DE 48 online, 0052 of DE 48 in clearing): 3-D Secure.
const (
	SecurityLevelNone      = "210" // electronic commerce over an encrypted channel, cardholder not authenticated
	SecurityLevelAttempted = "211" // authentication was tried; issuer or cardholder does not take part
	SecurityLevelFull      = "212" // cardholder authenticated
)
