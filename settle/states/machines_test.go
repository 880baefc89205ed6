package states_test

import "settled/settle/order"

// Born and Gone are where a row begins, and where it ends without a state of its own.
const (
	Born = "[*]"
	Gone = "[*]"
)

// Step is one legal transition.
type Step struct {
	ID      string // number in the specification of the states
	From    []string
	To      []string
	Trigger string
	Posting string // posting rules, empty for none
}

// Machine is the life of one kind of thing. States are spelled as stored, or as the words for stored numbers.
type Machine struct {
	Name   string
	Stored string // where the state is kept, or what it is derived from
	States []string
	Steps  []Step
}

// Machines lists all of them, the order first.
var Machines = []Machine{orders(), operations, transactions, authentications, instants, notifications, windows, records, batches, files, replies}

func orders() Machine {
	m := Machine{Name: "Order", Stored: "derived from `orders.status` and the amounts (`order.StateOf`); never stored"}
	for _, s := range []order.State{order.StateInProcess, order.StateDelayed, order.StateApproved, order.StatePartialDelayed,
		order.StatePartialCanceled, order.StateCanceled, order.StateDeclined, order.StateTimeout} {
		m.States = append(m.States, string(s))
	}
	for _, t := range order.Transitions {
		m.Steps = append(m.Steps, Step{t.ID, names(t.From), names(t.To), string(t.Trigger), t.Posting})
	}
	return m
}

func names(states []order.State) []string {
	var out []string
	for _, s := range states {
		if s == order.StateNone {
			s = Born
		}
		out = append(out, string(s))
	}
	return out
}

func one(s string) []string { return []string{s} }

var operations = Machine{
	Name: "Operation", Stored: "`operations.state`",
	States: []string{"in process", "done", "done in part", "failed", "timed out"},
	Steps: []Step{
		{"P-1", one(Born), one("done"), "payment approved; confirmation; cancel by release, void or credit record", "as the order's step"},
		{"P-2", one(Born), one("in process"), "cancel that a center must answer; payment without an answer", "PR-18 or PR-M4"},
		{"P-3", one("in process"), one("done"), "the center did every part; an inquiry found the payment approved", "PR-19, PR-37 or PR-M5"},
		{"P-4", one("in process"), one("done in part"), "the center did some parts and refused others", "PR-19, PR-20"},
		{"P-5", []string{Born, "in process"}, one("failed"), "payment declined; every part refused", "PR-20"},
		{"P-6", one("in process"), one("timed out"), "unknown payment resolved as reversed", "PR-M5"},
		{"P-7", []string{"failed", "timed out"}, one("done"), "an instant payment was paid late", "PR-38"},
		{"P-8", one("done"), one("done"), "a credit is rejected for good: the note says refund_failed, the order is recomputed", "PR-08b"},
	},
}

var transactions = Machine{
	Name: "Transaction", Stored: "`transactions.state`; a payment on its way is its row in `owed_exchanges`",
	States: []string{"sent", "approved", "declined", "unknown", "reversed", "stuck", "approved late"},
	Steps: []Step{
		{"T-3", one(Born), one("sent"), "a reversal or refund becomes owed", ""},
		{"T-4", []string{Born, "sent"}, []string{"approved", "declined"}, "answer of the center", "PR-M1, PR-01, PR-36, PR-19 or PR-20"},
		{"T-5", one(Born), one("unknown"), "a payment has no answer in time", "PR-M4"},
		{"T-6", one("unknown"), one("approved"), "inquiry before the reversal was sent", "PR-M5 and as approved"},
		{"T-8", []string{"unknown", "approved late"}, one("reversed"), "its reversal is approved, or the original was never seen", "PR-M5"},
		{"T-9", one("sent"), one("sent"), "no answer: repeated after 10 s, 30 s, 1, 5 and 15 min, then hourly", ""},
		{"T-10", one("sent"), one("stuck"), "refused for good, or no answer for 24 h: break B-16", ""},
		{"T-10b", one("stuck"), one("sent"), "a person has it repeated", ""},
		{"T-11", one("unknown"), one("approved late"), "approval after it was given up; the reversal goes on", ""},
	},
}

var authentications = Machine{
	Name: "Authentication", Stored: "`authentications.state`: the 3-D Secure of a payment operation",
	States: []string{"method", "challenge", "passed", "failed"},
	Steps: []Step{
		{"A-1", one(Born), one("method"), "a payment begins that has to be authenticated; nothing is sent", ""},
		{"A-2", one("method"), one("challenge"), "the buyer is asked", ""},
		{"A-3", []string{"method", "challenge"}, one("passed"), "the result is good: the payment is sent", ""},
		{"A-4", []string{"method", "challenge"}, one("failed"), "the result is not good, or did not come in time, or the buyer began again", ""},
	},
}

var instants = Machine{
	Name: "Instant payment", Stored: "`instant_payments.state`",
	States: []string{"requested", "active", "paid", "expired", "refused"},
	Steps: []Step{
		{"Q-0", one(Born), one("requested"), "the buyer chose it; the partner bank is asked, again under the same id if need be", ""},
		{"Q-1", one("requested"), one("active"), "the bank gave the QR", ""},
		{"Q-2", []string{"requested", "active"}, one("paid"), "the bank told us, or was asked", "PR-38, PR-09, PR-10"},
		{"Q-3", []string{"requested", "active"}, one("expired"), "its end has come, and the bank, asked once more, has no payment", ""},
		{"Q-3b", []string{"requested", "active"}, one("refused"), "the bank or the payer refused, or the bank never knew it", ""},
		{"Q-3c", []string{"expired", "refused"}, one("paid"), "paid late: adopted or given back, as the center's policy says", "PR-38, then PR-18 when it is given back"},
	},
}

