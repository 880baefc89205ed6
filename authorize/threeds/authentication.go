package threeds

import (
	"context"
	"encoding/base64"
	"errors"

	"settled/internal/vault"
)

// Status is what became of an authentication (EMV 3-D Secure, transStatus).
type Status string

// The statuses.
const (
	StatusAuthenticated Status = "Y"
	StatusAttempted     Status = "A" // issuer or cardholder does not take part; tried all the same
	StatusFailed        Status = "N" // not authenticated
	StatusUnavailable   Status = "U" // could not be done
	StatusRejected      Status = "R" // the issuer refuses
	StatusInformation   Status = "I" // for information only
	StatusChallenge     Status = "C" // the cardholder has to be asked by a page
	StatusDecoupled     Status = "D" // the cardholder is being asked by other ways
)

// Final reports whether the status will not change: it is neither a challenge nor decoupled.
func (s Status) Final() bool { return s != StatusChallenge && s != StatusDecoupled }

// Unproven reports whether the issuer neither gave a proof nor refused: the payment may be sent at the merchant's risk only.
func (s Status) Unproven() bool { return s == StatusUnavailable || s == StatusInformation }

// Proven reports whether the issuer gave a proof that the payment has to carry.
func (s Status) Proven() bool { return s == StatusAuthenticated || s == StatusAttempted }

// AuthResult is the status as authresult of the merchant API says it: C while the cardholder is being asked, in whatever
// way, U when the payment is sent without a proof, E when there is no status.
func (s Status) AuthResult() string {
	switch s {
	case StatusAuthenticated, StatusAttempted, StatusFailed, StatusUnavailable, StatusRejected, StatusChallenge:
		return string(s)
	case StatusDecoupled:
		return string(StatusChallenge)
	case StatusInformation:
		return string(StatusUnavailable)
	}
	return "E"
}

// Authentication is the state of a transaction.
type Authentication struct {
	ServerTransID string
	Version       string
	Status        Status
	// Reason is transStatusReason, two digits; may be empty.
	Reason string
	// ECI is the electronic commerce indicator of the network, two digits; may be empty unless the status is proven. One that
	// claims a proof without a proven status is left out.
	ECI string
	// Value is the issuer's proof, 28 characters of base64; empty unless the status is proven.
	Value vault.Secret
	// DSTransID and ACSTransID name the transaction at the directory server and at the access control server.
	DSTransID  string
	ACSTransID string
	// Challenge is where the browser goes for StatusChallenge.
	Challenge Challenge
	// Canceled says that the challenge was given up.
	Canceled bool
	// CardholderInfo is a text of the bank for the cardholder, at most 128 characters; may be empty.
	CardholderInfo string
}

// Challenge is a form that the browser posts: the field creq, and threeDSSessionData if the caller wants something back.
type Challenge struct {
	URL     string
	Request string // creq
}

// Indicator is the ECI of the merchant API: 5 authenticated, 6 attempted, 7 neither.
func (a Authentication) Indicator() int {
	switch a.Status {
	case StatusAuthenticated:
		return 5
	case StatusAttempted:
		return 6
	default:
		return 7
	}
}

// stateAnswer is the answer to authenticate and to result.
type stateAnswer struct {
	ServerTransID   string `json:"threeDSServerTransID"`
	MessageVersion  string `json:"messageVersion"`
	Status          Status `json:"transStatus"`
	Reason          string `json:"transStatusReason"`
	ECI             string `json:"eci"`
	Value           string `json:"authenticationValue"`
	DSTransID       string `json:"dsTransID"`
	ACSTransID      string `json:"acsTransID"`
	ACSURL          string `json:"acsURL"`
	ChallengeCancel string `json:"challengeCancel"`
	CardholderInfo  string `json:"cardholderInfo"`
}

// Authenticate has the cardholder of a transaction authenticated. The errors are those of the package; with ErrUnavailable
// the Authentication has StatusUnavailable, with the others none.
func (c *Client) Authenticate(ctx context.Context, r Request) (Authentication, error) {
	question, err := r.question()
	if err != nil {
		return Authentication{ServerTransID: r.ServerTransID}, err
	}
	return c.state(ctx, r.ServerTransID, r.Version, r.Window, question)
}

