// Package wish does what buyers ask for with a payment, when it is approved: that the merchant keeps the card, and that a subscription
// begins (ADR 25).
//
// A wish is a row that is written with the intent. The commit that makes the order paid fulfills it and deletes the row, which is the
// lock that lets one transaction do it. What cannot be done then becomes due and is tried again in commits of its own; after a day a
// person is told.
//
// It writes the table wishes, which no other package writes, credentials and subscriptions through their packages, and breaks. Package
// settle notes, drops and fulfills in its transactions; the jobs of the gateway retry what is due.
package wish
