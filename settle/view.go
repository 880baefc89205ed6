package settle

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"settled/internal/money"
	"settled/internal/postgres"
	"settled/settle/order"

	"github.com/jackc/pgx/v5"
)

// OperationKind is the kind of an operation, numbered as on the merchant's wire.
type OperationKind int16

// The kinds of operations.
const (
	OperationPayment      OperationKind = 100
	OperationConfirmation OperationKind = 200
	OperationCancellation OperationKind = 300
)

// OperationState is where an operation stands.
type OperationState int16

// The states of operations. The numbers are stored.
const (
	OperationInProcess OperationState = 1 // a center owes an answer that decides it
	OperationDone      OperationState = 2 // final: it took effect
	OperationPartial   OperationState = 3 // final: some parts took effect
	OperationFailed    OperationState = 4 // final: refused
	OperationTimedOut  OperationState = 5 // final: closed, an unknown outcome was resolved as reversed
)

// TransactionState is where an exchange with a center stands.
type TransactionState int16

// The states of transactions. The numbers are stored.
const (
	TransactionSent         TransactionState = 1 // on its way, or repeated until it is answered
	TransactionApproved     TransactionState = 2
	TransactionDeclined     TransactionState = 3
	TransactionUnknown      TransactionState = 4 // no answer in time; its reversal is owed
	TransactionReversed     TransactionState = 6 // was unknown or approved, and is reversed for certain
	TransactionStuck        TransactionState = 7 // a reversal that no center would take; a person decides
	TransactionApprovedLate TransactionState = 8 // answered after it was given up, or not believably; its reversal goes on
)

// Actor is who asked for an operation.
type Actor int16

// The actors.
const (
	ByMerchant Actor = 1
	ByOperator Actor = 2
	BySystem   Actor = 3
)

// Order is a view of an order and, when loaded with them, all that belongs to it.
type Order struct {
	Merchant      int32
	ID            int64 // the billnumber
	Number        string
	Attempt       int16
	Amount        money.Amount
	Status        order.Status
	Amounts       order.Amounts
	Center        int16
	TwoStage      bool
	CreatedAt     time.Time
	HoldExpiresAt time.Time // zero when nothing is held for a confirmation
	CardMask      string
	CardExpiry    string // YYMM
	Details       json.RawMessage
	PaymentNumber int16        // number of the last payment operation, on record or on its way; 0: none yet
	Means         Means        // of the last payment operation
	TriesLeft     int16        // payment operations that may still be begun
	Original      money.Amount // as the merchant asked; Amount is what is paid
	Rate          string       // units of Amount's currency for one of Original's; "1" when they are the same
	PayBefore     time.Time    // of an opened order: when it is closed unless it is paid; zero: not opened on a page
	Parent        int64        // the first order of the subscription that this is a later payment of, or 0
	Customer      string       // the merchant's number of the buyer, or empty
	Terms         *Terms       // what the buyer agrees to by paying, nil unless the order begins a subscription; only of an order read whole
	Operations    []Operation
	Transactions  []Transaction
	Owed          []Owed
	fingerprint   []byte
	card          []byte
	exchange      int64
	lastOperation int16
	lastTxn       int16
	paymentTxn    int16
}

// State derives the order's state.
func (o *Order) State() order.State { return order.StateOf(o.Status, o.Amounts) }

// Operation is one step on an order.
type Operation struct {
	Number      int16 `db:"operation"`
	Kind        OperationKind
	State       OperationState
	Actor       Actor
	Reason      int16
	Amount      int64
	Asked       *int64 `db:"asked_amount"` // as asked; nil is everything possible
	AutoDeposit bool
	RequestedAt time.Time
	CompletedAt *time.Time
	Response    string
	External    *string `db:"external_id"`
	Note        string
	Record      *int64 `db:"record_id"`
	Window      *int32 `db:"window_id"`
	Refunded    int64
	Means       Means
	CardMask    *string // of a payment that was not the last; nil: the order's
	CardExpiry  *string // YYMM
	// What the refunds of the slice that stand give back of the fees of its sale.
	InterchangeBack, MDRBack int64
	ToldAt                   *time.Time // when the merchant was handed the answer with the final result; nil: not known to have been
}

