// Package retention erases card numbers and personal data when their time is over, and proves it (docs/retention.md, ADR 38).
//
// # What is erased, and when
//
// Everything that is sealed, and everything that tells of a person, belongs to a [Class]. A configuration gives each class a number of days
// ([Settings]); a class without one is never erased. The days are counted from the last time that a thing was of use: the last operation of an
// order, the cut-off of a record's window, the last use of a stored card, the verdict on a file.
//
// # How
//
// A [Sweep] is one table of one class. A run of the [Keeper] lets each look for what is due, oldest first, and erase it a batch at a time: each
// batch is one transaction, which locks its rows, looks again whether each is still needed, erases those that are not, and notes how many it
// erased (table erasures). So a run may end anywhere, and the next one goes on. What is locked by somebody, it leaves for the next run.
//
// What is due and still needed is held back, and the run tells how much, and why: [Standing]. Nobody has to be told: it is erased by the first run
// that finds it not needed any more.
//
// # What is not read again
//
// Each run notes how far back anything is left; the next one begins there. So a run costs what is due, not what was ever stored.
//
// The night's bytes are erased by package clearing, whose tables they are, with sweeps of its own.
package retention
