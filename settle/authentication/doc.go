// Package authentication keeps the 3-D Secure of payment operations: whom the access control server is asked about, how far that is, and
// what it said.
//
// A payment operation that waits for 3-D Secure owes nothing and sent nothing. Package settle begins, saves and ends authentications in
// its transactions, under the order's lock; that a browser was looked at is noted in a commit of its own.
//
// It works on the table authentications alone, and no other package writes it. Package settle calls the functions; the gateway, its page
// and its jobs look up by a Book.
package authentication
