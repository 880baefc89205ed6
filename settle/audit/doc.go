// Package audit proves the books: it recomputes in SQL what must be true of them at every commit, and lists what is not.
//
// Each check is one set-based statement that returns a row per violation: a text that names it, and by how many minor
// units it is off, where that makes sense. [Run] evaluates all of them on one snapshot, so that commits that go on
// meanwhile cannot look like differences. An empty result is the only good one.
//
// The statements recompute from the facts (operations, transactions, records, postings) and never trust a total that is
// stored beside them. They read the whole history; run them on a replica when that is large.
package audit
