package threeds

import (
	"context"
	"net/url"

	"settled/internal/vault"
)

// Enrolled says whether a card takes part in 3-D Secure; the numbers are those of authrequired in the merchant API.
type Enrolled int8

// The answers.
const (
	EnrolledUnknown Enrolled = -1 // nobody could say
	NotEnrolled     Enrolled = 0
	IsEnrolled      Enrolled = 1
)

// Version is the version of EMV 3-D Secure messages that we speak.
const Version = "2.2.0"

// Enrollment is the answer to Start.
type Enrollment struct {
	Enrolled Enrolled
	// ServerTransID and Version name the transaction; empty unless IsEnrolled.
	ServerTransID string
	Version       string
	// MethodURL is where a hidden frame of the buyer's page posts MethodData to; empty when the bank does not want to see
	// the browser.
	MethodURL string
}

type startQuestion struct {
	RequestID      string `json:"requestId"`
	CardNumber     string `json:"cardNumber"`
	MessageVersion string `json:"messageVersion"`
}

type startAnswer struct {
	RequestID      string `json:"requestId"`
	Enrolled       *int   `json:"enrolled"`
	ServerTransID  string `json:"threeDSServerTransID"`
	MessageVersion string `json:"messageVersion"`
	MethodURL      string `json:"threeDSMethodURL"`
}

// Start asks whether a card takes part and begins a transaction if it does. id is our name of the request, 1 to 64
// letters, digits, points, underscores and hyphens: a second call with the same id and card returns the same transaction.
// The errors are those of the package; with ErrUnavailable the Enrollment is EnrolledUnknown.
func (c *Client) Start(ctx context.Context, id string, card vault.PAN) (Enrollment, error) {
	unknown := Enrollment{Enrolled: EnrolledUnknown}
	if !validID(id) || card.IsZero() {
		return unknown, invalid("name of the request or card number")
	}
	var a startAnswer
	if err := c.ask(ctx, "/v1/authentications", startQuestion{id, card.Reveal(), Version}, &a); err != nil {
		return unknown, err
	}
	if a.RequestID != id || a.Enrolled == nil || *a.Enrolled < -1 || *a.Enrolled > 1 {
		return unknown, untrusted("it is to another request, or does not say whether the card takes part")
	}
	e := Enrollment{Enrolled: Enrolled(*a.Enrolled)}
	if e.Enrolled != IsEnrolled {
		return e, nil
	}
	if !validUUID(a.ServerTransID) || !supported(a.MessageVersion) || a.MethodURL != "" && !c.page(a.MethodURL) {
		return unknown, untrusted("it has no transaction id, an unknown version or a wrong address")
	}
	e.ServerTransID, e.Version, e.MethodURL = a.ServerTransID, a.MessageVersion, a.MethodURL
	return e, nil
}

// supported tells whether a version is one of EMV 3-D Secure 2.
func supported(version string) bool { return version == "2.1.0" || version == Version }

// maxURL is the longest address that a browser is sent to.
const maxURL = 2048

// page tells whether a browser may be sent to an address that the server names.
func (c *Client) page(address string) bool {
	u, err := url.Parse(address)
	return err == nil && len(address) <= maxURL && safe(u, c.allowHTTP)
}

func validID(id string) bool {
	for i := range len(id) {
		switch c := id[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return id != "" && len(id) <= 64
}

// validUUID reports whether s is a UUID in its usual form.
func validUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		hyphen := i == 8 || i == 13 || i == 18 || i == 23
		hexadecimal := c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
		if hyphen && c != '-' || !hyphen && !hexadecimal {
			return false
		}
	}
	return true
}
