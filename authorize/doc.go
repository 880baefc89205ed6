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
// # Rooms
//
// This package is the wiring: one file for each service, which reads a request, has it carried out and answers. What does the work
// stands below, one way: checkout → payment → tenants → protocol, and telling between the books and the protocol's fields.
//
// # Answers
//
// A service fills rows of named fields and knows no format. A layout of package protocol says which fields a service tells. A new
// service is one more layout and one more entry of services.
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
package authorize
