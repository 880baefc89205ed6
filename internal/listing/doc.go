// Package listing is how a long list is read part by part: a [Range] asks for at most so many rows after a row that was seen, a
// [Part] is what came, with the key to go on after, a [Total] is what the whole selection comes to in one currency, and a [Sample] is
// one row for many.
//
// The books (settle/read) and the night (clearing) list with the same types, so that a command, a screen or a report shows any
// list the same way. The package knows no rows and no tables, and touches nothing: it is arithmetic on limits and keys. What one of
// its texts does not say clearly is refused, never taken for the beginning of the list.
package listing
