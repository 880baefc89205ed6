package online

import (
	"settled/fileformats/iso8583"
	"settled/internal/vault"
)

// Stored is what a payment has to do with a stored card.
type Stored uint8

// The uses of a stored card. The first two are payments that the card is typed in for, and saved; the buyer pays with
// a saved card in the third; the merchant charges it, without the buyer, in the last two.
const (
	NotStored       Stored = iota
	SavesCard              // the buyer pays and lets the shop keep the card
	AgreesRecurring        // the buyer pays and agrees to recurring payments
	CardOnFile             // the buyer pays with the saved card
	Recurring              // the merchant charges the next of the recurring payments
	Unscheduled            // the merchant charges the saved card without a schedule
	stored
)

// credential is how a use of a stored card stands in a message.
type credential struct {
	initiation string // private data 0022 of DE 48
	posData    string // DE 22; empty: that of a card typed in
}

var credentials = [stored]credential{
	SavesCard:       {initiation: iso8583.InitiationCardOnFile},
	AgreesRecurring: {initiation: iso8583.InitiationRecurring},
	CardOnFile:      {iso8583.InitiationCardOnFile, "00025071900C"},
	Recurring:       {iso8583.InitiationStanding, "00024070900C"},
	Unscheduled:     {iso8583.InitiationUnscheduled, "00021070900C"},
}

// byMerchant tells whether the buyer is not there.
func (s Stored) byMerchant() bool { return s == Recurring || s == Unscheduled }

// DE 22 of a card that the buyer types in: electronic order, card and cardholder not present. The eighth position says
// whether the cardholder was authenticated.
const (
	posTyped         = "000250S1900C"
	posAttempted     = "000250SW900C"
	posAuthenticated = "000250SX900C"
)

// Authentication is the result of 3-D Secure that a payment carries. The zero value is none.
type Authentication struct {
	// ECI is the electronic commerce indicator, two digits: 05 or 02 authenticated, 06 or 01 attempted, 07 or 00 neither.
	ECI string
	// Value is the issuer's proof (CAVV, UCAF), 28 characters of base64; empty when neither. Exchange wipes it once it
	// may have left.
	Value vault.Secret
	// DSTransID is the directory server's transaction id, 36 characters; may be empty.
	DSTransID string
}

// SecurityLevel returns the three digits that an ECI stands for in messages and clearing records: 212 authenticated, 211
// attempted, 210 neither. ok is false for an ECI that is none.
func SecurityLevel(eci string) (level string, ok bool) {
	switch eci {
	case "02", "05":
		return iso8583.SecurityLevelFull, true
	case "01", "06":
		return iso8583.SecurityLevelAttempted, true
	case "00", "07":
		return iso8583.SecurityLevelNone, true
	}
	return "", false
}

const (
	authenticationValue = 28 // characters
	maxNetworkID        = 15
	maxDirectoryID      = 36
)

// checkCredential refuses what a center could misunderstand about authentication and stored cards.
func (r *Request) checkCredential() error {
	a := &r.Authentication
	level, known := SecurityLevel(a.ECI)
	proven := known && level != iso8583.SecurityLevelNone
	value := a.Value.Reveal()
	switch {
	case r.Stored >= stored:
		return invalid("use of a stored card unknown")
	case r.Stored.byMerchant() && !r.Card.CVV.IsZero():
		return invalid("payment without the customer has a card verification code")
	case a.ECI != "" && !known:
		return invalid("electronic commerce indicator unknown")
	case proven != (len(value) > 0):
		return invalid("authentication value and electronic commerce indicator contradict each other")
	case len(value) > 0 && (len(value) != authenticationValue || !base64Text(value)):
		return invalid("authentication value is not 28 characters of base64")
	case len(r.NetworkID) > maxNetworkID || !plainText(r.NetworkID):
		return invalid("network transaction id is longer than 15 characters or is not letters, digits, hyphens and spaces")
	case len(a.DSTransID) > maxDirectoryID || !plainText(a.DSTransID):
		return invalid("directory server transaction id is longer than 36 characters or is not letters, digits, hyphens and spaces")
	}
	return nil
}

func base64Text(v []byte) bool {
	for _, c := range v {
		if !letterOrDigit(c) && c != '+' && c != '/' && c != '=' {
			return false
		}
	}
	return true
}

// plainText reports whether s is letters, digits, hyphens and spaces: a network fills its ids with spaces.
func plainText(s string) bool {
	for i := range len(s) {
		if !letterOrDigit(s[i]) && s[i] != '-' && s[i] != ' ' {
			return false
		}
	}
	return true
}

func letterOrDigit(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// posData is DE 22.
func (r *Request) posData() string {
	if pos := credentials[r.Stored].posData; pos != "" {
		return pos
	}
	switch level, _ := SecurityLevel(r.Authentication.ECI); level {
	case iso8583.SecurityLevelFull:
		return posAuthenticated
	case iso8583.SecurityLevelAttempted:
		return posAttempted
	}
	return posTyped
}

// setPrivate sets DE 48 when there is something to say in it. A refund has at most a code.
func (r *Request) setPrivate(m *iso8583.Message) {
	var place [160]byte // more than all the values together
	data := place[:0]
	if r.Kind != Refund {
		level, _ := SecurityLevel(r.Authentication.ECI)
		data = appendPrivate(data, iso8583.PDSInitiation, credentials[r.Stored].initiation)
		data = appendPrivate(data, iso8583.PDSSecurityLevel, level)
		data = appendPrivate(data, iso8583.PDSAuthenticationValue, r.Authentication.Value.Reveal())
		data = appendPrivate(data, iso8583.PDSNetworkID, r.NetworkID)
		data = appendPrivate(data, iso8583.PDSDirectoryID, r.Authentication.DSTransID)
	}
	data = appendPrivate(data, iso8583.PDSVerificationCode, r.Card.CVV.Reveal())
	if len(data) > 0 {
		m.SetBytes(48, data)
	}
	clear(place[:])
}

// appendPrivate appends tag, length and value, each in digits; an empty value adds nothing.
func appendPrivate[T string | []byte](dst []byte, tag int, value T) []byte {
	n := len(value)
	if n == 0 {
		return dst
	}
	dst = append(dst, '0'+byte(tag/1000%10), '0'+byte(tag/100%10), '0'+byte(tag/10%10), '0'+byte(tag%10),
		'0'+byte(n/100%10), '0'+byte(n/10%10), '0'+byte(n%10))
	return append(dst, value...)
}
