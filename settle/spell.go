package settle

import (
	"settled/settle/ledger"
	"settled/settle/order"
	"settled/settle/stored"
	"settled/settle/wish"
)

// words are the typed constants that the statements of the books name.
var words = stored.Words{
	"OrderInProcess": order.InProcess, "OrderPaid": order.Paid, "OrderTimedOut": order.TimedOut,
	"OperationPayment": OperationPayment, "OperationConfirmation": OperationConfirmation,
	"Authorization": Authorization, "Purchase": Purchase, "Reversal": Reversal, "PartialReversal": PartialReversal, "Refund": Refund,
	"TransactionSent": TransactionSent, "TransactionApproved": TransactionApproved, "TransactionStuck": TransactionStuck,
	"Sale":             Sale,
	"RejectUnresolved": RejectUnresolved, "RejectAbandoned": RejectAbandoned,
	"WindowOpen": WindowOpen, "FilePlanned": FilePlanned, "LogHeld": LogHeld, "LogApplied": LogApplied,
	"InstantExpired": InstantExpired, "InstantPaid": InstantPaid,
	"WishKeep": wish.Keep, "FromOrder": ledger.FromOrder,
}

// Words of the night's tables that the books read, too. Package clearing, which writes them, has all states with their types.
const (
	WindowOpen    = "open"
	WindowSealing = "sealing"
	BatchReplied  = "replied"
	FilePlanned   = "planned"
	LogHeld       = "held"
	LogApplied    = "applied"
)

// spelled writes the stored values of typed constants into a statement where it names them.
func spelled(statement string) string { return words.In(statement) }
