// Package settle is the books: orders and their operations, the exchanges with centers that they owe, the clearing
// records that they produce, and the ledger that proves them. The online side and the night meet here and nowhere else.
//
// # Life of an order
//
//	Begin ── durable intent: order, owed exchange (which is also the reversal a lost answer would need)
//	  │        … the wire …
//	Finish ─ durable outcome: operation, transaction, hold or record, postings; deletes the owed exchange
//	  │
//	Confirm, Cancel, Expire ─ one transaction each under the order's row lock, decided by package order
//	  │
//	Due, Answered ─ reversals and refunds owed to centers, repeated until each has an outcome
//	Represent, AbandonCredit ─ what becomes of rejected records
//
// What shares no group commit with payments has packages of its own: above this one what centers approved (reconcile), below it
// notifications, stored credentials, subscriptions, wishes and authentications, which the books call where a payment decides something.
//
// # Locks
//
// Every transaction that touches an order takes its locks in this order (docs/seal.md):
//
//  1. the shared advisory lock of the order's center, for the length of one commit;
//  2. the instant is read, and with it the open window that a new record belongs to;
//  3. the payment's owed exchange, if its outcome is decided: whoever deletes it is first;
//  4. the order's row;
//  5. the merchant's funds row, if a refund is decided.
//
// The seal of a window takes the advisory lock exclusively, so it waits for the commits in flight and no longer.
//
// # Group commit
//
// Begin and Finish of all requests in flight share commits: each lane (a worker with one connection, chosen by merchant)
// takes what is queued and runs set-based statements in one transaction. A caller is answered only after COMMIT. A
// statement that fails is repeated item by item, so that one bad item cannot fail the others.
package settle
