package tenants

import (
	"time"

	"settled/authorize/notify"
	"settled/authorize/protocol"
)

// Merchant holds what the online side needs to know of a merchant besides the directory.
type Merchant struct {
	Login        string // Latin letters, digits and _, 8 to 20 characters
	PasswordHash string // argon2id in PHC form of Latin letters and digits, see HashPassword
	TestMode     bool   // told in every answer
	Russian      bool   // texts of payment answers are Russian unless the request says otherwise
	Charset      string // of the merchant's pages, whose forms do not say it; empty: UTF-8
	// OldCurrencies reads the codes that a country's currency had before as those that it has.
	OldCurrencies bool
	Page          Page
	Proofs        protocol.Proofs
	Notify        Notify
	CardTesting   CardTesting
}

// Page says how buyers of a merchant pay on the payment page.
type Page struct {
	Card    bool // cards are offered
	Instant bool // the instant payment scheme is offered
	// Timeout is how long an order can be paid, from its creation. 0: 60 minutes.
	Timeout time.Duration
	// Attempts is how often a buyer may try to pay one order. 0: 3.
	Attempts int
	// The addresses that buyers are sent back to, for orders that bring none: after success, otherwise, and for both
	// when the other two are empty.
	ReturnOK, ReturnNo, ReturnURL string
	// ReturnHosts are the hosts that orders may send buyers to, in lower case; none are all.
	ReturnHosts []string
	ShowResult  bool // after a payment the result page is shown, with the way back on it; else a redirect
	OneClick    bool // cards may be stored for the buyer's next payment
	AskCode     bool // the verification code of a stored card is asked for again
	Recurring   bool // cards may be stored for payments that the merchant starts
	ThreeDS     bool // cardholders are authenticated by their bank
	Unproven    bool // payments pass whose cardholder nobody could authenticate for technical reasons
	AutoNumber  bool // an order without a number gets one
	Links       Links
	// Required names the buyer's data that the page asks for when an order lacks it, by the parameters of the protocol:
	// "Email".
	Required []string
}

// Links says whether orders for the page may stand in an address, as of a link in a mail.
type Links string

// The rules for links.
const (
	LinksTaken   Links = "taken"  // as forms are; the default
	LinksProven  Links = "proven" // with a check value or a signature
	LinksRefused Links = "refused"
)

// Taken tells that links are taken as forms are.
func (l Links) Taken() bool { return l == "" || l == LinksTaken }

// Notify says how the merchant's server is told without asking; of which operations, the books know (settle.Notify).
type Notify struct {
	URL          string        // receives notifications; empty: none are sent
	SOAP         bool          // notifications and their answers are SOAP; else a form
	PlainAnswer  bool          // any answer with status 200 is a receipt
	AllowPrivate bool          // the address may be in a private network, for tests
	Signer       notify.Signer // signs notifications as a whole
}

// Language is that of payment answers to requests that name none.
func (m *Merchant) Language() protocol.Language {
	if m.Russian {
		return protocol.Russian
	}
	return protocol.English
}

// What settings of 0 mean.
const (
	StandardTimeout  = 60 * time.Minute
	StandardAttempts = 3
)

// Tries are the attempts of a buyer, the default for 0.
func (p *Page) Tries() int {
	if p.Attempts == 0 {
		return StandardAttempts
	}
	return p.Attempts
}

// PayWithin is the time to pay, the default for 0.
func (p *Page) PayWithin() time.Duration {
	if p.Timeout == 0 {
		return StandardTimeout
	}
	return p.Timeout
}
