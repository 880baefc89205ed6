// Package reconcile compares what a center approved, as its log says, with what the books have of it.
//
// Compare runs in the transaction of the night that closes a log: it reads transactions, owed exchanges and orders, opens a break for
// each difference, and writes an approval that the books do not know, or have as ended, as a row that owes a reversal. Unknown hands
// these out to who sends them, and takes what the center answered. Neither shares a commit with payments.
//
// It writes the table unknown_approvals, which no other package writes, and breaks through package breaks. The night calls Compare;
// the sender of owed messages and the operator's commands call Unknown.
package reconcile
