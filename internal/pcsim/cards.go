package pcsim

// Outcome is what a card makes the center do.
type Outcome uint8

// The outcomes that a card can have. Every one but Approve and Decline has exactly one test card.
const (
	// Approve approves; so does the clearing of the record.
	Approve Outcome = iota
	// Decline declines with the card's action code and books nothing.
	Decline
	// SilentBooked books the approval and never answers.
	SilentBooked
	// SilentLost behaves as if the request never arrived: no answer, nothing booked.
	SilentLost
	// Late books the approval and answers after Behavior.LateBy.
	Late
	// Twice sends the same answer twice.
	Twice
	// WrongAmount approves, but echoes an amount that is one minor unit too high.
	WrongAmount
	// Garbage books the approval and answers with bytes that are no message.
	Garbage
	// ReversalAnswerLost approves; the first reversal or online refund is effective but not answered, repeats are.
	ReversalAnswerLost
	// ReversalTooLate approves; every reversal is answered 940.
	ReversalTooLate
	// RefundDeclined approves; every online refund is answered 100.
	RefundDeclined
	// SaleRejected approves; the first presentment of each sale is rejected (technical), its re-presentment accepted.
	SaleRejected
	// SaleRefused approves; every presentment of the sale is rejected (merchant).
	SaleRefused
	// CreditRefused approves; every credit record is rejected (account closed).
	CreditRefused
)

// Card is a test card: a number of a scheme's test range with one documented outcome.
type Card struct {
	// PAN is the card number, Luhn-valid.
	PAN string
	// Outcome is what the center does with the card.
	Outcome Outcome
	// ActionCode is the answer to a payment (DE 39); empty when none is sent.
	ActionCode string
	// Response is the code that a merchant is told for a decline or an approval (AS…); empty when the outcome is first
	// unknown.
	Response string
	// Means says it in words.
	Means string
}

// Numbers of the test cards that tests name most often.
const (
	CardApproved           = "4111111111111111"
	CardInsufficientFunds  = "4000000000001166"
	CardSilentBooked       = "4000000000009011"
	CardSilentLost         = "4000000000009029"
	CardLate               = "4000000000009037"
	CardTwice              = "4000000000009045"
	CardWrongAmount        = "4000000000009052"
	CardGarbage            = "4000000000009060"
	CardReversalAnswerLost = "4000000000009110"
	CardReversalTooLate    = "4000000000009128"
	CardRefundDeclined     = "4000000000009136"
	CardSaleRejected       = "4000000000009219"
	CardSaleRefused        = "4000000000009227"
	CardCreditRefused      = "4000000000009235"
)

var cards = []Card{
	{CardApproved, Approve, "000", "AS000", "approved (Visa)"},
	{"5555555555554444", Approve, "000", "AS000", "approved (Mastercard)"},
	{"5413330089010442", Approve, "000", "AS000", "approved (Mastercard)"},
	{"2200000000000004", Approve, "000", "AS000", "approved (Mir)"},
	{"4000000000001000", Decline, "100", "AS100", "do not honor"},
	{"4000000000001018", Decline, "101", "AS104", "expired card"},
	{"4000000000001026", Decline, "102", "AS108", "suspected fraud"},
	{"4000000000001117", Decline, "111", "AS101", "invalid card number"},
	{CardInsufficientFunds, Decline, "116", "AS102", "insufficient funds"},
	{"4000000000001216", Decline, "121", "AS105", "exceeds amount limit"},
	{"4000000000001232", Decline, "123", "AS105", "exceeds count limit"},
	{"4000000000001257", Decline, "125", "AS101", "card verification failed"},
	{"4000000000009078", Decline, "907", "AS200", "issuer unavailable"},
	{"4000000000009094", Decline, "909", "AS200", "system malfunction"},
	{CardSilentBooked, SilentBooked, "", "", "no answer, booked as approved"},
	{CardSilentLost, SilentLost, "", "", "no answer, nothing booked; a reversal is answered 914"},
	{CardLate, Late, "000", "AS000", "approved, answered late"},
	{CardTwice, Twice, "000", "AS000", "approved, answered twice"},
	{CardWrongAmount, WrongAmount, "000", "", "approved, the answer echoes an amount one minor unit too high"},
	{CardGarbage, Garbage, "", "", "booked as approved, the answer is no message"},
	{CardReversalAnswerLost, ReversalAnswerLost, "000", "AS000", "approved; the first reversal or online refund works but is not answered, a repeat is"},
	{CardReversalTooLate, ReversalTooLate, "000", "AS000", "approved; every reversal is answered 940"},
	{CardRefundDeclined, RefundDeclined, "000", "AS000", "approved; every online refund is answered 100"},
	{CardSaleRejected, SaleRejected, "000", "AS000", "approved; the sale is rejected once in clearing (7001), accepted when presented again"},
	{CardSaleRefused, SaleRefused, "000", "AS000", "approved; the sale is always rejected in clearing (6001)"},
	{CardCreditRefused, CreditRefused, "000", "AS000", "approved; a credit is always rejected in clearing (5002)"},
}

// Cards returns the test cards with their documented outcomes, those of 3-D Secure last.
func Cards() []Card {
	all := append([]Card(nil), cards...)
	for _, c := range acsCards {
		all = append(all, c.center())
	}
	return all
}

// center is the card at the online host, which approves it.
func (c ACSCard) center() Card {
	return Card{c.PAN, Approve, "000", "AS000", "approved; 3-D Secure: " + c.Means}
}

func findCard(pan string) (Card, bool) {
	for _, c := range cards {
		if c.PAN == pan {
			return c, true
		}
	}
	for _, c := range acsCards {
		if c.PAN == pan {
			return c.center(), true
		}
	}
	return Card{}, false
}

func isTestCard(pan string) bool {
	_, ok := findCard(pan)
	return ok
}

// luhnValid reports whether s is 12 to 19 digits with a correct Luhn check digit (ISO/IEC 7812-1).
func luhnValid(s string) bool {
	return len(s) >= 12 && len(s) <= 19 && digits(s) && luhnSum(s)%10 == 0
}

// luhnSum is the Luhn sum of digits, check digit last.
func luhnSum(s string) int {
	sum := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum
}

// mask shows the first six and the last four digits of a card number.
func mask(pan string) string {
	if len(pan) < 13 {
		return "****"
	}
	return pan[:6] + "****" + pan[len(pan)-4:]
}