// Transaction is one exchange with a center.
type Transaction struct {
	Number        int16 `db:"transaction"`
	Operation     int16
	Original      *int16
	Slice         *int16
	Kind          Kind
	State         TransactionState
	Amount        int64
	Exchange      int64 `db:"exchange_id"`
	TransmittedAt time.Time
	AnsweredAt    *time.Time
	Attempts      int16
	ActionCode    string
	ApprovalCode  string
	Security      string // how far the buyer was authenticated, 3 digits; empty: 3-D Secure was not asked
	NetworkID     string // the network's name of an approved payment
	MDRBack       *int64 // of an online refund: what it gives back of the MDR of its sale, where the contract says so
	Contract      int32  `db:"contract_id"` // whose prices were posted with an approved single message or an instant payment; 0: neither
}

const selectOrder = `
SELECT merchant_id, order_id, ordernumber, attempt, amount, currency, status, authorized, confirmed, released_cancel,
	released_deposit, released_expiry, refunded, refund_pending, center_id, two_stage, created_at,
	coalesce(hold_expires_at, '0001-01-01 00:00:00Z'), card_mask, card_expiry, details, fingerprint, card, exchange_id, operations, transactions,
	payment, payment_transaction, means, tries_left, coalesce(original_amount, amount), coalesce(original_currency, currency),
	coalesce(rate, '1'), coalesce(pay_before, '0001-01-01 00:00:00Z'), coalesce(parent, 0), coalesce(customer, '')
FROM orders WHERE merchant_id = $1 AND `

const (
	orderByID     = selectOrder + `order_id = $2`
	orderForWrite = selectOrder + `order_id = $2 FOR NO KEY UPDATE`
	orderByNumber = selectOrder + `ordernumber = $2 ORDER BY attempt DESC LIMIT 1`
	ordersByName  = selectOrder + `ordernumber = $2 AND created_at >= $3 AND created_at < $4 ORDER BY attempt`
)

func scanOrder(row pgx.CollectableRow) (*Order, error) {
	var o Order
	var cur, original int16
	a := &o.Amounts
	err := row.Scan(&o.Merchant, &o.ID, &o.Number, &o.Attempt, &o.Amount.Minor, &cur, &o.Status, &a.Authorized, &a.Confirmed,
		&a.ReleasedCancel, &a.ReleasedDeposit, &a.ReleasedExpiry, &a.Refunded, &a.RefundPending, &o.Center, &o.TwoStage, &o.CreatedAt,
		&o.HoldExpiresAt, &o.CardMask, &o.CardExpiry, &o.Details, &o.fingerprint, &o.card, &o.exchange, &o.lastOperation, &o.lastTxn,
		&o.PaymentNumber, &o.paymentTxn, &o.Means, &o.TriesLeft, &o.Original.Minor, &original, &o.Rate, &o.PayBefore, &o.Parent, &o.Customer)
	o.Amount.Currency, o.Original.Currency = money.Currency(cur), money.Currency(original)
	return &o, err
}

func readOrder(ctx context.Context, q postgres.Querier, sql string, merchant int32, key any) (*Order, error) {
	rows, err := q.Query(ctx, sql, merchant, key)
	if err != nil {
		return nil, fmt.Errorf("read order %v: %w", key, err)
	}
	o, err := pgx.CollectExactlyOneRow(rows, scanOrder)
	if isNotFound(err) {
		return nil, fmt.Errorf("%w: %v of merchant %d", ErrNotFound, key, merchant)
	}
	if err != nil {
		return nil, fmt.Errorf("read order %v: %w", key, err)
	}
	return o, nil
}

// Order returns an order of the merchant with everything that belongs to it. The order of another merchant is
// ErrNotFound.
func (b *Books) Order(ctx context.Context, merchant int32, id int64) (*Order, error) {
	return readWhole(ctx, b.Pool, orderByID, merchant, id)
}

// ByNumber returns the latest attempt of an order number, without what belongs to it.
func (b *Books) ByNumber(ctx context.Context, merchant int32, number string) (*Order, error) {
	return readOrder(ctx, b.Pool, orderByNumber, merchant, number)
}

// Attempts returns the attempts of an order number created within [from, to), oldest first, without what belongs to
// them.
func (b *Books) Attempts(ctx context.Context, merchant int32, number string, from, to time.Time) ([]*Order, error) {
	rows, err := b.Pool.Query(ctx, ordersByName, merchant, number, from, to)
	if err != nil {
		return nil, fmt.Errorf("read orders %q: %w", number, err)
	}
	return pgx.CollectRows(rows, scanOrder)
}

