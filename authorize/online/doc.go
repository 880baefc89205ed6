// Package online is the switch: the client side of a processing center's online host. A [Host] takes authorizations,
// purchases, refunds, reversals and inquiries; [Client] speaks ISO 8583:1993 (the online dialect of package iso8583)
// over persistent TCP connections, with many requests in flight.
//
// # What a caller may conclude
//
// An exchange has three outcomes, and the error alone tells which:
//
//	error is nil          the center answered: Answer says approved or declined
//	wraps ErrNotSent      no byte left: nothing happened, the same request may be sent again
//	wraps ErrUnknown      bytes may have left: inquire or reverse, never call it declined, never send it as a new one
//
// The switch never sends a request twice and never turns an unknown outcome into a decline. The caller makes the
// request's match key and the intent to reverse it durable before Exchange, so that a crash at any point leaves an
// outcome that can be found out.
//
// # A request's life
//
//	Exchange ──► admitted? ──no──► NotSent (invalid, breaker open, busy, no connection, closed)
//	                │
//	                ▼              deadline, or last connection lost
//	             queued ─────────────────────────────────────────────► NotSent
//	                │ a link takes it: the bytes count as sent
//	                ▼              deadline, connection lost, other amount echoed, no action code
//	              sent ──────────────────────────────────────────────► Unknown ──┐
//	                │ answer with its key and type                               │ answer after all
//	                ▼                                                            ▼
//	             answered (approved, declined) ──── a further answer ────────► OnLate: counted, changes nothing
//
// A request in flight stands in a table under its match key: terminal (DE41), trace number (DE11), retrieval reference
// (DE37) and transmission time (DE7). Whoever removes it from the table decides its outcome, so that an answer and a
// deadline cannot both win. The table remembers a bounded number of requests that are over, which tells a late answer
// from a duplicate and from one that was never asked for. An answer that cannot be decoded names no request: the request
// it was meant for runs into its deadline and is unknown.
//
// # Connections
//
// Each of Options.Connections slots is owned by a goroutine that dials, writes, and dials again after a pause that
// doubles, with jitter; a second goroutine reads. All links take from one queue, so a request that no link has taken
// when a connection dies goes out on another, or ends as NotSent when there is none. A link takes what is queued in one
// write. A write that fails counts as sent as a whole, since nobody knows how much arrived. There is no goroutine for a
// request.
//
// A new connection gets no requests until it has answered an echo test (1804), so a host that accepts but does not
// speak receives no payments. The test is repeated every Options.EchoInterval; a connection that does not answer within
// Options.EchoTimeout is replaced. Echo tests of the center are answered; frames without a message, which keep a line alive,
// are skipped. The deadline of a request runs from Exchange, not from the write.
//
// # Who is at the other end
//
// With Options.TLS a connection is of use only when the center's certificate is believed: by an authority, by a pinned key, or by both.
// With Options.MAC every message of both sides ends in a code, which is checked on its bytes before anything is read. A message
// without its right code ends the connection, and what was sent on it is unknown. Both are counted and call a person.
//
// # Circuit breaker
//
// Consecutive failures (unknown or not sent; not declines, and not a caller's mistake or cancellation) open the breaker
// of the center: Exchange then returns ErrNotSent at once. After Options.BreakerPause it is half-open and lets one probe
// at a time through, which closes it or opens it again. The probe is an echo test that the switch makes by itself, or a
// reversal if one comes first, because reversals outrank payments; everything else waits until the breaker is closed.
//
// # Card data
//
// The verification code lives in [Card], in the composed frame and in the write buffer. Frame and buffer are overwritten
// as soon as they are written or given up, the Card's when bytes may have left; a request that was not sent keeps it, so
// that it can be sent again. No error, log line or metric holds card data, and [Answer].Text is masked by the codec.
//
// # Authentication and stored cards
//
// A payment may carry the result of 3-D Secure ([Authentication]) and what it has to do with a stored card ([Stored]).
// Both decide the POS data code (DE22) and go into private data of DE48; see docs/formats/online.md. The answer to an
// approved payment may name it in the network ([Answer].NetworkID); payments that later use the same stored card repeat
// that name, which is how an issuer recognizes them without a verification code.
//
// # Action codes
//
// What DE39 says; translating it for merchants is the caller's business.
//
//	000 approved                      121 exceeds amount limit      909 system malfunction
//	100 do not honor                  123 exceeds count limit       914 original not found
//	101 expired card                  125 card verification failed  940 too late: already cleared, refund instead
//	102 suspected fraud               400 reversal accepted
//	111 invalid card number           907 issuer unavailable
//	116 insufficient funds
//
// For a reversal, 914 is a good outcome: the center has not seen the original and refuses it should it still arrive.
// The answer to an inquiry carries the original's codes, or 914.
package online
