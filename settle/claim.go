package settle

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"settled/internal/postgres"
	"settled/internal/vault"
	"settled/settle/credential"
	"settled/settle/order"
)

// claimColumns is what a claim returns, in the order of Owed.
const claimColumns = `e.merchant_id, e.order_id, e.transaction, e.operation, e.original, e.slice, e.center_id, e.kind, e.amount,
	e.exchange_id, e.created_at, e.transmitted_at, e.due_at, e.attempts, e.last_error`

// claimAttempt counts a transmission and plans the next one.
const claimAttempt = `
UPDATE owed_exchanges e SET attempts = e.attempts + 1,
	due_at = $1 + (CASE e.attempts WHEN 0 THEN interval '10 s' WHEN 1 THEN interval '30 s' WHEN 2 THEN interval '1 min'
		WHEN 3 THEN interval '5 min' WHEN 4 THEN interval '15 min' ELSE interval '1 hour' END)
`

var claimAtCenter = spelled(claimAttempt + `
FROM (SELECT merchant_id, order_id, transaction FROM owed_exchanges WHERE due_at <= $1 AND kind IN (@Reversal, @PartialReversal, @Refund) AND center_id = $3
	ORDER BY kind = @Refund, due_at, exchange_id LIMIT $2) c
WHERE e.merchant_id = c.merchant_id AND e.order_id = c.order_id AND e.transaction = c.transaction AND e.due_at <= $1
RETURNING ` + claimColumns)

// DueAt is Due for one center, reversals before refunds, so that a center that does not answer keeps no other waiting.
func (b *Books) DueAt(ctx context.Context, center int16, limit int) ([]Owed, error) {
	due, err := claim(ctx, b.Pool, claimAtCenter, b.Now(), limit, center)
	refunds := func(e Owed) int {
		if e.Kind == Refund {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(due, func(a, b Owed) int { return refunds(a) - refunds(b) })
	return due, err
}

var claimOfOrder = spelled(claimAttempt + `
WHERE e.merchant_id = $2 AND e.order_id = $3 AND e.due_at <= $1 AND e.kind IN (@Reversal, @PartialReversal, @Refund)
RETURNING ` + claimColumns)

// DueOf claims the messages of one order whose time has come. What another caller has claimed is not returned.
func (b *Books) DueOf(ctx context.Context, merchant int32, id int64) ([]Owed, error) {
	return claim(ctx, b.Pool, claimOfOrder, b.Now(), merchant, id)
}

const owedOnline = `SELECT count(*) FROM owed_exchanges WHERE merchant_id = $1 AND order_id = $2`

// OwedCount returns how many exchanges of an order have no outcome yet.
func (b *Books) OwedCount(ctx context.Context, merchant int32, id int64) (int, error) {
	var n int
	if err := b.Pool.QueryRow(ctx, owedOnline, merchant, id).Scan(&n); err != nil {
		return 0, fmt.Errorf("count exchanges of order %d: %w", id, err)
	}
	return n, nil
}

// claim runs a claim and returns its messages in the order of their exchanges; an UPDATE returns them in any.
func claim(ctx context.Context, q postgres.Querier, sql string, args ...any) ([]Owed, error) {
	due, err := postgres.Collect[Owed](ctx, q, sql, args...)
	slices.SortFunc(due, func(a, b Owed) int { return cmp.Compare(a.Exchange, b.Exchange) })
	return due, err
}

// PAN opens the card number of an order. The caller answers for where it goes. ErrCardErased tells that it is gone.
func (b *Books) PAN(o *Order) (vault.PAN, error) {
	card, err := o.sealedCard()
	if err != nil {
		return vault.PAN{}, err
	}
	pan, err := b.Vault.Unseal(card, vault.CardBinding(nil, int64(o.Merchant), o.ID))
	if err != nil {
		return vault.PAN{}, fmt.Errorf("open card of order %d: %w", o.ID, err)
	}
	return pan, nil
}

// StoredWith returns the credential that stands for what an order was paid with, as its buyer has stored it with this order or
// with an earlier one. credential.ErrNone tells that there is none.
func (b *Books) StoredWith(ctx context.Context, o *Order) (*credential.Credential, error) {
	if o.Customer == "" || o.Status != order.Paid {
		return nil, credential.ErrNone
	}
	if o.Means != order.MeansCard || !o.CardErasedAt.IsZero() {
		return b.credentials.Same(ctx, o.Merchant, o.Customer, o.ID, nil)
	}
	pan, err := b.PAN(o)
	if err != nil {
		return nil, err
	}
	digits := pan.AppendReveal(nil)
	defer clear(digits)
	return b.credentials.Same(ctx, o.Merchant, o.Customer, o.ID, digits)
}
