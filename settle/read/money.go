package read

import (
	"context"
	"time"

	"settled/internal/money"
	"settled/settle"
	"settled/settle/ledger"
	"settled/settle/order"

	"github.com/jackc/pgx/v5"
)

// Day returns the turnover of every account up to and including an accounting date, in order of account and currency; merchant 0 is
// all merchants.
func (b *Books) Day(ctx context.Context, date time.Time, merchant int32) (balances []ledger.Balance, err error) {
	err = b.look(ctx, func(tx pgx.Tx) error {
		balances, err = ledger.TrialBalance(ctx, tx, date, merchant)
		return err
	})
	return balances, err
}

// OrderSum is what the orders of a center in a currency come to, amount by amount of their algebra.
type OrderSum struct {
	Center   int16 `db:"center_id"`
	Currency money.Currency
	order.Amounts
}

const orderSums = `
SELECT center_id, currency, sum(authorized)::bigint AS authorized, sum(confirmed)::bigint AS confirmed,
	sum(released_cancel)::bigint AS released_cancel, sum(released_deposit)::bigint AS released_deposit,
	sum(released_expiry)::bigint AS released_expiry, sum(refunded)::bigint AS refunded, sum(refund_pending)::bigint AS refund_pending
FROM orders GROUP BY center_id, currency`

// OrderSums sums up all orders.
func (b *Books) OrderSums(ctx context.Context) ([]OrderSum, error) {
	return lookFor[OrderSum](ctx, b, orderSums)
}

// PostingSum is what a rule posted for a center in a currency, less what was undone.
type PostingSum struct {
	Center   int16 `db:"center_id"`
	Currency money.Currency
	Rule     ledger.Rule
	Amount   int64
}

const postingSums = `
SELECT center_id, currency, rule, sum(CASE WHEN undo THEN -amount ELSE amount END)::bigint AS amount
FROM postings WHERE center_id > 0 GROUP BY center_id, currency, rule`

// PostingSums sums up all postings that a center is involved in.
func (b *Books) PostingSums(ctx context.Context) ([]PostingSum, error) {
	return lookFor[PostingSum](ctx, b, postingSums)
}

// Sum is a number of things of a center in a currency, and what they come to in minor units.
type Sum struct {
	Center   int16 `db:"center_id"`
	Currency money.Currency
	Count    int
	Amount   int64
}

// A reversal counts when what it took back had been approved: the reversal of an unknown outcome takes nothing back.
const authorizedSums = `
SELECT o.center_id, o.currency, count(*), coalesce(sum(CASE WHEN t.kind = $1 THEN t.amount ELSE -t.amount END), 0)::bigint AS amount
FROM transactions t JOIN orders o USING (merchant_id, order_id)
	JOIN transactions a ON a.merchant_id = t.merchant_id AND a.order_id = t.order_id AND a.transaction = coalesce(t.original, t.transaction)
WHERE t.state = $2 AND (t.kind = $1 OR t.kind = ANY ($3)) AND a.kind = $1 AND a.state = $2 GROUP BY o.center_id, o.currency`

// reversals are the kinds of messages that take back what was authorized.
var reversals = []settle.Kind{settle.Reversal, settle.PartialReversal}

// AuthorizedSums sums up what centers approved by messages, less what they confirmed as reversed.
func (b *Books) AuthorizedSums(ctx context.Context) ([]Sum, error) {
	return lookFor[Sum](ctx, b, authorizedSums, settle.Authorization, settle.TransactionApproved, reversals)
}

const recordSums = `
SELECT o.center_id, r.currency, count(*), sum(r.amount)::bigint AS amount
FROM records r JOIN orders o USING (merchant_id, order_id) WHERE r.kind = $1 AND r.supersedes IS NULL
GROUP BY o.center_id, r.currency ORDER BY o.center_id, r.currency`

// RecordSums sums up the clearing records of a kind as they were born; those that were presented again count once.
func (b *Books) RecordSums(ctx context.Context, kind settle.RecordKind) ([]Sum, error) {
	return lookFor[Sum](ctx, b, recordSums, kind)
}

// TransactionSum is a sum of exchanges of a kind that stand in a state.
type TransactionSum struct {
	Sum
	Kind  settle.Kind
	State settle.TransactionState
}

const transactionSums = `
SELECT o.center_id, t.kind, t.state, o.currency, count(*), sum(t.amount)::bigint AS amount
FROM transactions t JOIN orders o USING (merchant_id, order_id) WHERE t.kind = ANY ($1)
GROUP BY o.center_id, t.kind, t.state, o.currency ORDER BY o.center_id, t.kind, t.state, o.currency`

// RefundSums sums up the refunds that were sent as messages.
func (b *Books) RefundSums(ctx context.Context) ([]TransactionSum, error) {
	return lookFor[TransactionSum](ctx, b, transactionSums, []settle.Kind{settle.Refund})
}

// ReversalSums sums up the reversals.
func (b *Books) ReversalSums(ctx context.Context) ([]TransactionSum, error) {
	return lookFor[TransactionSum](ctx, b, transactionSums, reversals)
}

const expirySums = `
SELECT o.center_id, o.currency, count(*), sum(p.amount)::bigint AS amount
FROM operations p JOIN orders o USING (merchant_id, order_id) WHERE p.reason = $1
GROUP BY o.center_id, o.currency ORDER BY o.center_id, o.currency`

// ExpirySums sums up the holds that were given up because nobody confirmed them.
func (b *Books) ExpirySums(ctx context.Context) ([]Sum, error) {
	return lookFor[Sum](ctx, b, expirySums, settle.ReasonExpiry)
}

// RejectSum is a sum of rejects that are alike, of the windows of a center with a business date.
type RejectSum struct {
	Sum
	BusinessDate time.Time
	Kind         settle.RecordKind
	Class        RejectClass
	Code         string
	State        settle.RejectState
}

const rejectSums = `
SELECT w.center_id, w.business_date, j.kind, j.class, j.code, j.state, j.currency, count(*), sum(j.amount)::bigint AS amount
FROM rejects j JOIN windows w USING (window_id) GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1, 2, 3, 4, 5, 6, 7`

// RejectSums sums up all rejects.
func (b *Books) RejectSums(ctx context.Context) ([]RejectSum, error) {
	return lookFor[RejectSum](ctx, b, rejectSums)
}
