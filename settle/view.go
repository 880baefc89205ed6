package settle

import (
	"context"
	"fmt"
	"time"

	"settled/internal/money"
	"settled/internal/postgres"
	"settled/settle/subscription"

	"github.com/jackc/pgx/v5"
)

// selectOrder reads orders without what belongs to them; which of the merchant follows.
const selectOrder = `
SELECT merchant_id, order_id, ordernumber, attempt, amount, currency, status, authorized, confirmed, released_cancel,
	released_deposit, released_expiry, refunded, refund_pending, center_id, two_stage, created_at,
	coalesce(hold_expires_at, '0001-01-01 00:00:00Z'), card_mask, card_expiry, details, fingerprint, card, exchange_id, operations, transactions,
	payment, payment_transaction, means, tries_left, coalesce(original_amount, amount), coalesce(original_currency, currency),
	coalesce(rate, '1'), coalesce(pay_before, '0001-01-01 00:00:00Z'), coalesce(parent, 0), coalesce(customer, ''),
	coalesce(card_erased_at, '0001-01-01 00:00:00Z'), coalesce(personal_erased_at, '0001-01-01 00:00:00Z')
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
		&o.PaymentNumber, &o.paymentTxn, &o.Means, &o.TriesLeft, &o.Original.Minor, &original, &o.Rate, &o.PayBefore, &o.Parent, &o.Customer,
		&o.CardErasedAt, &o.PersonalErasedAt)
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

const selectOwed = `
SELECT merchant_id, order_id, transaction, operation, original, slice, center_id, kind, amount, exchange_id, created_at,
	transmitted_at, due_at, attempts, last_error
FROM owed_exchanges `

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
	terms, err := next[subscription.Terms](results)
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
