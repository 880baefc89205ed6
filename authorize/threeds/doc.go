// Package threeds is the client of a 3-D Secure server: it has cardholders authenticated at their banks (EMV 3-D Secure 2)
// before a payment is sent. The API is docs/formats/threeds.md.
//
// # A payment's way
//
//	Start ──► NotEnrolled, EnrolledUnknown ──► the payment is sent without authentication
//	  │ Enrolled
//	  ▼
//	the browser's hidden frame posts MethodData to Enrollment.MethodURL, if there is one; ParseMethodData reads what comes back
//	  ▼
//	Authenticate ──► Y A U I  the payment is sent, with Authentication.ECI, Value and DSTransID
//	  │          ──► N R      the payment is declined
//	  │          ──► D        Result is asked until it says otherwise
//	  ▼ C
//	the browser posts Challenge.Request to Challenge.URL; ParseChallengeResult reads the cres that comes back
//	  ▼
//	Result ──► the final status
//
// What a browser brings proves nothing: ParseMethodData and ParseChallengeResult only say which transaction goes on. Status
// and proof always come from the server, in an answer that it signed.
//
// # What a caller may conclude
//
// Start, Authenticate and Result change nothing at a second call with the same content, so each may be called again after
// an error. Their errors wrap exactly one of
//
//	ErrInvalid       our request cannot be written, or the server refuses it: calling again will not help
//	ErrNoTransaction the server does not know the transaction
//	ErrUnavailable   no usable answer came
//
// None of them says that the cardholder failed. With ErrUnavailable the Authentication returned has StatusUnavailable: the
// payment may go on without authentication, at the merchant's risk.
//
// # Card data
//
// The card number is sent once, by Start, over TLS. No error and no log line holds a card number or an authentication
// value; an authentication value prints as three stars.
package threeds
