// Package funds keeps what is available to a merchant: the balance of account 2020 per currency, beside the ledger, because refunds
// are decided on it under the lock of its row.
//
// Every change is one half of a posting that the caller makes in the same transaction; the audit compares the two (INV-16). The lock
// of the row is the last that a transaction takes. The package writes the table funds and nothing else, and no other package writes it.
package funds
