// Package fees computes what accepted records cost and what merchants pay for them, what refunds give back of it, and the
// postings of both (docs/ledger.md, PR-09 and PR-10).
//
// Shares are rounded half up per record, in minor units, and summed; nothing is computed on a sum. The package is pure: no database,
// no clock. It knows no orders and no contracts, only their terms.
package fees
