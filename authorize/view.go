package authorize

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"settled/authorize/protocol"
	"settled/internal/money"
	"settled/settle"
	"settled/settle/order"
)

// teller says what the books hold of an order, in the fields of answers.
type teller struct {
	directory *settle.Directory
	test      bool // the merchant is in test mode
	language  protocol.Language
}

// teller tells the caller.
func (g *Gateway) teller(c *caller) teller {
	return teller{g.Directory, c.settings.TestMode, c.Language}
}

// finished answers a payment whose outcome was just recorded, as stored will for a repeat of the request.
func (g *Gateway) finished(c *caller, in *settle.Intent, p *settle.Payment, r settle.Result) *reply {
	o := orderOf(in, p)
	op := settle.Operation{Number: 1, Kind: settle.OperationPayment, State: settle.OperationFailed, Amount: p.Amount.Minor,
		CompletedAt: &p.CompletedAt, Response: r.Response}
	o.Status = order.Declined
	if r.Approved {
		o.Status, o.Amounts.Authorized, op.State = order.Paid, p.Amount.Minor, settle.OperationDone
		if !p.TwoStage {
			o.Amounts.Confirmed = p.Amount.Minor
		}
	}
	rec := g.teller(c).record(&o, &op, r.ApprovalCode)
	rec.TakeDetails(c.Call)
	a := one(rec)
	a.refused(&o, &op)
	return a
}

// inProcess answers a payment whose outcome is not known.
func (g *Gateway) inProcess(c *caller, in *settle.Intent, p *settle.Payment) *reply {
	o := orderOf(in, p)
	rec := g.teller(c).record(&o, pending(&o), "")
	rec.TakeDetails(c.Call)
	return one(rec)
}

func orderOf(in *settle.Intent, p *settle.Payment) settle.Order {
	return settle.Order{Merchant: p.Merchant.ID, ID: p.Order, Number: in.OrderNumber, Amount: p.Amount, Original: p.Original, Rate: p.Rate,
		Status: order.InProcess, PaymentNumber: p.Operation, Means: settle.MeansCard, Center: p.Route.Center.ID, CreatedAt: p.TransmittedAt, CardMask: in.PAN.Mask(), CardExpiry: in.CardExpiry}
}

// pending is the payment operation of an order that has none recorded yet.
func pending(o *settle.Order) *settle.Operation {
	op := &settle.Operation{Number: 1, Kind: settle.OperationPayment, State: settle.OperationInProcess, Amount: o.Amount.Minor,
		Response: protocol.ResponseInProcess}
	if o.Status != order.InProcess { // it was closed before anybody began to pay it
		op.State, op.Response = settle.OperationTimedOut, protocol.ResponseDeclined
	}
	return op
}

// stored answers a payment from the books.
func (g *Gateway) stored(ctx context.Context, c *caller, id int64) (*reply, error) {
	ctx, cancel := patient(ctx)
	defer cancel()
	o, err := g.Books.Order(ctx, c.merchant.ID, id)
	if err != nil {
		return nil, err
	}
	op := o.Payment()
	if op == nil {
		op = pending(o)
	}
	r := g.teller(c).operation(o, op)
	g.tellStored(ctx, &r, o)
	a := one(r)
	a.refused(o, op)
	if !o.PayBefore.IsZero() {
		a.Orders[0].Secure, err = g.secureData(ctx, c, o)
	}
	return a, err
}

// operation tells an operation of an order of the books.
func (t teller) operation(o *settle.Order, op *settle.Operation) protocol.Row {
	approval := ""
	of := op.Kind != settle.OperationPayment || op.Number == o.PaymentNumber // an earlier try was not approved
	if made := o.PaymentTransaction(); made != nil && of && op.State != settle.OperationTimedOut {
		approval = made.ApprovalCode
	}
	rec := t.record(o, op, approval)
	rec.RecallDetails(o.Details)
	rec[protocol.OutNote], rec[protocol.OutTransactionType] = op.Note, transactionTypes(o, op)
	return rec
}

// record writes what orders and operations have in common.
func (t teller) record(o *settle.Order, op *settle.Operation, approval string) (r protocol.Row) {
	t.orderFields(&r, o)
	r.Say(op.Response, t.language)
	r[protocol.OutAmount] = money.Amount{Minor: op.Amount, Currency: o.Amount.Currency}.Decimal()
	r[protocol.OutCurrency] = o.Amount.Currency.String()
	r[protocol.OutMeansNumber], r[protocol.OutCardExpiry] = o.CardOf(op)
	if r[protocol.OutMeansType], r[protocol.OutMeansTypeID] = means(r[protocol.OutMeansNumber]); paidInstantly(o, op) {
		r[protocol.OutMeansType], r[protocol.OutMeansTypeID] = instantName, instantID
	}
	r[protocol.OutApprovalCode] = approval
	if center, ok := t.directory.Center(o.Center); ok {
		r[protocol.OutProcessing] = center.Name
	}
	r[protocol.OutOperationType] = kindText(op.Kind)
	r[protocol.OutOperationState] = operationStates[op.State]
	r[protocol.OutBillNumber] = r[protocol.OutOrderBill] + "." + strconv.Itoa(int(op.Number))
	if op.Record != nil && op.Kind != settle.OperationPayment {
		r[protocol.OutSlip] = strconv.FormatInt(*op.Record, 10)
	}
	r[protocol.OutPacketDate] = stamp(operationTime(o, op))
	r[protocol.OutOperationDate] = r[protocol.OutPacketDate]
	return r
}

// operationTime is when an operation got its result; until then, when it was asked for. It never changes with the time
// of asking, so a repeat is answered alike.
func operationTime(o *settle.Order, op *settle.Operation) time.Time {
	switch {
	case op.CompletedAt != nil:
		return *op.CompletedAt
	case op.Kind == settle.OperationPayment:
		return o.CreatedAt
	}
	return op.RequestedAt
}

// orderFields writes what is the order's own.
func (t teller) orderFields(r *protocol.Row, o *settle.Order) {
	r[protocol.OutOrderNumber], r[protocol.OutOrderBill] = o.Number, strconv.FormatInt(o.ID, 10)
	r[protocol.OutOrderID] = r[protocol.OutOrderBill]
	r[protocol.OutOrderAmount], r[protocol.OutOrderCurrency] = o.Original.Decimal(), o.Original.Currency.String()
	r[protocol.OutOrderDate], r[protocol.OutOrderState] = stamp(o.CreatedAt), string(o.State())
	r[protocol.OutRate], r[protocol.OutTestMode] = o.Rate, "0"
	if t.test {
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
	}
	return "300"
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

// means tells the card's scheme by the number's leading digits.
func means(mask string) (name, id string) {
	m := cardMeans[settle.BrandOf(mask)]
	return m[0], m[1]
}

// An instant payment as means of payment: the protocol names neither.
const (
	instantName = "FPS"
	instantID   = "40"
)

// paidInstantly tells that an operation is, or is about, a payment by the payer's bank.
func paidInstantly(o *settle.Order, op *settle.Operation) bool {
	if op.Kind == settle.OperationPayment && op.Means != 0 {
		return op.Means == settle.MeansInstant
	}
	return o.Means == settle.MeansInstant
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
