// Package totals counts what a window or a batch holds: per merchant, contract and kind of record, with the fees of the records at
// the prices of the contract that each was born under.
//
// The counting is one statement over the records of a window and what changed them; what it finds at the seal is kept in
// batch_totals and never counted again. The package writes the table batch_totals and no other, and no other package writes it.
package totals
