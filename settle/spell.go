package settle

import (
	"fmt"
	"reflect"
	"regexp"

	"settled/settle/ledger"
	"settled/settle/order"
)

// stored are the typed constants whose numbers and words statements name, as @Name.
var stored = map[string]any{
	"OrderInProcess": order.InProcess, "OrderPaid": order.Paid, "OrderTimedOut": order.TimedOut,
	"OperationPayment": OperationPayment, "OperationConfirmation": OperationConfirmation,
	"Authorization": Authorization, "Purchase": Purchase, "Reversal": Reversal, "PartialReversal": PartialReversal, "Refund": Refund,
	"TransactionSent": TransactionSent, "TransactionApproved": TransactionApproved, "TransactionStuck": TransactionStuck,
	"Sale":             Sale,
	"RejectUnresolved": RejectUnresolved, "RejectAbandoned": RejectAbandoned,
	"WindowOpen": WindowOpen, "FilePlanned": FilePlanned, "LogHeld": LogHeld, "LogApplied": LogApplied,
	"InstantExpired": InstantExpired, "InstantPaid": InstantPaid,
	"AuthenticationMethod": AuthenticationMethod, "AuthenticationChallenge": AuthenticationChallenge, "Decoupled": decoupled,
	"NotificationPending": NotificationPending, "NotificationDelivered": NotificationDelivered, "NotificationRefused": NotificationRefused, "NotificationGivenUp": NotificationGivenUp,
	"SubscriptionCreated": SubscriptionCreated, "SubscriptionActive": SubscriptionActive,
	"SlotBegun": slotBegun, "SlotPaid": slotTaken,
	"UnknownOwed": UnknownOwed, "UnknownReversed": UnknownReversed, "UnknownStuck": UnknownStuck,
	"WishKeep": WishKeep, "FromOrder": ledger.FromOrder,
}

// Words of the night's tables that the books read, too. Package clearing, which writes them, has all states with their types.
const (
	WindowOpen  = "open"
	FilePlanned = "planned"
	LogHeld     = "held"
	LogApplied  = "applied"
)

var nameInStatement = regexp.MustCompile(`@[A-Z]\w*`)

// spelled writes the stored values of typed constants into a statement where it names them. They are no parameters, because the
// planner uses a partial index only where it reads the index's predicate in the statement. A name that is not stored panics when the
// program starts.
func spelled(statement string) string {
	return nameInStatement.ReplaceAllStringFunc(statement, func(name string) string {
		v := reflect.ValueOf(stored[name[1:]])
		switch {
		case v.IsValid() && v.CanInt():
			return fmt.Sprint(v.Int())
		case v.IsValid() && v.Kind() == reflect.String:
			return "'" + v.String() + "'"
		}
		panic("settle: a statement names " + name + ", which is not stored")
	})
}