// Result returns the state of a transaction that Authenticate was called for. It is final unless the cardholder is still
// being asked. Errors are as those of Authenticate.
func (c *Client) Result(ctx context.Context, serverTransID string) (Authentication, error) {
	if !validUUID(serverTransID) {
		return Authentication{}, invalid("transaction id")
	}
	return c.state(ctx, serverTransID, "", "", nil)
}

func (c *Client) state(ctx context.Context, id, version, window string, question any) (Authentication, error) {
	failed := Authentication{ServerTransID: id, Version: version}
	var s stateAnswer
	if err := c.ask(ctx, "/v1/authentications/"+id, question, &s); err != nil {
		failed.Status = statusOf(err)
		return failed, err
	}
	if fault := c.fault(&s, id, version); fault != "" {
		return failed, untrusted("it contradicts itself: %s", fault)
	}
	return s.authentication(window), nil
}

// fault says what of an answer cannot be believed; empty when all can.
func (c *Client) fault(s *stateAnswer, id, version string) string {
	switch {
	case s.ServerTransID != id:
		return "other transaction"
	case !supported(s.MessageVersion) || version != "" && s.MessageVersion != version:
		return "other version"
	case s.DSTransID != "" && !validUUID(s.DSTransID), s.ACSTransID != "" && !validUUID(s.ACSTransID):
		return "transaction id that is none"
	case s.ECI != "" && !twoDigits(s.ECI), s.Reason != "" && !twoDigits(s.Reason), s.ChallengeCancel != "" && !twoDigits(s.ChallengeCancel):
		return "code that is not two digits"
	case len(s.CardholderInfo) > 4*128:
		return "text that is too long"
	}
	return c.faultOfStatus(s)
}

// faultOfStatus checks what comes with a status: a proof with those that are proven and with no other, a page to go to with
// a challenge.
func (c *Client) faultOfStatus(s *stateAnswer) string {
	proof := ""
	switch s.Status {
	case StatusAuthenticated:
		proof = "02 05"
	case StatusAttempted:
		proof = "01 06"
	case StatusFailed, StatusUnavailable, StatusRejected, StatusInformation, StatusDecoupled:
	case StatusChallenge:
		if !c.page(s.ACSURL) || s.ACSTransID == "" {
			return "challenge without a page"
		}
	default:
		return "unknown status"
	}
	switch {
	case proof == "" && s.Value != "":
		return "proof of something that was not proven"
	case proof == "":
		return ""
	case s.ECI != proof[:2] && s.ECI != proof[3:]:
		return "electronic commerce indicator of another status"
	case !validValue(s.Value) || s.DSTransID == "":
		return "no proof"
	}
	return ""
}

// statusOf is the status that an error leaves.
func statusOf(err error) Status {
	if errors.Is(err, ErrUnavailable) {
		return StatusUnavailable
	}
	return ""
}

// validValue reports whether a proof is 20 bytes in base64.
func validValue(v string) bool {
	raw, err := base64.StdEncoding.Strict().DecodeString(v)
	return err == nil && len(raw) == 20 && len(v) == 28
}

func twoDigits(s string) bool { return digits(s, 2, 2) }

func (s *stateAnswer) authentication(window string) Authentication {
	a := Authentication{
		ServerTransID: s.ServerTransID, Version: s.MessageVersion, Status: s.Status, Reason: s.Reason, ECI: s.ECI,
		DSTransID: s.DSTransID, ACSTransID: s.ACSTransID, Canceled: s.ChallengeCancel != "", CardholderInfo: s.CardholderInfo,
	}
	if !s.Status.Proven() && s.ECI != "07" && s.ECI != "00" {
		a.ECI = ""
	}
	if s.Value != "" {
		a.Value = vault.NewSecret([]byte(s.Value))
	}
	if s.Status == StatusChallenge {
		a.Challenge = Challenge{URL: s.ACSURL, Request: challengeRequest(a, window)}
	}
	return a
}
