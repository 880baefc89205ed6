package settle

import (
	"context"
	"fmt"
	"time"

	"settled/internal/postgres"
	"settled/settle/ledger"
	"settled/settle/order"

	"github.com/jackc/pgx/v5"
)

const dueHolds = `
SELECT expires_at, merchant_id, order_id, center_id FROM open_holds WHERE expires_at <= $1 AND center_id = ANY ($3)
ORDER BY expires_at, merchant_id, order_id LIMIT $2`

type dueHold struct {
	ExpiresAt time.Time
	Merchant  int32
	Order     int64
	Center    int16
}

// A hold expires as a whole, so the order's released_expiry is the amount afterwards. The guarded update of the order
// decides against a confirmation or cancel at the same instant.
const expireHolds = `
WITH c AS (
	SELECT * FROM unnest($1::timestamptz[], $2::int[], $3::bigint[], $4::smallint[], $5::bigint[], $6::boolean[])
		AS c (expires_at, merchant, id, center, exchange, partial)
), u AS (
	UPDATE orders o SET released_expiry = o.authorized - o.confirmed - o.released_cancel - o.released_deposit,
		hold_expires_at = NULL, operations = o.operations + 1,
		transactions = o.transactions + CASE WHEN o.confirmed + o.released_cancel + o.released_deposit = 0 OR c.partial THEN 1 ELSE 0 END
	FROM c
	WHERE o.merchant_id = c.merchant AND o.order_id = c.id AND o.hold_expires_at = c.expires_at
		AND o.authorized > o.confirmed + o.released_cancel + o.released_deposit + o.released_expiry
	RETURNING o.merchant_id, o.order_id, o.operations, o.transactions, o.payment_transaction, o.released_expiry AS amount, o.currency, c.center, c.exchange,
		CASE WHEN o.released_expiry = o.authorized THEN 3 WHEN c.partial THEN 4 END AS kind
), d AS (
	DELETE FROM open_holds h USING c WHERE h.expires_at = c.expires_at AND h.merchant_id = c.merchant AND h.order_id = c.id
), op AS (
	INSERT INTO operations (merchant_id, order_id, operation, kind, state, actor, reason, amount, response, requested_at, completed_at, note)
	SELECT merchant_id, order_id, operations, 300, 2, 3, 4, amount, 'AS000', $7, $7, CASE kind
		WHEN 3 THEN 'hold expired: reversal of the authorization'
		WHEN 4 THEN 'hold expired: partial reversal of what was not confirmed'
		ELSE 'hold expired: it lapses at the issuer, because the center cannot release a part' END
	FROM u
), t AS (
	INSERT INTO transactions (merchant_id, order_id, transaction, operation, original, kind, state, amount, exchange_id, transmitted_at, attempts)
	SELECT merchant_id, order_id, transactions, operations, payment_transaction, kind, 1, amount, exchange, $7, 0 FROM u WHERE kind IS NOT NULL
), w AS (
	INSERT INTO owed_exchanges (merchant_id, order_id, transaction, operation, original, center_id, kind, amount, exchange_id, created_at, transmitted_at, due_at)
	SELECT merchant_id, order_id, transactions, operations, payment_transaction, center, kind, amount, exchange, $7, $7, $7 FROM u WHERE kind IS NOT NULL
), p AS (
	INSERT INTO postings (merchant_id, source, source_id, seq, phase, line, rule, debit, credit, center_id, currency, amount, at, accounting_date)
	SELECT merchant_id, 1, order_id, operations, 0, 0, 3, 9019, 9010, center, currency, amount, $7, $8 FROM u
), n AS (
	INSERT INTO notifications (merchant_id, order_id, operation, sequence, created_at, due_at)
	SELECT merchant_id, order_id, operations, 1, $7, $7 FROM u WHERE merchant_id = ANY ($9::int[])
)
SELECT count(*) FROM u`

// ExpireDue gives up holds whose end has come, up to limit: a cancellation by the system, the release of the hold
// (PR-M3), the reversal owed to the center, and what merchants' servers are to be told, in one commit for all of them. It returns how many it found; the caller
// repeats until that is less than limit. Holds of a center that is not configured any more stay, and keep no other from
// expiring; the audit finds them (INV-17).
func (b *Books) ExpireDue(ctx context.Context, limit int) (int, error) {
	var configured []int16
	for _, c := range b.Directory.Centers() {
		configured = append(configured, c.ID)
	}
	due, err := collect[dueHold](ctx, b.Pool, dueHolds, b.now(), limit, configured)
	if err != nil || len(due) == 0 {
		return 0, err
	}
	columns, centers, err := b.expiryColumns(ctx, due)
	if err != nil {
		return 0, err
	}
	var expired int
	err = postgres.InTx(ctx, b.Pool, postgres.Key{Name: "expire holds"}, func(tx pgx.Tx) error {
		m, err := b.enter(ctx, tx, centers...)
		if err != nil {
			return err
		}
		return tx.QueryRow(ctx, expireHolds, append(columns, m.at, b.ledger.Date(m.at), b.toldCancellations())...).Scan(&expired)
	})
	if err != nil {
		return 0, fmt.Errorf("expire %d holds: %w", len(due), err)
	}
	b.ledger.Count(ledger.HoldReleased, expired)
	if expired > 0 {
		b.Wake()
	}
	return len(due), nil
}

func (b *Books) expiryColumns(ctx context.Context, due []dueHold) (columns []any, centers []int16, err error) {
	n := len(due)
	at, merchant, id := make([]time.Time, n), make([]int32, n), make([]int64, n)
	exchange, partial := make([]int64, n), make([]bool, n)
	centers = make([]int16, n)
	for i, h := range due {
		at[i], merchant[i], id[i], centers[i] = h.ExpiresAt, h.Merchant, h.Order, h.Center
		if exchange[i], err = b.exchangeID(ctx, adviceExchange); err != nil {
			return nil, nil, err
		}
		c, ok := b.Directory.Center(h.Center)
		if !ok {
			return nil, nil, fmt.Errorf("%w: center %d of an open hold is not configured", ErrDirectory, h.Center)
		}
		some := order.Amounts{Authorized: 2, Confirmed: 1}
		partial[i] = order.PlanExpiry(some, c.Capabilities) == order.ReleasePartial
	}
	return []any{at, merchant, id, centers, exchange, partial}, centers, nil
}
