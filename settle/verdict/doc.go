// Package verdict writes what a center's word does to the books: what it accepted, what it refused, and what goes back to
// merchants with accepted credits.
//
// It is given plain data: what was sent, which records of it were refused and why, and what the center refused that is no record
// of ours. Everything else that was sent is accepted. Apply writes it in the transaction of its caller, who proves that it
// happens once and keeps what is a file's business: the reply, the file and the batch. Nothing here knows a format or a file.
//
// It writes rejects, postings, funds and breaks: the first itself, the others through their packages.
package verdict
