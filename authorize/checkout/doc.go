// Package checkout is the payment page: what a buyer's browser sees, and where its forms lead.
//
// A visit is one request of a browser. What a browser is given (the session CFSID, the token of a form, the session of a challenge) is a
// signed name of an order and an attempt; nothing is stored for it, and any process serves the next request. GET shows where the order
// is; POST goes on from there and answers with a redirect, so that a reload posts nothing. A form is of one attempt: sent twice, it
// pays once. A payment that waits for its cardholder has sent nothing.
//
// Orders come from browsers in forms and in addresses, and from merchants' servers that ask for the address of a page. Payments are
// carried out by package payment; package page draws. The package serves no merchant's API.
package checkout
