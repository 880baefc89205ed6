package settle

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"settled/internal/money"
	"settled/settle/ledger"
	"settled/settle/order"

	"github.com/jackc/pgx/v5"
)

// Explanation is an order with everything that belongs to it, in words for a person: what it is worth, what state that
// makes it and why, what was done, what was said to the center, what was presented, and what was posted. Amounts are
// decimal texts in Currency. It holds no card data but the mask.
type Explanation struct {
	Bill          int64                  `json:"billnumber"`
	Merchant      int32                  `json:"merchant"`
	MerchantName  string                 `json:"merchant_name,omitempty"`
	Number        string                 `json:"ordernumber"`
	Attempt       int16                  `json:"attempt"`
	Center        string                 `json:"center"`
	Amount        string                 `json:"amount"`
	Currency      string                 `json:"currency"`
	Original      string                 `json:"original,omitempty"` // as the merchant asked, when that is another currency
	Rate          string                 `json:"rate,omitempty"`     // of the conversion
	Means         string                 `json:"means"`
	TwoStage      bool                   `json:"two_stage"`
	State         order.State            `json:"state"`
	Why           string                 `json:"why"`
	Amounts       ExplainedAmounts       `json:"amounts"`
	CreatedAt     time.Time              `json:"created_at"`
	PayBefore     *time.Time             `json:"pay_before,omitempty"` // of an opened order
	TriesLeft     int16                  `json:"tries_left,omitempty"`
	Parent        int64                  `json:"parent,omitempty"` // first order of the subscription
	HoldExpiresAt *time.Time             `json:"hold_expires_at,omitempty"`
	Card          string                 `json:"card"`
	CardExpires   string                 `json:"card_expires"`
	Operations    []ExplainedOperation   `json:"operations"`
	Authenticated []ExplainedSecure      `json:"authentications,omitempty"`
	Instant       []ExplainedInstant     `json:"instant_payments,omitempty"`
	Transactions  []ExplainedTransaction `json:"transactions"`
	Owed          []ExplainedOwed        `json:"owed,omitempty"`
	Records       []ExplainedRecord      `json:"records"`
	Journals      []ExplainedJournal     `json:"journals"`
}

