package retention

import (
	"settled/settle"
	"settled/settle/notification"
	"settled/settle/order"
	"settled/settle/reconcile"
	"settled/settle/stored"
	"settled/settle/subscription"
)

// words are the typed constants that the statements name.
var words = stored.Words{
	"OrderInProcess": order.InProcess, "OrderPaid": order.Paid,
	"TransactionSent": settle.TransactionSent, "TransactionUnknown": settle.TransactionUnknown, "TransactionStuck": settle.TransactionStuck,
	"TransactionApprovedLate": settle.TransactionApprovedLate,
	"RejectUnresolved":        settle.RejectUnresolved, "NotificationPending": notification.Pending, "UnknownReversed": reconcile.UnknownReversed,
	"SubscriptionActive": subscription.Active, "SubscriptionSuspended": subscription.Suspended,
	"WindowOpen": settle.WindowOpen, "WindowSealing": settle.WindowSealing, "BatchReplied": settle.BatchReplied,
}
