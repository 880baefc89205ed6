package telling

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"settled/authorize/protocol"
	"settled/authorize/threeds"
	"settled/internal/money"
	"settled/settle"
	"settled/settle/authentication"
	"settled/settle/order"
)

// Teller says what the books hold of an order, in the fields of answers.
type Teller struct {
	Directory *settle.Directory
	Test      bool // the merchant is in test mode
	Language  protocol.Language
}

// Operation tells an operation of an order of the books.
func (t Teller) Operation(o *settle.Order, op *settle.Operation) protocol.Row {
	approval := ""
	of := op.Kind != settle.OperationPayment || op.Number == o.PaymentNumber // an earlier try was not approved
	if made := o.PaymentTransaction(); made != nil && of && op.State != settle.OperationTimedOut {
		approval = made.ApprovalCode
	}
	rec := t.Record(o, op, approval)
	rec.RecallDetails(o.Details)
	rec[protocol.OutNote], rec[protocol.OutTransactionType] = op.Note, transactionTypes(o, op)
	return rec
}

// Record writes what orders and operations have in common.
func (t Teller) Record(o *settle.Order, op *settle.Operation, approval string) (r protocol.Row) {
	t.orderFields(&r, o)
	r.Say(op.Response, t.Language)
	r[protocol.OutAmount] = money.Amount{Minor: op.Amount, Currency: o.Amount.Currency}.Decimal()
	r[protocol.OutCurrency] = o.Amount.Currency.String()
	r[protocol.OutMeansNumber], r[protocol.OutCardExpiry] = o.CardOf(op)
	if r[protocol.OutMeansType], r[protocol.OutMeansTypeID] = means(r[protocol.OutMeansNumber]); paidInstantly(o, op) {
		r[protocol.OutMeansType], r[protocol.OutMeansTypeID] = instantName, instantID
	}
	r[protocol.OutApprovalCode] = approval
	if center, ok := t.Directory.Center(o.Center); ok {
		r[protocol.OutProcessing] = center.Name
	}
	r[protocol.OutOperationType] = kindText(op.Kind)
	r[protocol.OutOperationState] = operationStates[op.State]
	r[protocol.OutBillNumber] = r[protocol.OutOrderBill] + "." + strconv.Itoa(int(op.Number))
	if op.Record != nil && op.Kind != settle.OperationPayment {
		r[protocol.OutSlip] = strconv.FormatInt(*op.Record, 10)
	}
	r[protocol.OutPacketDate] = protocol.Stamp(OperationTime(o, op))
	r[protocol.OutOperationDate] = r[protocol.OutPacketDate]
	return r
}

// OperationTime is when an operation got its result; until then, when it was asked for. It never changes with the time
// of asking, so a repeat is answered alike.
func OperationTime(o *settle.Order, op *settle.Operation) time.Time {
	switch {
	case op.CompletedAt != nil:
		return *op.CompletedAt
	case op.Kind == settle.OperationPayment:
		return o.CreatedAt
	}
	return op.RequestedAt
}

// orderFields writes what is the order's own.
func (t Teller) orderFields(r *protocol.Row, o *settle.Order) {
	r[protocol.OutOrderNumber], r[protocol.OutOrderBill] = o.Number, strconv.FormatInt(o.ID, 10)
	r[protocol.OutOrderID] = r[protocol.OutOrderBill]
	r[protocol.OutOrderAmount], r[protocol.OutOrderCurrency] = o.Original.Decimal(), o.Original.Currency.String()
	r[protocol.OutOrderDate], r[protocol.OutOrderState] = protocol.Stamp(o.CreatedAt), string(o.State())
	r[protocol.OutRate], r[protocol.OutTestMode] = o.Rate, "0"
	if t.Test {
		r[protocol.OutTestMode] = "1"
	}
}

// kindText writes the kinds of operations without an allocation.
func kindText(k settle.OperationKind) string {
	switch k {
	case settle.OperationPayment:
		return "100"
	case settle.OperationConfirmation:
		return "200"
	default:
		return "300"
	}
}

