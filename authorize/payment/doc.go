// Package payment carries payments out: it asks centers, partner banks and the 3-D Secure server, and tells the books what they said.
//
// [Cards] takes a payment by card from its durable intent to its outcome. From the intent on, nothing ends with who asked for it. A
// decline is said only when the center said it, or when surely no byte left; any other end is an outcome that is not known, a state of
// the books that an inquiry or a reversal resolves. [Secure] has cardholders authenticated before anything is sent. [Instant] registers
// and charges instant payments at partner banks, which decide them. [Wallet] pays from what buyers have stored. [Sender] delivers what
// the books owe to centers: reversals before refunds, repeated with growing pauses until each has an answer. An unknown payment at a
// center that takes inquiries is asked for once before it is reversed.
//
// Whatever is done here may be cut off and done again: everything that identifies a message is durable before it is sent.
// A card verification code is in the memory of one process only ([CodeStore]), and is wiped when it may have left.
//
// The package knows no HTTP request and no page. What the books refuse is told by [FaultOf] in the codes of the protocol.
package payment
