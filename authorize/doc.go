// Package authorize is the online side: the merchant API, and the sender of what centers are owed. docs/protocol.md is
// its contract with merchants; package online is the switch below it, package settle the books behind it.
//
// # A payment
//
//	HTTP ──► read ──► authenticate ──► validate ──► Books.Begin        intent durable, nothing sent
//	                                                    │ repeat ─────► the stored answer
//	                                                    ▼
//	                                           online.Host.Exchange
//	             answered ◄─────────────────────────────┼────────────────────────────► unknown
//	                │                     not sent      │                                 │
//	          Books.Finish ◄── declined, after one ─────┘                          Books.GiveUp
//	                │           more try                                                  │
//	             AS000, AS1xx                                      AS300 "In Process", reversal owed ──► Sender
//
// A caller that goes away changes nothing: from Begin on the work does not end with the request. A decline is said only
// when the center said it, or when surely no byte left. Whatever else goes wrong after Begin is "in process", and is
// resolved by an inquiry or a reversal.
//
// An identical request of an order number gets the stored answer, byte for byte while nothing else happened to the order.
//
// # The payment page
//
// A visit is one request of a browser. What a browser is given (the session CFSID, the token of a form, the session of a
// challenge) is a signed name of an order and an attempt; nothing is stored for it, and any process serves the next request.
// GET shows where the order is; POST goes on from there and answers with a redirect, so that a reload posts nothing. A form is
// of one attempt: sent twice, it pays once. A payment that waits for its cardholder has sent nothing; its verification code
// is in the memory of one process only.
//
// # Owed messages
//
// [Sender] claims what the books owe (reversals before refunds), sends it, and records the answer; what is not answered
// is repeated with growing pauses. An unknown payment at a center that takes inquiries is asked for once before it is
// reversed. A cancel that a center's answer decides is sent at once, so that the merchant mostly gets a final answer.
//
// # Answers
//
// A handler fills a record of named fields and knows no format. A sheet says which fields a service tells and how they
// are nested; an encoder writes a sheet in one format. A new format is one more encoder. A new service is one more sheet
// and one more entry of services; its description for SOAP clients (WSDL) is made of the two.
//
// # Notifications
//
// The books say in the commit of a result that a merchant's server is to be told. [Gateway.Notify] makes one try of one: it
// claims the row, composes the fields from the record that answers are made of, sends them with package notify, and records what
// came back. docs/notifications.md is the contract.
//
// # Card data
//
// A request is parsed in place, in one buffer that is wiped when the request is over. The card verification code exists
// there and in one vault.Secret, which the switch wipes when it may have left. No error, answer, log line or metric
// holds card data; answers hold the mask. A card number in any other parameter is found by its shape, and refused, masked or left out
// as cardRules say (docs/card-data.md).
//
// # Passwords
//
// Every request carries a password. It is computed (argon2id) once and then recognized by a keyed hash for at most five
// minutes; computations are bounded in number, so that they cannot exhaust memory. Ten wrong passwords of a merchant from
// one source lock that pair for half an hour, a hundred of any merchants lock the source; credentials that were verified
// before stay good, and so does every other source. Unknown merchant, wrong login and wrong password are told alike and cost
// the same.
package authorize