var notifications = Machine{
	Name: "Notification", Stored: "`notifications.state`",
	States: []string{"pending", "delivered", "refused", "given up"},
	Steps: []Step{
		{"N-1", one(Born), one("pending"), "in the commit of a result that the merchant wants to be told; or an operator has it told again", ""},
		{"N-2", one("pending"), one("pending"), "no answer: tried again after 1, 3, 7, 15, 30, 60 and 120 min", ""},
		{"N-3", one("pending"), one("delivered"), "the merchant's server says that it has it", ""},
		{"N-4", one("pending"), one("refused"), "the merchant's server says no, with codes", ""},
		{"N-5", one("pending"), one("given up"), "no answer to the eighth try, or the merchant has no address", ""},
	},
}

var windows = Machine{
	Name: "Window", Stored: "`windows.state`",
	States: []string{"open", "sealing", "sealed", "empty"},
	Steps: []Step{
		{"F-1", one(Born), one("open"), "planned from the calendar", ""},
		{"F-2a", one("open"), one("sealing"), "cut-off, or cut by a person: writers are shut out", ""},
		{"F-2b", one("sealing"), one("sealed"), "totals, batches and numbers are written", "PR-03"},
		{"F-15", one("sealing"), one("empty"), "nothing is in it", ""},
	},
}

var records = Machine{
	Name: "Record", Stored: "derived from its window, `record_changes` and `rejects`; acceptance is a fact of the batch",
	States: []string{"queued", "withdrawn", "sealed", "accepted", "rejected", "superseded", "abandoned"},
	Steps: []Step{
		{"R-1", one(Born), one("queued"), "confirmation, refund, presented again", "PR-01, PR-17 or PR-07"},
		{"R-3", one("queued"), one("withdrawn"), "cancel of all of it before the seal", "PR-02"},
		{"R-4", one("queued"), one("queued"), "cancel of a part before the seal: reduced", "PR-02"},
		{"R-5", one("queued"), one("sealed"), "the window is sealed", "PR-03"},
		{"R-8", one("sealed"), one("accepted"), "verdict of the center", "PR-05, PR-09, PR-10, PR-22"},
		{"R-9", one("sealed"), one("rejected"), "verdict of the center", "PR-06"},
		{"R-10", one("rejected"), one("superseded"), "presented again by a new record", "PR-07"},
		{"R-11", one("rejected"), one("abandoned"), "a cancel of the sale; a credit given up", "PR-08a or PR-08b"},
	},
}

var batches = Machine{
	Name: "Batch", Stored: "`batches.state`",
	States: []string{"sealed", "replied", "nacked"},
	Steps: []Step{
		{"F-2", one(Born), one("sealed"), "the window is sealed", "PR-03"},
		{"F-10", one("sealed"), one("replied"), "the verdict on every record is applied", "PR-05, PR-06, PR-09, PR-10, PR-22"},
		{"F-8", one("sealed"), one("nacked"), "the center refused the file as a whole", ""},
		{"F-8b", one("nacked"), one("sealed"), "a new build is planned, or the refused file is sent again", ""},
	},
}

var files = Machine{
	Name: "File", Stored: "`files.state`; a frozen file waits for a person in whatever state it is",
	States: []string{"unnumbered", "planned", "built", "released", "sending", "delivered", "unknown_delivery", "replied", "rejected"},
	Steps: []Step{
		{"F-3n", one(Born), one("unnumbered"), "the center's numbers are at their end: the file has neither number nor name", ""},
		{"F-3m", one("unnumbered"), one("planned"), "the configuration has a number for it", ""},
		{"F-3a", one(Born), one("planned"), "number and name are given with the batch, or with a new build", ""},
		{"F-3", one("planned"), one("built"), "bytes stored, read back and equal to the batch", ""},
		{"F-4", one("built"), one("released"), "at once, or by a person", ""},
		{"F-5a", one("released"), one("sending"), "an attempt begins", ""},
		{"F-5", one("sending"), one("delivered"), "proven to be at the center", ""},
		{"F-5b", one("sending"), one("released"), "the attempt failed, and nothing is at the center", ""},
		{"F-6", one("sending"), one("unknown_delivery"), "it may be at the center: nobody can tell yet", ""},
		{"F-6b", one("unknown_delivery"), []string{"delivered", "released"}, "proven later, or decided by a person", ""},
		{"F-7", []string{"sending", "delivered", "unknown_delivery", "replied", "rejected"}, one("released"), "a person has the same bytes sent again, for a reason; a verdict stays", ""},
		{"F-8", []string{"delivered", "sending", "unknown_delivery"}, one("rejected"), "the center refused it as a whole", ""},
		{"F-10", []string{"delivered", "sending", "unknown_delivery"}, one("replied"), "the reply to it is applied: that proves delivery too", ""},
	},
}

var replies = Machine{
	Name: "Reply", Stored: "`replies.state`; before it is stored, `inbox_files.state`",
	States: []string{"fetched", "applied", "duplicate", "quarantined"},
	Steps: []Step{
		{"I-2", one(Born), one("fetched"), "its trailer closes it, or it stands unchanged for 15 minutes; bytes stored before they are read", ""},
		{"I-3", one("fetched"), one("duplicate"), "it says what an earlier reply said", ""},
		{"I-4", one("fetched"), one("quarantined"), "it contradicts us or itself, or cannot be read; nothing is changed", ""},
		{"I-9", one("fetched"), one("applied"), "the whole verdict, in one transaction", "PR-05, PR-06, PR-09, PR-10, PR-22"},
		{"I-11", one("quarantined"), one("fetched"), "a person lets it be considered again", ""},
	},
}
