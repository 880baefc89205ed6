// Package turns lets each merchant use a service once per interval, whatever process serves it: the registry of a period reads much.
//
// It works on the table service_calls, which no other package writes. The gateway calls it; nothing of it shares a transaction with the
// books.
package turns
