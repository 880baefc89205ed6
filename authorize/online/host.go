package online

import (
	"context"
	"time"

	"settled/internal/money"
	"settled/internal/vault"
)

// Host is a processing center's online host, as the rest of the system sees it.
type Host interface {
	// Exchange sends one request and returns the center's answer. A decline is an Answer, not an error. An error
	// wraps ErrNotSent (nothing happened, safe to send again) or ErrUnknown (resolve before saying more).
	Exchange(ctx context.Context, request Request) (Answer, error)
	// Echo asks the center whether it is there. An error wraps ErrNotSent or ErrUnknown.
	Echo(ctx context.Context) error
}

// Kind is a kind of exchange with a center.
type Kind uint8

// The kinds of exchange.
const (
	Authorization   Kind = iota + 1 // dual-message authorization: places a hold
	Purchase                        // single-message: debits at once
	Refund                          // single-message credit of an earlier purchase
	Reversal                        // undoes an earlier request in full
	PartialReversal                 // releases part of an earlier authorization
	Inquiry                         // asks what became of an earlier request
	Log                             // asks what was approved in a range of time
	echo                            // network management
	kinds
)

var kindNames = [kinds]string{"", "authorization", "purchase", "refund", "reversal", "partial_reversal", "inquiry", "log", "echo"}

// String returns the name of the kind, as used in metrics.
func (k Kind) String() string {
	if k >= kinds {
		return ""
	}
	return kindNames[k]
}

// money tells whether the kind has an amount.
func (k Kind) money() bool { return k != Inquiry && k != Log }

// undoes tells whether the kind takes an earlier request back.
func (k Kind) undoes() bool { return k == Reversal || k == PartialReversal }

// Original names an earlier request in a reversal, a refund or an inquiry (ISO 8583 DE56).
type Original struct {
	Kind      Kind      // Authorization, Purchase or Refund
	STAN      string    // its 6 digits
	LocalTime time.Time // its Request.LocalTime
}

// Request is one message to a center. The match key of a request is (Terminal, STAN, RRN, TransmittedAt to the second):
// it has to be unique per center, has to be durable before Exchange is called, and stays the same in a repeat.
type Request struct {
	Kind           Kind
	TwoStage       bool         // an authorization that a later confirmation completes
	Repeat         bool         // the same request was sent before, and its answer is unknown
	Amount         money.Amount // positive; of a partial reversal: the part that is released
	OriginalAmount money.Amount // partial reversal: the amount of the original
	STAN           string       // 6 digits
	RRN            string       // 12 letters and digits; a reversal carries its original's
	TransmittedAt  time.Time    // of the first transmission; sent in UTC, to the second
	LocalTime      time.Time    // sent as it reads in its own location, to the second
	Terminal       string       // at most 8 characters
	Acceptor       string       // at most 15 characters
	MCC            string       // 4 digits
	Acquirer       string       // at most 11 digits
	Reason         string       // reversal: 4 digits of ISO 8583 DE25, or empty
	Original       Original     // reversal, refund and inquiry
	Data           string       // log: what is asked for (DE72), at most 999 characters
	Card           Card         // authorization, purchase and refund

	// Authentication is what 3-D Secure gave for an authorization or a purchase; zero when it was not asked.
	Authentication Authentication
	// Stored says what an authorization or a purchase has to do with a stored card; zero: nothing.
	Stored Stored
	// NetworkID is Answer.NetworkID of the first payment with the stored card, in all that follow it; else empty.
	NetworkID string
}

// Card is what a message says about the card. PAN and CVV print masked.
type Card struct {
	PAN    vault.PAN
	Expiry string       // YYMM, or empty
	CVV    vault.Secret // card verification code, or empty; Exchange wipes it once it may have left
}

// Answer is the center's word on a request.
type Answer struct {
	// ActionCode is ISO 8583 DE39, 3 digits; see the package documentation for the codes.
	ActionCode string
	// ApprovalCode is DE38, at most 6 characters, empty when declined.
	ApprovalCode string
	// RRN is DE37.
	RRN string
	// NetworkID is the network's name of an approved payment, at most 15 characters; empty when the center gives none.
	// Payments that later use the stored card repeat it.
	NetworkID string
	// Data is DE72, at most 999 characters: some of a log.
	Data string
	// Text is the whole answer, readable, with card data masked.
	Text string
}

// Approved tells whether the center did what was asked: action code 000, or 400 for a reversal.
func (a Answer) Approved() bool {
	return a.ActionCode == actionApproved || a.ActionCode == actionReversed
}

// OriginalUnknown tells whether a reversal or inquiry named a request that the center has never seen. For a reversal
// that is a good outcome: there is nothing to undo, and the center will stop the original should it still arrive.
func (a Answer) OriginalUnknown() bool { return a.ActionCode == actionNotFound }

// TooLate tells whether a reversal came after the original was cleared: the money goes back by a refund instead.
func (a Answer) TooLate() bool { return a.ActionCode == actionTooLate }

const (
	actionApproved = "000"
	actionReversed = "400"
	actionNotFound = "914"
	actionTooLate  = "940"
)

// LateReason says why an answer had no request waiting for it.
type LateReason uint8

// The reasons.
const (
	Late       LateReason = iota + 1 // its request gave up before
	Duplicate                        // its request was answered before
	Unmatched                        // no such request is remembered
	Mismatched                       // it has the key of a request but cannot be its answer: other type or amount
	Unreadable                       // it cannot be decoded; nothing but the reason is known
	lateReasons
)

var lateReasonNames = [lateReasons]string{"", "late", "duplicate", "unmatched", "mismatched", "unreadable"}

// String returns the name of the reason, as used in metrics.
func (r LateReason) String() string {
	if r >= lateReasons {
		return ""
	}
	return lateReasonNames[r]
}

// LateAnswer is an answer that arrived when no request was waiting for it. It changes nothing: what was told stays told.
type LateAnswer struct {
	Reason        LateReason
	MTI           string // message type, such as "1110"
	Terminal      string // match key: DE41, without padding
	STAN          string // match key: DE11
	TransmittedAt string // match key: DE7, MMDDhhmmss in UTC
	Answer        Answer // Answer.RRN is the rest of the match key
}
