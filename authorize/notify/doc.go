// Package notify brings the result of an operation to a merchant's server: one HTTP request, and a word on what came back.
// docs/notifications.md is its contract with merchants. What is told and when is decided by the books (package settle); the
// fields are composed by package authorize.
//
// # What a request leads to
//
//	Delivered   the server said that it has the notification
//	Refused     the server understood and said no, with two codes: the notification is not sent again
//	Silent      anything else: no connection, no answer in time, an error status, or an answer that is not understood
//
// Silent says nothing about whether the server took the notification in. A merchant must expect the same one again.
//
// # An address that somebody else chose
//
// The address comes from a merchant, so a request to it must not reach what only we can reach. [Client] looks at the
// address of each connection after its name was resolved and before the first byte is sent, so a name that resolves to
// something else the second time gains nothing. It follows no redirects, takes no proxy from the environment, keeps no
// connection, and bounds time, headers and body.
package notify
