// Package money holds exact amounts of money: an int64 count of minor units with an ISO 4217 currency.
//
// The rules are few. There is no float anywhere. An amount has the exponent that ISO 4217 gives its currency, and only
// that one: 1234 is 12.34 BYN, 1,234 JPY and 1.234 KWD. Where a counterparty uses another exponent (some providers write
// CLP with two decimals, or KWD with two), [Rescale] converts at that counterparty's boundary, exactly or not at all.
// Records carry positive amounts and a direction beside them; negative amounts occur in balances and differences only.
//
// Every operation that can leave the range of int64 returns an error, and every operation that has to round does it
// once: [MulDiv] and [BasisPoints] round half away from zero, which for the positive amounts of records is half up.
// [Apportion] and [Split] never round: their parts add up to the whole.
//
// The package is pure and holds no state.
package money
