// Package epoch finds out that the database is not what it was: restored from a backup, failed over, or not seen for a while.
//
// Numbers are given out by counters in the database. When it goes back in time they would be given again: bill numbers, the numbers
// of messages to centers (STAN and RRN), file numbers. So the books have epochs: stretches of time without a doubt that they are whole.
// Each process looks every five seconds, and notes that it saw the database in its epoch (alive_at). A new epoch begins with the look that
// finds one of these:
//
//	restored   another cluster, database or table: a dump was restored, the cluster was upgraded, a database was copied
//	promoted   another timeline: a standby was promoted, or a base backup was recovered
//	rewound    the database says that it was last seen before this process last saw it
//	silence    nobody saw it for more than a minute: usually nothing ran, but a copy of the files looks the same
//
// In the commit that begins it, identifiers jump beyond all that can have been given out since alive_at ([Keeper.Check]). Then it is
// running, or held until a person resumes it: restored and rewound always, promoted when the database was last seen more than five
// minutes ago. While it is held nothing is numbered, taken or sent; centers are looked at first in either case (package clearing).
// docs/adr/0018-epochs.md has the decision.
package epoch
