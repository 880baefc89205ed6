package pcsim

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// acsVersion is the only version of messages.
const acsVersion = "2.2.0"

// authentication is one transaction of the 3DS server.
type authentication struct {
	id, acsID, dsID string // UUIDs
	card            ACSCard
	started         string // digest of the request that started it
	methodDone      bool

	asked           string // digest of the request to authenticate; empty before
	merchant        string
	amount          string
	notificationURL string
	status          string // the final one once decided
	reason          string
	canceled        bool
	tries           int
	deadline        time.Time // of a challenge, or when a decoupled authentication is decided
	session         string    // threeDSSessionData
}

type startRequest struct {
	RequestID      string `json:"requestId"`
	CardNumber     string `json:"cardNumber"`
	MessageVersion string `json:"messageVersion"`
}

type startAnswer struct {
	RequestID      string `json:"requestId"`
	Enrolled       int    `json:"enrolled"`
	ServerTransID  string `json:"threeDSServerTransID,omitempty"`
	MessageVersion string `json:"messageVersion,omitempty"`
	MethodURL      string `json:"threeDSMethodURL,omitempty"`
}

func (a *ACS) start(r *http.Request, body []byte) (any, error) {
	var q startRequest
	if err := readStrictly(body, &q); err != nil {
		return nil, err
	}
	if q.RequestID == "" || len(q.RequestID) > 64 || !luhnValid(q.CardNumber) {
		return nil, acsMalformed("requestId or cardNumber")
	}
	card := findACSCard(q.CardNumber)
	answer := startAnswer{RequestID: q.RequestID, Enrolled: card.Enrolled}
	switch {
	case card.behavior == acsStartError:
		return nil, errACSBroken
	case card.Enrolled != 1:
		return answer, nil
	}
	t := &authentication{card: card, started: digestOf(body), id: a.uuid("server", q.RequestID), acsID: a.uuid("acs", q.RequestID), dsID: a.uuid("ds", q.RequestID)}
	a.mu.Lock()
	defer a.mu.Unlock()
	if first := a.transactions[t.id]; first == nil {
		a.transactions[t.id], a.challenges[t.acsID] = t, t
	} else if first.started != t.started {
		return nil, errACSConflict
	}
	answer.ServerTransID, answer.MessageVersion = t.id, acsVersion
	if card.hasMethod() {
		answer.MethodURL = a.public(r, "/method")
	}
	return answer, nil
}

// uuid is a UUID that the seed, the use and the request determine.
func (a *ACS) uuid(use, request string) string {
	b := mark("pcsim: transaction ids", strconv.FormatUint(a.opt.Seed, 10), use, request)[:16]
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80 // version 8, variant of RFC 9562
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// authenticationRequest is the request to authenticate.
type authenticationRequest struct {
	MessageVersion     string `json:"messageVersion"`
	CompInd            string `json:"threeDSCompInd"`
	Ind                string `json:"threeDSRequestorAuthenticationInd"`
	CardExpiryDate     string `json:"cardExpiryDate"`
	CardholderName     string `json:"cardholderName"`
	Email              string `json:"email"`
	Amount             string `json:"purchaseAmount"`
	Exponent           string `json:"purchaseExponent"`
	Currency           string `json:"purchaseCurrency"`
	Date               string `json:"purchaseDate"`
	RecurringExpiry    string `json:"recurringExpiry"`
	RecurringFrequency string `json:"recurringFrequency"`
	AcquirerBIN        string `json:"acquirerBIN"`
	MerchantID         string `json:"acquirerMerchantID"`
	MerchantName       string `json:"merchantName"`
	MCC                string `json:"mcc"`
	Country            string `json:"merchantCountryCode"`
	NotificationURL    string `json:"notificationURL"`
	Accept             string `json:"browserAcceptHeader"`
	UserAgent          string `json:"browserUserAgent"`
	IP                 string `json:"browserIP"`
	JavaScript         *bool  `json:"browserJavascriptEnabled"`
	Java               *bool  `json:"browserJavaEnabled"`
	Language           string `json:"browserLanguage"`
	ColorDepth         string `json:"browserColorDepth"`
	ScreenWidth        string `json:"browserScreenWidth"`
	ScreenHeight       string `json:"browserScreenHeight"`
	TZ                 string `json:"browserTZ"`
}

// fault names the first field that is wrong.
func (q *authenticationRequest) fault() string {
	recurring := q.Ind == "02"
	script := q.JavaScript != nil && *q.JavaScript
	for _, f := range []struct {
		name string
		ok   bool
	}{
		{"messageVersion", q.MessageVersion == acsVersion},
		{"threeDSCompInd", slices.Contains([]string{"Y", "N", "U"}, q.CompInd)},
		{"threeDSRequestorAuthenticationInd", slices.Contains([]string{"01", "02", "04"}, q.Ind)},
		{"cardExpiryDate", digitsBetween(q.CardExpiryDate, 4, 4)},
		{"cardholderName", len(q.CardholderName) <= 45},
		{"email", len(q.Email) <= 254},
		{"purchaseAmount", digitsBetween(q.Amount, 1, 48)},
		{"purchaseExponent", digitsBetween(q.Exponent, 1, 1)},
		{"purchaseCurrency", digitsBetween(q.Currency, 3, 3)},
		{"purchaseDate", digitsBetween(q.Date, 14, 14)},
		{"recurringExpiry", digitsBetween(q.RecurringExpiry, 8, 8) == recurring},
		{"recurringFrequency", digitsBetween(q.RecurringFrequency, 1, 4) == recurring},
		{"acquirerBIN", digitsBetween(q.AcquirerBIN, 1, 11)},
		{"acquirerMerchantID", q.MerchantID != "" && len(q.MerchantID) <= 35},
		{"merchantName", q.MerchantName != "" && len(q.MerchantName) <= 120},
		{"mcc", digitsBetween(q.MCC, 4, 4)},
		{"merchantCountryCode", digitsBetween(q.Country, 3, 3)},
		{"notificationURL", webAddress(q.NotificationURL)},
		{"browserAcceptHeader", q.Accept != "" && len(q.Accept) <= 2048},
		{"browserUserAgent", q.UserAgent != "" && len(q.UserAgent) <= 2048},
		{"browserIP", q.IP != "" && len(q.IP) <= 45},
		{"browserJavascriptEnabled", q.JavaScript != nil},
		{"browserJavaEnabled", q.Java != nil},
		{"browserLanguage", q.Language != "" && len(q.Language) <= 35},
		{"browserColorDepth", !script || slices.Contains([]string{"1", "4", "8", "15", "16", "24", "32", "48"}, q.ColorDepth)},
		{"browserScreenWidth", !script || digitsBetween(q.ScreenWidth, 1, 6)},
		{"browserScreenHeight", !script || digitsBetween(q.ScreenHeight, 1, 6)},
		{"browserTZ", !script || q.TZ != "" && len(q.TZ) <= 5},
	} {
		if !f.ok {
			return f.name
		}
	}
	return ""
}

func digitsBetween(s string, least, most int) bool {
	return len(s) >= least && len(s) <= most && digits(s)
}

func webAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && len(s) <= 256
}