const (
	selectTerms = `
SELECT min_amount AS min, max_amount AS max, period_days, last_date FROM subscriptions WHERE merchant_id = $1 AND order_id = $2`
	operationColumns = `operation, kind, state, actor, reason, amount, asked_amount, auto_deposit, requested_at, completed_at, response,
	external_id, note, record_id, window_id, refunded, means, card_mask, card_expiry, interchange_back, mdr_back, told_at`
	transactionColumns = `transaction, operation, original, slice, kind, state, amount, exchange_id, transmitted_at, answered_at, attempts,
	action_code, approval_code, security, network_id, mdr_back, contract_id`
	selectOperations = `
SELECT ` + operationColumns + `
FROM operations WHERE merchant_id = $1 AND order_id = $2 ORDER BY operation`
	selectTransactions = `
SELECT ` + transactionColumns + `
FROM transactions WHERE merchant_id = $1 AND order_id = $2 ORDER BY transaction`
)

// batcher sends several statements in one round trip: a pool or a transaction.
type batcher interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

const owedOfOrder = selectOwed + `WHERE merchant_id = $1 AND order_id = $2 ORDER BY transaction`

// readWhole reads an order by its id with everything that belongs to it, in one round trip. The statements run one after
// the other, so an order that the first locks is still locked when its parts are read.
func readWhole(ctx context.Context, q batcher, sql string, merchant int32, id int64) (*Order, error) {
	var batch pgx.Batch
	for _, statement := range [...]string{sql, selectOperations, selectTransactions, owedOfOrder, selectTerms} {
		batch.Queue(statement, merchant, id)
	}
	results := q.SendBatch(ctx, &batch)
	defer results.Close()
	o, err := oneOrder(results.Query())
	switch {
	case isNotFound(err):
		return nil, fmt.Errorf("%w: %d of merchant %d", ErrNotFound, id, merchant)
	case err != nil:
		return nil, fmt.Errorf("read order %d: %w", id, err)
	}
	if o.Operations, err = next[Operation](results); err != nil {
		return nil, err
	}
	if o.Transactions, err = next[Transaction](results); err != nil {
		return nil, err
	}
	if o.Owed, err = next[Owed](results); err != nil {
		return nil, err
	}
	terms, err := next[Terms](results)
	if err == nil && len(terms) > 0 {
		o.Terms = &terms[0]
	}
	return o, err
}

func oneOrder(rows pgx.Rows, err error) (*Order, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectExactlyOneRow(rows, scanOrder)
}

// next collects the rows of a batch's next statement.
func next[T any](results pgx.BatchResults) ([]T, error) {
	rows, err := results.Query()
	if err != nil {
		return nil, fmt.Errorf("read %T: %w", *new(T), err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByName[T])
	if err != nil {
		return nil, fmt.Errorf("read %T: %w", *new(T), err)
	}
	return out, nil
}

func collect[T any](ctx context.Context, q postgres.Querier, sql string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read %T: %w", *new(T), err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByName[T])
	if err != nil {
		return nil, fmt.Errorf("read %T: %w", *new(T), err)
	}
	return out, nil
}

// Operation returns an operation by number, or nil.
func (o *Order) Operation(number int16) *Operation {
	for i := range o.Operations {
		if o.Operations[i].Number == number {
			return &o.Operations[i]
		}
	}
	return nil
}

// Transaction returns a transaction by number, or nil.
func (o *Order) Transaction(number int16) *Transaction {
	for i := range o.Transactions {
		if o.Transactions[i].Number == number {
			return &o.Transactions[i]
		}
	}
	return nil
}

// Payment returns the operation that paid the order, else the last that tried to, or nil when there is none on record.
func (o *Order) Payment() *Operation { return o.Operation(o.PaymentNumber) }

// PaymentTransaction returns the exchange of the last payment operation, or nil when it has no outcome yet.
func (o *Order) PaymentTransaction() *Transaction { return o.Transaction(o.paymentTxn) }

// CardOf returns the mask of the card that an operation was made with, and its expiry as MM/YY; empty for other means.
func (o *Order) CardOf(op *Operation) (mask, expiry string) {
	if op.CardMask == nil || op.CardExpiry == nil {
		return o.CardMask, o.CardExpires()
	}
	return *op.CardMask, expires(*op.CardExpiry)
}

// CardExpires formats the card's expiry as MM/YY.
func (o *Order) CardExpires() string {
	return expires(o.CardExpiry)
}

func expires(yymm string) string {
	if len(yymm) != 4 {
		return ""
	}
	return yymm[2:] + "/" + yymm[:2]
}
