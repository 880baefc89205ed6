// Package notification keeps what merchants' servers are to be told: the results of operations, and what came of each try.
//
// A notification is born in the commit that gives an operation its result: package settle writes it there, with Add or, for its group
// commits, inside a statement of its own. Everything after that is here: which are due, who tries one, what the try brought and when
// the next is. A try is claimed and answered in commits of its own, and holds no lock of an order.
//
// It works on the table notifications alone. Package settle calls Add and Hurry; the gateway and its jobs send by a Queue, and the
// operator's commands list by one.
package notification
