package read

import (
	"fmt"
	"strconv"
	"time"

	"settled/internal/money"
	"settled/settle"
	"settled/settle/ledger"
	"settled/settle/order"
)

// Order is an order with everything that belongs to it, in words for a person: what it is worth, what state that
// makes it and why, what was done, what was said to the center, what was presented, and what was posted. Amounts are
// decimal texts in Currency. It holds no card data but the mask.
type Order struct {
	Bill          int64            `json:"billnumber"`
	Merchant      int32            `json:"merchant"`
	MerchantName  string           `json:"merchant_name,omitempty"`
	Number        string           `json:"ordernumber"`
	Attempt       int16            `json:"attempt"`
	Center        string           `json:"center"`
	Amount        string           `json:"amount"`
	Currency      string           `json:"currency"`
	Original      string           `json:"original,omitempty"` // as the merchant asked, when that is another currency
	Rate          string           `json:"rate,omitempty"`     // of the conversion
	Means         string           `json:"means"`
	TwoStage      bool             `json:"two_stage"`
	State         order.State      `json:"state"`
	Why           string           `json:"why"`
	Amounts       Amounts          `json:"amounts"`
	CreatedAt     time.Time        `json:"created_at"`
	PayBefore     *time.Time       `json:"pay_before,omitempty"` // of an opened order
	TriesLeft     int16            `json:"tries_left,omitempty"`
	Parent        int64            `json:"parent,omitempty"` // first order of the subscription
	HoldExpiresAt *time.Time       `json:"hold_expires_at,omitempty"`
	Card          string           `json:"card"`
	CardExpires   string           `json:"card_expires"`
	Operations    []Operation      `json:"operations"`
	Authenticated []Authentication `json:"authentications,omitempty"`
	Instant       []InstantPayment `json:"instant_payments,omitempty"`
	Transactions  []Transaction    `json:"transactions"`
	Owed          []Owed           `json:"owed,omitempty"`
	Records       []OrderRecord    `json:"records"`
	Journals      []Journal        `json:"journals"`
}

// Amounts are the amounts of the order's algebra (package order).
type Amounts struct {
	Authorized      string `json:"authorized"`
	Confirmed       string `json:"confirmed"`
	Held            string `json:"held"`
	ReleasedCancel  string `json:"released_by_cancel"`
	ReleasedDeposit string `json:"released_by_autodeposit"`
	ReleasedExpiry  string `json:"released_by_expiry"`
	Refunded        string `json:"refunded"`
	RefundPending   string `json:"refund_pending"`
	Cancellable     string `json:"cancellable"`
}

// Operation is one step on the order.
type Operation struct {
	Number      string     `json:"number"` // extended billnumber
	Kind        string     `json:"kind"`
	State       string     `json:"state"`
	Actor       string     `json:"actor"`
	Reason      string     `json:"reason,omitempty"`
	Amount      string     `json:"amount"`
	Asked       string     `json:"asked"` // "everything" when no amount was given
	Refunded    string     `json:"refunded,omitempty"`
	AutoDeposit bool       `json:"autodeposit,omitempty"`
	RequestedAt time.Time  `json:"requested_at"`
	CompletedAt *time.Time `json:"completed_at,omitempty"`
	Response    string     `json:"response"`
	External    string     `json:"external_id,omitempty"`
	Note        string     `json:"note,omitempty"`
}

// Transaction is one exchange with the center.
type Transaction struct {
	Number        int16      `json:"transaction"`
	Operation     int16      `json:"operation"`
	Original      int16      `json:"original,omitempty"`
	Slice         int16      `json:"slice,omitempty"`
	Kind          string     `json:"kind"`
	State         string     `json:"state"`
	Amount        string     `json:"amount"`
	RRN           string     `json:"rrn"`
	STAN          string     `json:"stan"`
	TransmittedAt time.Time  `json:"transmitted_at"`
	AnsweredAt    *time.Time `json:"answered_at,omitempty"`
	Attempts      int16      `json:"attempts"`
	ActionCode    string     `json:"action_code,omitempty"`
	ApprovalCode  string     `json:"approval_code,omitempty"`
}

// Owed is a message that is still owed.
type Owed struct {
	Transaction int16     `json:"transaction"`
	Kind        string    `json:"kind"`
	DueAt       time.Time `json:"due_at"`
	Attempts    int16     `json:"attempts"`
	LastError   string    `json:"last_error,omitempty"`
}

// Authentication is the 3-D Secure of a payment operation.
type Authentication struct {
	Operation   int16      `json:"operation"`
	State       string     `json:"state"`
	Status      string     `json:"status"`
	ECI         string     `json:"eci"`
	Version     string     `json:"version"`
	ServerID    string     `json:"server_id"`
	StartedAt   time.Time  `json:"started_at"`
	CompletedAt *time.Time `json:"completed_at,omitempty"`
}

// InstantPayment is a payment operation at the partner bank.
type InstantPayment struct {
	Operation int16     `json:"operation"`
	State     string    `json:"state"`
	Amount    string    `json:"amount"`
	BankID    string    `json:"bank_id"`
	ExpiresAt time.Time `json:"expires_at"`
	Paid      string    `json:"bank_operation,omitempty"` // the scheme's id of the payment
	Late      bool      `json:"late,omitempty"`
	LastError string    `json:"last_error,omitempty"`
}

