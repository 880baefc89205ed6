package pcsim

// acsBehavior is what a card makes the ACS do.
type acsBehavior uint8

const (
	acsFrictionless acsBehavior = iota // the status at once
	acsChallenge                       // a page; the right code gives the status
	acsRefusing                        // a page; whatever is typed is wrong
	acsMethod                          // the status at once when the method was completed, else a page
	acsDecoupled                       // the status later
	acsStartError                      // start is answered 500
	acsBroken                          // authenticate is answered 500
	acsSilent                          // authenticate is not answered
	acsForged                          // the answer to authenticate has a wrong signature
	acsNotEnrolled                     // the card does not take part
	acsNobodyKnows                     // the directory server does not answer
	acsLooks                           // as acsFrictionless, with a method page that may be left out
)

// ACSCard is a test card of the ACS. The online host approves it.
type ACSCard struct {
	// PAN is the card number, Luhn-valid.
	PAN string
	// Enrolled is the answer to start: 1 the card takes part, 0 it does not, -1 unknown.
	Enrolled int
	// Status is the answer to authenticate; empty when there is none.
	Status string
	// Final is the status in the end, with the right code; empty when there is none.
	Final string
	// Means says it in words.
	Means string

	behavior acsBehavior
}

// ChallengeCode is what a cardholder has to type into the challenge page.
const ChallengeCode = "1234"

// Numbers of the cards that tests name most often.
const (
	CardFrictionless    = "4000000000003014"
	CardAttempted       = "4000000000003022"
	CardNotEnrolled     = "4000000000003030"
	CardUnavailable     = "4000000000003055"
	CardRejected        = "4000000000003071"
	CardChallenge       = "4000000000003089"
	CardChallengeFails  = "4000000000003097"
	CardMethod          = "4000000000003105"
	CardDecoupled       = "4000000000003113"
	CardDecoupledFails  = "4000000000003121"
	CardACSError        = "4000000000003139"
	CardACSSilent       = "4000000000003147"
	CardACSForged       = "4000000000003154"
	CardACSStartError   = "4000000000003162"
	CardEnrolledUnknown = "4000000000003048"
)

var acsCards = []ACSCard{
	{CardFrictionless, 1, "Y", "Y", "authenticated without a page (Visa)", acsLooks},
	{"5413339999003017", 1, "Y", "Y", "authenticated without a page (Mastercard)", acsFrictionless},
	{"2200000000003016", 1, "Y", "Y", "authenticated without a page (Mir)", acsFrictionless},
	{CardAttempted, 1, "A", "A", "attempted (Visa)", acsFrictionless},
	{"5413339999003025", 1, "A", "A", "attempted (Mastercard)", acsFrictionless},
	{CardNotEnrolled, 0, "", "", "does not take part", acsNotEnrolled},
	{CardEnrolledUnknown, -1, "", "", "directory server does not answer", acsNobodyKnows},
	{CardUnavailable, 1, "U", "U", "authentication is not available", acsFrictionless},
	{"4000000000003063", 1, "N", "N", "not authenticated", acsFrictionless},
	{CardRejected, 1, "R", "R", "rejected by the issuer", acsFrictionless},
	{"4000000000003170", 1, "I", "I", "for information only", acsFrictionless},
	{CardChallenge, 1, "C", "Y", "challenge (Visa)", acsChallenge},
	{"5413339999003082", 1, "C", "Y", "challenge (Mastercard)", acsChallenge},
	{CardChallengeFails, 1, "C", "N", "challenge, whatever is typed is wrong", acsRefusing},
	{CardMethod, 1, "Y", "Y", "method required: authenticated without a page after it, else a challenge", acsMethod},
	{CardDecoupled, 1, "D", "Y", "decoupled, then authenticated", acsDecoupled},
	{CardDecoupledFails, 1, "D", "N", "decoupled, then not authenticated", acsDecoupled},
	{CardACSError, 1, "", "", "error 500 when authenticating", acsBroken},
	{CardACSSilent, 1, "", "", "no answer when authenticating", acsSilent},
	{CardACSForged, 1, "", "", "answer with a wrong signature when authenticating", acsForged},
	{CardACSStartError, 0, "", "", "error 500 at the start", acsStartError},
}

// ACSCards returns the test cards of the ACS with their documented outcomes.
func ACSCards() []ACSCard { return append([]ACSCard(nil), acsCards...) }

// findACSCard returns the card; one that is not in the table does not take part.
func findACSCard(pan string) ACSCard {
	for _, c := range acsCards {
		if c.PAN == pan {
			return c
		}
	}
	return ACSCard{PAN: pan, behavior: acsNotEnrolled}
}

// hasMethod tells whether the ACS wants to see the browser first.
func (c ACSCard) hasMethod() bool { return c.behavior == acsMethod || c.behavior == acsLooks }

// indicator is the electronic commerce indicator of a status, as the card's network writes it.
func (c ACSCard) indicator(status string) string {
	visa, mastercard := "07", "00"
	switch status {
	case statusAuthenticated:
		visa, mastercard = "05", "02"
	case statusAttempted:
		visa, mastercard = "06", "01"
	case statusChallenge, statusDecoupled:
		return ""
	}
	if c.PAN[0] == '5' {
		return mastercard
	}
	return visa
}
