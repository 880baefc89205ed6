// Package events keeps who did what: each act of a person or a service that changes something, and each that was refused, is an event.
// Events are appended in a chain: the hash of each covers the hash of the one before it, so that [Verify] finds one that was changed,
// removed or put between, and says which. docs/events.md tells the form of the chain for whoever verifies it without us.
//
// An act and its event are one commit: [Append] writes within the transaction of the act. An act that makes its own transaction writes its
// event there, too, when its context comes from [Act.In]; one that has no transaction of the database has an event [Asked] before and one after it.
//
// The chain alone proves nothing against a superuser of the database, who can write all of it anew: its [Head] must be kept where he cannot
// write.
//
// It works on the table events, which no other package writes. Of card data nothing is kept: texts pass vault.Words.
package events