// OrderRecord is a clearing record of the order. State is open, withdrawn, sealed, rejected, superseded or abandoned;
// whether a sealed record was accepted is a fact of its batch.
type OrderRecord struct {
	ID           int64     `json:"record"`
	Kind         string    `json:"kind"`
	Operation    int16     `json:"operation"`
	Slice        int16     `json:"slice"`
	Amount       string    `json:"amount"` // as born
	Counts       string    `json:"counts"` // after voids and reductions
	Window       int32     `json:"window"`
	BusinessDate string    `json:"business_date"`
	CutoffAt     time.Time `json:"cutoff_at"`
	BornAt       time.Time `json:"born_at"`
	State        string    `json:"state"`
	Reject       string    `json:"reject,omitempty"` // class and code
	Supersedes   int64     `json:"supersedes,omitempty"`
}

// Journal is one event in the books.
type Journal struct {
	Operation      int16     `json:"operation"`
	Event          string    `json:"event"`
	At             time.Time `json:"at"`
	AccountingDate string    `json:"accounting_date"`
	Lines          []Line    `json:"lines"`
}

// Line is one posting: the accounts as posted, which for an undo are the rule's swapped.
type Line struct {
	Rule   string      `json:"rule"`
	What   string      `json:"what"`
	Debit  ledger.Code `json:"debit"`
	Credit ledger.Code `json:"credit"`
	Amount string      `json:"amount"`
	Undo   bool        `json:"undo,omitempty"`
}

// decimal renders minor units of the order's currency.
func decimal(o *settle.Order, minor int64) string {
	return money.Amount{Minor: minor, Currency: o.Amount.Currency}.Decimal()
}

func orderOf(o *settle.Order, d *settle.Directory) *Order {
	state, why := order.Explain(o.Status, o.Amounts)
	a := o.Amounts
	e := &Order{Bill: o.ID, Merchant: o.Merchant, Number: o.Number, Attempt: o.Attempt, Center: strconv.Itoa(int(o.Center)),
		Amount: o.Amount.Decimal(), Currency: o.Amount.Currency.String(), TwoStage: o.TwoStage, State: state, Why: why,
		CreatedAt: o.CreatedAt.UTC(), Card: o.CardMask, CardExpires: o.CardExpires(),
		Amounts: Amounts{decimal(o, a.Authorized), decimal(o, a.Confirmed), decimal(o, a.Hold()), decimal(o, a.ReleasedCancel),
			decimal(o, a.ReleasedDeposit), decimal(o, a.ReleasedExpiry), decimal(o, a.Refunded), decimal(o, a.RefundPending), decimal(o, a.Cancellable())}}
	if c, ok := d.Center(o.Center); ok {
		e.Center = c.Name
	}
	if m, ok := d.Merchant(o.Merchant); ok {
		e.MerchantName = m.Name
	}
	e.Means, e.TriesLeft, e.Parent = o.Means.String(), o.TriesLeft, o.Parent
	if o.Original != o.Amount {
		e.Original, e.Rate = o.Original.String(), o.Rate
	}
	if !o.PayBefore.IsZero() {
		e.PayBefore = utc(&o.PayBefore)
	}
	if !o.HoldExpiresAt.IsZero() {
		e.HoldExpiresAt = utc(&o.HoldExpiresAt)
	}
	for _, op := range o.Operations {
		e.Operations = append(e.Operations, operationOf(o, op))
	}
	for _, t := range o.Transactions {
		e.Transactions = append(e.Transactions, transactionOf(o, t))
	}
	for _, w := range o.Owed {
		e.Owed = append(e.Owed, Owed{w.Transaction, w.Kind.String(), w.DueAt.UTC(), w.Attempts, w.LastError})
	}
	return e
}

func operationOf(o *settle.Order, op settle.Operation) Operation {
	e := Operation{Number: fmt.Sprintf("%d.%d", o.ID, op.Number), Kind: op.Kind.String(), State: op.State.String(),
		Actor: op.Actor.String(), Reason: settle.ReasonName(op.Reason), Amount: decimal(o, op.Amount), Asked: "everything", AutoDeposit: op.AutoDeposit,
		RequestedAt: op.RequestedAt.UTC(), CompletedAt: utc(op.CompletedAt), Response: op.Response, Note: op.Note}
	switch {
	case op.Asked != nil:
		e.Asked = decimal(o, *op.Asked)
	case op.Kind == settle.OperationPayment:
		e.Asked = e.Amount
	}
	if op.Refunded > 0 {
		e.Refunded = decimal(o, op.Refunded)
	}
	if op.External != nil {
		e.External = *op.External
	}
	return e
}

func transactionOf(o *settle.Order, t settle.Transaction) Transaction {
	return Transaction{Number: t.Number, Operation: t.Operation, Original: deref(t.Original), Slice: deref(t.Slice),
		Kind: t.Kind.String(), State: t.State.String(), Amount: decimal(o, t.Amount), RRN: settle.RRN(t.Exchange), STAN: fmt.Sprintf("%06d", settle.STAN(t.Exchange)),
		TransmittedAt: t.TransmittedAt.UTC(), AnsweredAt: utc(t.AnsweredAt), Attempts: t.Attempts, ActionCode: t.ActionCode, ApprovalCode: t.ApprovalCode}
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

// deref is the number, or 0 for none.
func deref(n *int16) int16 {
	if n == nil {
		return 0
	}
	return *n
}
