// Package instant is the client of a partner bank of the instant payment scheme (SBP, the Faster Payments System): it
// registers payments, asks what became of them, refunds them and charges subscriptions. The format is described in
// docs/formats/instant.md. No card data passes here.
//
// # What a caller may conclude
//
// Every call has one of four outcomes, and the error alone tells which:
//
//	error is nil           the bank answered, and its signature is right: the result says what is
//	wraps ErrRefused       the bank refused the request as a whole and did nothing; *RefusedError has the code
//	wraps ErrNotSent       nothing happened at the bank: the same request may be sent again, or not
//	wraps ErrUnknown       it may have happened: ask, or send the same request with the same id again
//
// Register, Refund and Charge are idempotent by our id, so ErrUnknown is resolved by the same call with the same
// arguments; it must never become a call with a new id. For a call that only asks, every error but ErrNotFound means that
// nothing was learned.
//
// ErrRefused and ErrNotSent are about this request alone. After an earlier ErrUnknown under the same id they decide
// nothing: that earlier request may still arrive. Then only the bank's state of the id decides, or ErrNotFound more than
// [FinalAfter] after the last call.
//
// A refund or a charge can also be refused in its result ([Refused]): then the bank has booked it as refused, and
// repeats give the same result. [Pending] is a result without a decision: ask again later.
//
// A payment that is [Expired] can still become [Paid]: money that was on its way when the QR expired arrives later and
// cannot be reversed. Whoever closes an order asks once more before it does, and keeps asking for a while after.
//
// # Trust
//
// Requests are signed over method, path, body, time, nonce and key; an answer is signed together with the nonce of its
// request, so a recorded answer fits no other request. An answer without a right signature, such as one of a proxy in
// between, says nothing about the bank: its outcome is unknown. Members of an answer or notification that are not
// documented are ignored, so that a bank may add some; repeated ones are an error, and so is a value of another form.
//
// # Amounts
//
// Banks differ in how they write amounts: one takes rubles, another kopecks. [Unit] is a setting of the bank without a
// default. The two forms cannot be mistaken for each other, since one is a text and the other a number: with the wrong
// setting every call fails, and none is off by a factor of a hundred.
//
// # Circuit breaker
//
// After Options.BreakerFailures calls in a row that were not answered (not sent or unknown; refusals are answers) calls
// end at once with ErrNotSent and ErrBreakerOpen, until one call in each Options.BreakerPause gets through again.
package instant
