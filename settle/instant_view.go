package settle

import (
	"context"
	"fmt"

	"settled/internal/money"
	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

const instantColumns = `merchant_id, order_id, operation, center_id, state, amount, currency, rate, registered_at, expires_at, poll_at, polls,
	bank_id, payload, bank_operation, paid_at, late, last_error`

func scanInstant(row pgx.CollectableRow) (*InstantPayment, error) {
	var p InstantPayment
	var currency int16
	err := row.Scan(&p.Merchant, &p.Order, &p.Operation, &p.Center, &p.State, &p.Amount.Minor, &currency, &p.Rate, &p.RegisteredAt,
		&p.ExpiresAt, &p.PollAt, &p.Polls, &p.BankID, &p.Payload, &p.BankOperation, &p.PaidAt, &p.Late, &p.LastError)
	p.Amount.Currency = money.Currency(currency)
	return &p, err
}

func instants(ctx context.Context, q postgres.Querier, sql string, args ...any) ([]*InstantPayment, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read instant payments: %w", err)
	}
	found, err := pgx.CollectRows(rows, scanInstant)
	if err != nil {
		return nil, fmt.Errorf("read instant payments: %w", err)
	}
	return found, nil
}

const instantOf = `SELECT ` + instantColumns + ` FROM instant_payments WHERE merchant_id = $1 AND order_id = $2 AND operation = $3`

// instantOf is the instant payment of an operation, or nil. The order's lock keeps it.
func (w *work) instantOf(ctx context.Context, operation int16) (*InstantPayment, error) {
	found, err := instants(ctx, w.tx, instantOf, w.order.Merchant, w.order.ID, operation)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// Instant returns the instant payment of an order's last payment operation, or nil when that is none.
func (b *Books) Instant(ctx context.Context, o *Order) (*InstantPayment, error) {
	found, err := instants(ctx, b.Pool, instantOf, o.Merchant, o.ID, o.PaymentNumber)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

var claimInstants = spelled(`
UPDATE instant_payments i SET polls = polls + 1,
	poll_at = $1::timestamptz + CASE WHEN state = @InstantExpired AND expires_at <= $1 - interval '1 day' THEN NULL WHEN state = @InstantExpired AND expires_at <= $1 - interval '1 hour'
		THEN interval '1 hour' WHEN polls < 60 AND state <> @InstantExpired THEN interval '5 s' WHEN $1 < expires_at THEN interval '30 s' ELSE interval '5 min' END
FROM (SELECT merchant_id AS m, order_id AS o, operation AS n FROM instant_payments WHERE poll_at <= $1 ORDER BY poll_at, order_id LIMIT $2) d
WHERE (i.merchant_id, i.order_id, i.operation) = (d.m, d.o, d.n) AND i.poll_at <= $1
RETURNING `)

// InstantDue claims up to limit instant payments of which the bank is to be asked now, and plans the next question: every 5
// s at first, every 30 s until the end, every 5 min after it. One that the bank called expired is asked about every hour
// after an hour, and no more after a day: money that was on its way may still arrive.
func (b *Books) InstantDue(ctx context.Context, limit int) ([]*InstantPayment, error) {
	return instants(ctx, b.Pool, claimInstants+instantColumns, b.Now(), limit)
}