// ResultOf tells an order with its operations. A payment that is on its way is one of them.
func (t Teller) ResultOf(e *protocol.Entry, o *settle.Order, now time.Time) {
	t.StateFields(&e.Row, o, now)
	e.RecallDetails(o.Details)
	if op := o.OnItsWay(); op != nil {
		o.Operations = append(o.Operations, *op)
	}
	e.Operations = make([]protocol.Row, len(o.Operations))
	for i := range o.Operations {
		op := &o.Operations[i]
		e.Operations[i] = t.Operation(o, op)
		if op.Kind != settle.OperationPayment {
			e.Operations[i][protocol.OutCheque] = "" // the cheque is the payment's
		}
		e.Row[protocol.OutErrorCode] = ErrorCode(op) // that of the last one stays
	}
}

// StateFields tells an order's state as of now.
func (t Teller) StateFields(r *protocol.Row, o *settle.Order, now time.Time) {
	t.orderFields(r, o)
	r[protocol.OutPacketDate] = protocol.Stamp(now)
}

// TellAuthentication writes what became of a cardholder, nothing of one who was not asked.
func TellAuthentication(r *protocol.Row, a *authentication.Authentication) {
	r[protocol.OutAuthRequired] = strconv.Itoa(int(a.Required))
	if a.Status != "" {
		r[protocol.OutAuthResult] = threeds.Status(a.Status).AuthResult()
	}
}

// ErrorCode is the number of a failed operation's response code: what is wrong, without a text. Empty when it has not
// failed.
func ErrorCode(op *settle.Operation) string {
	if op.State != settle.OperationFailed && op.State != settle.OperationTimedOut {
		return ""
	}
	return strings.TrimPrefix(op.Response, "AS")
}

// Pending is the payment operation of an order that has none recorded yet.
func Pending(o *settle.Order) *settle.Operation {
	op := &settle.Operation{Number: 1, Kind: settle.OperationPayment, State: settle.OperationInProcess, Amount: o.Amount.Minor,
		Response: protocol.ResponseInProcess}
	if o.Status != order.InProcess { // it was closed before anybody began to pay it
		op.State, op.Response = settle.OperationTimedOut, protocol.ResponseDeclined
	}
	return op
}

var operationStates = map[settle.OperationState]string{
	settle.OperationInProcess: "In Process",
	settle.OperationDone:      "Success",
	settle.OperationPartial:   "Success",
	settle.OperationFailed:    "Declined",
	settle.OperationTimedOut:  "Timeout",
}

// cardMeans are the brands of cards as the protocol names and numbers them; it numbers only the old ones.
var cardMeans = map[settle.Brand][2]string{
	settle.Visa: {"VISA", "1"}, settle.Mastercard: {"MasterCard", "2"}, settle.Diners: {"Diners", "3"}, settle.JCB: {"JCB", "4"},
	settle.Amex: {"AMEX", "5"}, settle.Mir: {"MIR"}, settle.Belkart: {"BELKART"},
}

// means tells the card's brand by the number's leading digits.
func means(mask string) (name, id string) {
	m := cardMeans[settle.BrandOf(mask)]
	return m[0], m[1]
}

// An instant payment as means of payment: the protocol names neither.
const (
	instantName = "FPS"
	instantID   = "40"
)

// paidInstantly tells that an operation is, or is about, a payment by the buyer's bank.
func paidInstantly(o *settle.Order, op *settle.Operation) bool {
	if op.Kind == settle.OperationPayment && op.Means != 0 {
		return op.Means == order.MeansInstant
	}
	return o.Means == order.MeansInstant
}

var transactionNames = map[settle.Kind]string{settle.Reversal: "reversal", settle.PartialReversal: "partial reversal", settle.Refund: "refund"}

// transactionTypes names what an operation created at the center: nothing when it only changed what had not left us.
func transactionTypes(o *settle.Order, op *settle.Operation) string {
	var names []string
	add := func(name string) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, t := range o.Transactions {
		if t.Operation == op.Number {
			add(transactionNames[t.Kind])
		}
	}
	if op.Kind == settle.OperationCancellation && op.Record != nil {
		add("refund")
	}
	return strings.Join(names, ", ")
}
