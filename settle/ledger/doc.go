// Package ledger is the double-entry ledger: the chart of accounts, the posting rules, and the append-only postings.
//
// A posting is one row: debit account, credit account, amount, currency. It balances by construction, so no unbalanced
// journal can be written. A journal is one event in the books: the postings that share a business [Key]. The key is the
// primary key of the postings, so one event makes one journal, however often it is delivered. Corrections are new
// journals (Undo swaps the accounts of a rule); the application's database role cannot change or delete a posting.
//
// An account instance is a code, a currency and the dimensions that its [Account] declares. Nothing is ever updated in
// place: a balance is the roll-up of finished accounting days ([RollUp]) plus the postings since.
//
// Accounts from 9000 on are the memo ledger: holds and unknown outcomes are not money and never touch the others.
package ledger
