package authorize

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"settled/internal/money"
	"settled/settle"
	"settled/settle/order"
)

// teller says what the books hold of an order, in the fields of answers.
type teller struct {
	directory *settle.Directory
	test      bool // the merchant is in test mode
	language  language
}

// teller tells the caller.
func (g *Gateway) teller(c *caller) teller {
	return teller{g.Directory, c.settings.TestMode, c.language}
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
	rec.takeDetails(c.call)
	a := one(rec)
	a.refused(&o, &op)
	return a
}

// inProcess answers a payment whose outcome is not known.
func (g *Gateway) inProcess(c *caller, in *settle.Intent, p *settle.Payment) *reply {
	o := orderOf(in, p)
	rec := g.teller(c).record(&o, pending(&o), "")
	rec.takeDetails(c.call)
	return one(rec)
}

func orderOf(in *settle.Intent, p *settle.Payment) settle.Order {
	return settle.Order{Merchant: p.Merchant.ID, ID: p.Order, Number: in.OrderNumber, Amount: p.Amount, Original: p.Original, Rate: p.Rate,
		Status: order.InProcess, PaymentNumber: p.Operation, Means: settle.MeansCard, Center: p.Route.Center.ID, CreatedAt: p.TransmittedAt, CardMask: in.PAN.Mask(), CardExpiry: in.CardExpiry}
}

// pending is the payment operation of an order that has none recorded yet.
func pending(o *settle.Order) *settle.Operation {
	op := &settle.Operation{Number: 1, Kind: settle.OperationPayment, State: settle.OperationInProcess, Amount: o.Amount.Minor,
		Response: responseInProcess}
	if o.Status != order.InProcess { // it was closed before anybody began to pay it
		op.State, op.Response = settle.OperationTimedOut, responseDeclined
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
		a.orders[0].secure, err = g.secureData(ctx, c, o)
	}
	return a, err
}

// operation tells an operation of an order of the books.
func (t teller) operation(o *settle.Order, op *settle.Operation) record {
	approval := ""
	of := op.Kind != settle.OperationPayment || op.Number == o.PaymentNumber // an earlier try was not approved
	if made := o.PaymentTransaction(); made != nil && of && op.State != settle.OperationTimedOut {
		approval = made.ApprovalCode
	}
	rec := t.record(o, op, approval)
	rec.recallDetails(o.Details)
	rec[outNote], rec[outTransactionType] = op.Note, transactionTypes(o, op)
	return rec
}

// record writes what orders and operations have in common.
func (t teller) record(o *settle.Order, op *settle.Operation, approval string) (r record) {
	t.orderFields(&r, o)
	r.say(op.Response, t.language)
	r[outAmount] = money.Amount{Minor: op.Amount, Currency: o.Amount.Currency}.Decimal()
	r[outCurrency] = o.Amount.Currency.String()
	r[outMeansNumber], r[outCardExpiry] = o.CardOf(op)
	if r[outMeansType], r[outMeansTypeID] = means(r[outMeansNumber]); paidInstantly(o, op) {
		r[outMeansType], r[outMeansTypeID] = instantName, instantID
	}
	r[outApprovalCode] = approval
	if center, ok := t.directory.Center(o.Center); ok {
		r[outProcessing] = center.Name
	}
	r[outOperationType] = kindText(op.Kind)
	r[outOperationState] = operationStates[op.State]
	r[outBillNumber] = r[outOrderBill] + "." + strconv.Itoa(int(op.Number))
	if op.Record != nil && op.Kind != settle.OperationPayment {
		r[outSlip] = strconv.FormatInt(*op.Record, 10)
	}
	r[outPacketDate] = stamp(operationTime(o, op))
	r[outOperationDate] = r[outPacketDate]
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
func (t teller) orderFields(r *record, o *settle.Order) {
	r[outOrderNumber], r[outOrderBill] = o.Number, strconv.FormatInt(o.ID, 10)
	r[outOrderID] = r[outOrderBill]
	r[outOrderAmount], r[outOrderCurrency] = o.Original.Decimal(), o.Original.Currency.String()
	r[outOrderDate], r[outOrderState] = stamp(o.CreatedAt), string(o.State())
	r[outRate], r[outTestMode] = o.Rate, "0"
	if t.test {
		r[outTestMode] = "1"
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
