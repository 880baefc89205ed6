package settle

import (
	"encoding/json"
	"sync/atomic"
	"time"

	"settled/internal/money"
	"settled/internal/vault"
	"settled/settle/order"
)

// Intent is a payment that a merchant asks for, before the center is asked.
type Intent struct {
	Merchant    *Merchant
	OrderNumber string
	Amount      money.Amount // as the merchant asks, before any conversion
	TwoStage    bool
	PAN         vault.PAN
	CardExpiry  string // YYMM
	Fingerprint Fingerprint
	Details     json.RawMessage // customer and comment; nil when there is none
}

// Payment is a durable intent on its way to the center.
type Payment struct {
	Merchant      *Merchant
	Route         *Route
	Order         int64        // the billnumber
	Original      money.Amount // as the merchant asked
	Amount        money.Amount // as it is paid, see [Directory.Quote]
	Rate          string       // units of Amount's currency for one of Original's; "1" when they are the same
	TwoStage      bool
	Exchange      int64     // STAN and RRN are derived from it
	TransmittedAt time.Time // UTC; part of the center's match key
	Kind          Kind      // authorization or purchase
	CompletedAt   time.Time // when Finish recorded the outcome; zero before
	Operation     int16     // number of the payment operation within the order
	Transaction   int16     // number of the exchange within the order
	Later         bool      // a later payment of a subscription, started by the merchant
	Security      string    // how far the buyer was authenticated, 3 digits; empty: 3-D Secure was not asked
	Keeps         bool      // the card is kept for the buyer when the payment is approved
	TriesLeft     int       // payments that may still be tried when this one is declined
	card          []byte
	cardExpiry    string
	payBefore     *time.Time // of an opened order
	parent        int64      // the first order of the subscription that this is a later payment of, 0 for none
}

func (p *Payment) trigger(r Result) order.Trigger {
	switch {
	case !r.Approved && p.TriesLeft > 0:
		return order.TriggerTry
	case !r.Approved:
		return order.TriggerDecline
	case p.TwoStage:
		return order.TriggerHold
	case p.Kind == Purchase:
		return order.TriggerPurchase
	default:
		return order.TriggerApprove
	}
}

func (p *Payment) stateAfter(r Result) order.State {
	status, a := p.after(r)
	return order.StateOf(status, a)
}

// after is the status and the amounts of the order once the result is in.
func (p *Payment) after(r Result) (order.Status, order.Amounts) {
	switch {
	case !r.Approved && p.TriesLeft > 0:
		return order.InProcess, order.Amounts{}
	case !r.Approved:
		return order.Declined, order.Amounts{}
	case p.TwoStage:
		return order.Paid, order.Amounts{Authorized: p.Amount.Minor}
	default:
		return order.Paid, order.Amounts{Authorized: p.Amount.Minor, Confirmed: p.Amount.Minor}
	}
}

// intent is what a lane writes for a Begin.
type intent struct {
	Payment
	number      string
	attempt     int16
	mask        string
	fingerprint []byte
	details     *string
}

// Result is what a center answered to a payment.
type Result struct {
	Approved     bool
	ActionCode   string // as the center sent it
	ApprovalCode string // 6 characters at most, empty unless approved
	Response     string // the merchant's response code, such as AS000
	NetworkID    string // the network's name of an approved payment, 15 characters at most; empty: it has none
}

// outcome is what a lane writes for a Finish.
type outcome struct {
	Payment
	Result
	record int64 // id of the clearing record; 0 when there is none
}

// presents tells that the outcome is born with a clearing record: an approved one-stage payment of a center that clears
// by file.
func (o *outcome) presents() bool { return o.Approved && !o.TwoStage && o.Kind == Authorization }

// heldUntil is the end of the hold of an approval of two stages, nil for any other outcome.
func (o *outcome) heldUntil(at time.Time) *time.Time {
	if !o.Approved || !o.TwoStage {
		return nil
	}
	until := at.Add(o.Route.holdFor(o.Later))
	return &until
}

func (o *outcome) operationState() OperationState {
	if o.Approved {
		return OperationDone
	}
	return OperationFailed
}

func (o *outcome) transactionState() TransactionState {
	if o.Approved {
		return TransactionApproved
	}
	return TransactionDeclined
}

// item is one Begin or Finish on its way through a lane. Exactly one of begin and finish is set.
type item struct {
	begin  *intent
	finish *outcome
	fresh  bool // result: this item took effect (it was not a repeat, and nobody was first)
	reply  chan error
	taken  atomic.Bool // by the lane, or back by a caller who does not wait any longer: whoever is first
}

// join adds the item to a group, unless its caller took it back.
func (it *item) join(group []*item) []*item {
	if !it.taken.CompareAndSwap(false, true) {
		return group
	}
	return append(group, it)
}