// ExplainedAmounts are the amounts of the order's algebra (package order).
type ExplainedAmounts struct {
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

// ExplainedOperation is one step on the order.
type ExplainedOperation struct {
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

// ExplainedTransaction is one exchange with the center.
type ExplainedTransaction struct {
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

// ExplainedOwed is a message that is still owed.
type ExplainedOwed struct {
	Transaction int16     `json:"transaction"`
	Kind        string    `json:"kind"`
	DueAt       time.Time `json:"due_at"`
	Attempts    int16     `json:"attempts"`
	LastError   string    `json:"last_error,omitempty"`
}

// ExplainedRecord is a clearing record of the order. State is open, withdrawn, sealed, rejected, superseded or abandoned;
// whether a sealed record was accepted is a fact of its batch.
type ExplainedRecord struct {
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

// ExplainedJournal is one event in the books.
type ExplainedJournal struct {
	Operation      int16           `json:"operation"`
	Event          string          `json:"event"`
	At             time.Time       `json:"at"`
	AccountingDate string          `json:"accounting_date"`
	Lines          []ExplainedLine `json:"lines"`
}

// ExplainedLine is one posting: the accounts as posted, which for an undo are the rule's swapped.
type ExplainedLine struct {
	Rule   string      `json:"rule"`
	What   string      `json:"what"`
	Debit  ledger.Code `json:"debit"`
	Credit ledger.Code `json:"credit"`
	Amount string      `json:"amount"`
	Undo   bool        `json:"undo,omitempty"`
}

// ErrBillNumber is returned for a text that is no bill number of ours.
var ErrBillNumber = errors.New("settle: not a bill number")

// ParseBill reads a bill number, plain ("500000100000001") or extended ("500000100000001.2"): the order, its merchant, and
// the operation, 0 when none is named.
func ParseBill(text string) (bill int64, merchant int32, operation int16, err error) {
	plain, number, extended := strings.Cut(text, ".")
	bill, err = strconv.ParseInt(plain, 10, 64)
	merchant, ok := MerchantOf(bill)
	if err != nil || !ok {
		return 0, 0, 0, fmt.Errorf("%w: %q", ErrBillNumber, text)
	}
	if extended {
		n, err := strconv.ParseInt(number, 10, 16)
		if err != nil || n <= 0 {
			return 0, 0, 0, fmt.Errorf("%w: %q", ErrBillNumber, text)
		}
		operation = int16(n)
	}
	return bill, merchant, operation, nil
}

// beginner begins a transaction: a pool or a connection.
type beginner interface {
	BeginTx(ctx context.Context, o pgx.TxOptions) (pgx.Tx, error)
}

// Explain reads an order by its bill number alone, with everything that belongs to it, on one snapshot. The names of
// center and merchant come from the directory. ErrNotFound and ErrBillNumber tell that there is none.
func Explain(ctx context.Context, db beginner, d *Directory, bill int64) (*Explanation, error) {
	merchant, ok := MerchantOf(bill)
	if !ok {
		return nil, fmt.Errorf("%w: %d", ErrBillNumber, bill)
	}
	tx, err := db.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, fmt.Errorf("explain order %d: %w", bill, err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	o, err := readWhole(ctx, tx, orderByID, merchant, bill)
	if err != nil {
		return nil, err
	}
	e := explainOrder(o, d)
	if err := e.explainMeans(ctx, tx, o); err != nil {
		return nil, err
	}
	if e.Records, err = explainRecords(ctx, tx, o); err != nil {
		return nil, err
	}
	ids := make([]int64, 0, len(e.Records))
	for _, r := range e.Records {
		ids = append(ids, r.ID)
	}
	e.Journals, err = explainJournals(ctx, tx, o, ids)
	return e, err
}

// Explain is the function Explain on the books' own database and directory.
func (b *Books) Explain(ctx context.Context, bill int64) (*Explanation, error) {
	return Explain(ctx, b.Pool, b.Directory, bill)
}

// decimal renders minor units of the order's currency.
func (o *Order) decimal(minor int64) string {
	return money.Amount{Minor: minor, Currency: o.Amount.Currency}.Decimal()
}

func explainOrder(o *Order, d *Directory) *Explanation {
	state, why := order.Explain(o.Status, o.Amounts)
	a := o.Amounts
	e := &Explanation{Bill: o.ID, Merchant: o.Merchant, Number: o.Number, Attempt: o.Attempt, Center: strconv.Itoa(int(o.Center)),
		Amount: o.Amount.Decimal(), Currency: o.Amount.Currency.String(), TwoStage: o.TwoStage, State: state, Why: why,
		CreatedAt: o.CreatedAt.UTC(), Card: o.CardMask, CardExpires: o.CardExpires(),
		Amounts: ExplainedAmounts{o.decimal(a.Authorized), o.decimal(a.Confirmed), o.decimal(a.Hold()), o.decimal(a.ReleasedCancel),
			o.decimal(a.ReleasedDeposit), o.decimal(a.ReleasedExpiry), o.decimal(a.Refunded), o.decimal(a.RefundPending), o.decimal(a.Cancellable())}}
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
		e.Operations = append(e.Operations, o.explainOperation(op))
	}
	for _, t := range o.Transactions {
		e.Transactions = append(e.Transactions, o.explainTransaction(t))
	}
	for _, w := range o.Owed {
		e.Owed = append(e.Owed, ExplainedOwed{w.Transaction, w.Kind.String(), w.DueAt.UTC(), w.Attempts, w.LastError})
	}
	return e
}

func (o *Order) explainOperation(op Operation) ExplainedOperation {
	e := ExplainedOperation{Number: fmt.Sprintf("%d.%d", o.ID, op.Number), Kind: op.Kind.String(), State: op.State.String(),
		Actor: op.Actor.String(), Reason: ReasonName(op.Reason), Amount: o.decimal(op.Amount), Asked: "everything", AutoDeposit: op.AutoDeposit,
		RequestedAt: op.RequestedAt.UTC(), CompletedAt: utc(op.CompletedAt), Response: op.Response, Note: op.Note}
	switch {
	case op.Asked != nil:
		e.Asked = o.decimal(*op.Asked)
	case op.Kind == OperationPayment:
		e.Asked = e.Amount
	}
	if op.Refunded > 0 {
		e.Refunded = o.decimal(op.Refunded)
	}
	if op.External != nil {
		e.External = *op.External
	}
	return e
}

func (o *Order) explainTransaction(t Transaction) ExplainedTransaction {
	return ExplainedTransaction{Number: t.Number, Operation: t.Operation, Original: deref(t.Original), Slice: deref(t.Slice),
		Kind: t.Kind.String(), State: t.State.String(), Amount: o.decimal(t.Amount), RRN: RRN(t.Exchange), STAN: fmt.Sprintf("%06d", STAN(t.Exchange)),
		TransmittedAt: t.TransmittedAt.UTC(), AnsweredAt: utc(t.AnsweredAt), Attempts: t.Attempts, ActionCode: t.ActionCode, ApprovalCode: t.ApprovalCode}
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

const recordsOfOrder = `
SELECT r.record_id, r.kind, r.operation, r.slice, r.amount, coalesce(c.amount, r.amount), r.window_id, to_char(w.business_date, 'YYYY-MM-DD'),
	w.cutoff_at, r.born_at, CASE WHEN j.state IS NOT NULL THEN j.state WHEN c.amount = 0 THEN 'withdrawn'
		WHEN w.state = 'open' THEN 'open' ELSE 'sealed' END,
	coalesce(j.class || ' ' || j.code, ''), coalesce(r.supersedes, 0)
FROM records r JOIN windows w USING (window_id)
	LEFT JOIN LATERAL (SELECT amount FROM record_changes x WHERE (x.window_id, x.record_id, x.merchant_id) = (r.window_id, r.record_id, r.merchant_id)
		ORDER BY version DESC LIMIT 1) c ON true
	LEFT JOIN rejects j USING (window_id, record_id, merchant_id)
WHERE r.merchant_id = $1 AND r.order_id = $2 AND r.window_id = ANY ($3) ORDER BY r.record_id`

// explainRecords reads the records of the windows that the order's operations and rejects name.
func explainRecords(ctx context.Context, tx pgx.Tx, o *Order) ([]ExplainedRecord, error) {
	type row struct {
		ID               int64
		Kind             RecordKind
		Operation, Slice int16
		Amount, Counts   int64
		Window           int32
		BusinessDate     string
		CutoffAt, BornAt time.Time
		State, Reject    string
		Supersedes       int64
	}
	windows, err := windowsOf(ctx, tx, o)
	if err != nil {
		return nil, err
	}
	rows, err := collect[row](ctx, tx, recordsOfOrder, o.Merchant, o.ID, windows)
	if err != nil {
		return nil, err
	}
	out := make([]ExplainedRecord, 0, len(rows))
	for _, r := range rows {
		out = append(out, ExplainedRecord{r.ID, r.Kind.String(), r.Operation, r.Slice, o.decimal(r.Amount), o.decimal(r.Counts), r.Window,
			r.BusinessDate, r.CutoffAt.UTC(), r.BornAt.UTC(), r.State, r.Reject, r.Supersedes})
	}
	return out, nil
}

// windowsOf lists the windows that can hold records of the order; records have no index by order.
func windowsOf(ctx context.Context, tx pgx.Tx, o *Order) ([]int32, error) {
	var windows []int32
	for _, op := range o.Operations {
		if op.Window != nil {
			windows = append(windows, *op.Window)
		}
	}
	rows, err := tx.Query(ctx, `SELECT DISTINCT window_id FROM rejects WHERE merchant_id = $1 AND order_id = $2`, o.Merchant, o.ID)
	if err != nil {
		return nil, fmt.Errorf("read rejects of order %d: %w", o.ID, err)
	}
	rejected, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	return append(windows, rejected...), err
}

const journalsOfOrder = `
SELECT seq, phase, rule, debit, credit, amount, undo, at, to_char(accounting_date, 'YYYY-MM-DD') FROM postings
WHERE merchant_id = $1 AND (source = 1 AND source_id = $2 OR source = 5 AND source_id = ANY ($3)) ORDER BY at, seq, phase, source_id, line`

func explainJournals(ctx context.Context, tx pgx.Tx, o *Order, records []int64) ([]ExplainedJournal, error) {
	type row struct {
		Operation     int16
		Phase         ledger.Phase
		Rule          ledger.Rule
		Debit, Credit ledger.Code
		Amount        int64
		Undo          bool
		At            time.Time
		Date          string
	}
	rows, err := collect[row](ctx, tx, journalsOfOrder, o.Merchant, o.ID, records)
	if err != nil {
		return nil, err
	}
	out := make([]ExplainedJournal, 0, len(rows))
	for i, r := range rows {
		if i == 0 || r.Operation != rows[i-1].Operation || r.Phase != rows[i-1].Phase {
			out = append(out, ExplainedJournal{Operation: r.Operation, Event: r.Phase.String(), At: r.At.UTC(), AccountingDate: r.Date})
		}
		j := &out[len(out)-1]
		j.Lines = append(j.Lines, ExplainedLine{r.Rule.String(), r.Rule.Spec().Event, r.Debit, r.Credit, o.decimal(r.Amount), r.Undo})
	}
	return out, nil
}
