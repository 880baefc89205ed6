// Package threeds is the client of a 3-D Secure server: it has cardholders authenticated at their banks (EMV 3-D Secure 2)
// before a payment is sent. The API is docs/formats/threeds.md.
//
// # A payment's way
//
//	Start ──► NotEnrolled ──► the payment is sent without authentication
//	  │   ──► EnrolledUnknown ──► the same, where the merchant takes the risk, else it is declined
//	  │ Enrolled
//	  ▼
//	the browser's hidden frame posts MethodData to Enrollment.MethodURL, if there is one; ParseMethodData reads what comes back
//	  ▼
//	Authenticate ──► Y A      the payment is sent, with Authentication.ECI, Value and DSTransID
//	  │          ──► U I      the same, where the merchant takes the risk, else it is declined
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
//	ErrUntrusted     an answer came that cannot be believed
//	ErrUnavailable   the server could not be reached, or failed
//
// None of them says that the cardholder failed. With ErrUnavailable, which neither our request nor the buyer can cause, the Authentication
// returned has StatusUnavailable: the payment may go on without authentication if the merchant takes the risk. With the others it ends.
//
// # Card data
//
// The card number is sent once, by Start, over TLS. No error and no log line holds a card number or an authentication
// value; an authentication value prints as three stars.
package threeds
