package reconcile

import (
	"settled/settle"
	"settled/settle/stored"
)

// words are the typed constants that the statements name.
var words = stored.Words{
	"Authorization": settle.Authorization, "Purchase": settle.Purchase, "Reversal": settle.Reversal, "PartialReversal": settle.PartialReversal, "Refund": settle.Refund,
	"TransactionSent": settle.TransactionSent, "TransactionApproved": settle.TransactionApproved, "TransactionStuck": settle.TransactionStuck,
	"UnknownOwed": UnknownOwed, "UnknownReversed": UnknownReversed, "UnknownStuck": UnknownStuck,
}