func (a *ACS) authenticate(r *http.Request, body []byte) (any, error) {
	var q authenticationRequest
	if err := readStrictly(body, &q); err != nil {
		return nil, err
	}
	if field := q.fault(); field != "" {
		return nil, acsMalformed(field)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.transactions[r.PathValue("id")]
	switch {
	case t == nil:
		return nil, errACSUnknown
	case t.asked != "" && t.asked != digestOf(body):
		return nil, errACSConflict
	case t.asked == "":
		a.decide(t, &q)
		t.asked = digestOf(body)
	}
	switch t.card.behavior {
	case acsBroken:
		return nil, errACSBroken
	case acsSilent:
		return nil, errACSSilent
	case acsForged:
		return a.state(r, t), errACSForged
	}
	return a.state(r, t), nil
}

// decide sets the first status of a transaction.
func (a *ACS) decide(t *authentication, q *authenticationRequest) {
	t.merchant, t.amount, t.notificationURL = q.MerchantName, q.Amount+" (currency "+q.Currency+", "+q.Exponent+" decimals)", q.NotificationURL
	t.status = t.card.Status
	switch t.card.behavior {
	case acsMethod:
		if q.CompInd != "Y" || !t.methodDone {
			t.status = statusChallenge
		}
	case acsBroken, acsSilent:
		t.status = statusUnavailable
	case acsForged:
		t.status = statusAuthenticated
	}
	switch t.status {
	case statusChallenge:
		t.deadline = a.opt.Now().Add(a.opt.ChallengeFor)
	case statusDecoupled:
		t.deadline = a.opt.Now().Add(a.opt.DecoupledAfter)
	case statusFailed, statusRejected:
		t.reason = reasonFailed
	}
}

// Reasons of a status.
const (
	reasonFailed  = "01" // card authentication failed
	reasonTimeout = "14" // timed out at the ACS
)

// settle decides what time decides.
func (a *ACS) settle(t *authentication) {
	over := !a.opt.Now().Before(t.deadline)
	switch {
	case t.status == statusDecoupled && over:
		t.finish(t.card.Final, reasonFailed)
	case t.status == statusChallenge && over:
		t.finish(statusFailed, reasonTimeout)
	}
}

// finish sets the last status; the reason is that of a failure.
func (t *authentication) finish(status, reason string) {
	t.status = status
	if status == statusFailed {
		t.reason = reason
	}
}

// stateAnswer is the answer to authenticate and to result.
type stateAnswer struct {
	ServerTransID   string `json:"threeDSServerTransID"`
	MessageVersion  string `json:"messageVersion"`
	Status          string `json:"transStatus"`
	Reason          string `json:"transStatusReason,omitempty"`
	ECI             string `json:"eci,omitempty"`
	Value           string `json:"authenticationValue,omitempty"`
	DSTransID       string `json:"dsTransID,omitempty"`
	ACSTransID      string `json:"acsTransID,omitempty"`
	ACSURL          string `json:"acsURL,omitempty"`
	ChallengeCancel string `json:"challengeCancel,omitempty"`
	CardholderInfo  string `json:"cardholderInfo,omitempty"`
}

func (a *ACS) state(r *http.Request, t *authentication) stateAnswer {
	a.settle(t)
	s := stateAnswer{
		ServerTransID: t.id, MessageVersion: acsVersion, Status: t.status, Reason: t.reason,
		ECI: t.card.indicator(t.status), DSTransID: t.dsID, ACSTransID: t.acsID,
	}
	switch t.status {
	case statusAuthenticated, statusAttempted:
		s.Value = authenticationValue(t.card.PAN, t.dsID, t.status)
	case statusChallenge:
		s.ACSURL = a.public(r, "/challenge")
	case statusDecoupled:
		s.CardholderInfo = "Confirm the payment in the app of your bank."
	}
	if t.canceled {
		s.ChallengeCancel = "01"
	}
	return s
}

func (a *ACS) result(r *http.Request, body []byte) (any, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.transactions[r.PathValue("id")]
	if t == nil || t.asked == "" {
		return nil, errACSUnknown
	}
	if len(body) > 0 {
		return nil, acsMalformed("a question for the result has no body")
	}
	return a.state(r, t), nil
}
