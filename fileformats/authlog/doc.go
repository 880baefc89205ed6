// Package authlog reads and writes a center's log of authorizations: what the center approved in a range of time, and what
// became of it. It is how a reconciliation finds approvals that our books do not know.
//
// A log is lines of ASCII of fixed widths, each ended by a line feed: a header, a detail for each approval in ascending order
// of its match key, a trailer with count and sum. docs/formats/authlog.md draws them. The details alone, without line feeds,
// are also what the center's online host answers to a question for a range of time.
//
// There is no card number in a log, masked or not: an approval is known by its match key.
//
// [Parse] takes a whole log or nothing. It is strict, because what a log says is acted on: a width, a value, an order or a
// total that does not fit is an [*Error] with line and reason.
package authlog
