// Package breaks keeps the differences that a person must look at: what a center, a bank or a file says and the books do not.
//
// Kinds is the table of what a break can be: what it means, who closes it, and how. A difference is opened once, whoever finds
// it again: its fingerprint is unique. Open writes breaks that the caller has, OpenEach those that a query finds, in one
// statement, so that nothing changes between the look and the writing.
//
// People comment on a break and give it to somebody, in notes that are only appended.
//
// The package touches the tables breaks and break_notes and nothing else, and no other package writes them. It moves no money and decides
// nothing: what a break is about stays as it is until somebody acts.
package breaks
