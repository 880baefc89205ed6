package settle

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"settled/internal/postgres"
	"settled/settle/ledger"
	"settled/settle/order"

	"github.com/jackc/pgx/v5"
)

// dueHold is a hold whose end has come, as the queue has it.
type dueHold struct {
	ExpiresAt time.Time
	Merchant  int32 `db:"merchant_id"`
	Order     int64 `db:"order_id"`
	Center    int16 `db:"center_id"`
}

const dueHolds = `
SELECT expires_at, merchant_id, order_id, center_id FROM open_holds
WHERE expires_at <= $1 AND center_id = ANY ($3) AND (expires_at, merchant_id, order_id) > ($4, $5, $6)
ORDER BY expires_at, merchant_id, order_id LIMIT $2`

var dueColumns = postgres.Columns[dueHold]{
	postgres.ColumnOf("expires_at", "timestamptz", func(h dueHold) time.Time { return h.ExpiresAt }),
	postgres.ColumnOf("merchant", "int", func(h dueHold) int32 { return h.Merchant }),
	postgres.ColumnOf("id", "bigint", func(h dueHold) int64 { return h.Order }),
	postgres.ColumnOf("center", "smallint", func(h dueHold) int16 { return h.Center }),
}

// heldOrder is an order under its lock whose hold is due.
type heldOrder struct {
	dueHold
	Status             order.Status
	Authorized         int64
	Confirmed          int64
	ReleasedCancel     int64
	ReleasedDeposit    int64
	ReleasedExpiry     int64
	Refunded           int64
	RefundPending      int64
	Currency           int16
	Operations         int16
	Transactions       int16
	PaymentTransaction int16
}

func (h *heldOrder) amounts() order.Amounts {
	return order.Amounts{Authorized: h.Authorized, Confirmed: h.Confirmed, ReleasedCancel: h.ReleasedCancel, ReleasedDeposit: h.ReleasedDeposit,
		ReleasedExpiry: h.ReleasedExpiry, Refunded: h.Refunded, RefundPending: h.RefundPending}
}

// lockHeld locks the orders of due holds, in the order of their numbers. One that a confirmation or cancel has changed at the same
// instant has no such hold any more and is left out.
var lockHeld = `
SELECT c.expires_at, o.merchant_id, o.order_id, c.center AS center_id, o.status, o.authorized, o.confirmed, o.released_cancel, o.released_deposit,
	o.released_expiry, o.refunded, o.refund_pending, o.currency, o.operations, o.transactions, o.payment_transaction
FROM ` + dueColumns.Unnest("c", 1) + ` JOIN orders o ON o.merchant_id = c.merchant AND o.order_id = c.id AND o.hold_expires_at = c.expires_at
ORDER BY o.merchant_id, o.order_id FOR NO KEY UPDATE OF o`

// expiry is what the end of a hold does to its order.
type expiry struct {
	heldOrder
	Amount   int64 // of the hold
	Kind     *Kind // of the message that releases it at the center; nil: it lapses there
	Exchange int64 // of that message
	Note     string
	Tell     bool // the merchant's server is told
}

var expiryColumns = postgres.Columns[*expiry]{
	postgres.ColumnOf("expires_at", "timestamptz", func(e *expiry) time.Time { return e.ExpiresAt }),
	postgres.ColumnOf("merchant", "int", func(e *expiry) int32 { return e.Merchant }),
	postgres.ColumnOf("id", "bigint", func(e *expiry) int64 { return e.Order }),
	postgres.ColumnOf("center", "smallint", func(e *expiry) int16 { return e.Center }),
	postgres.ColumnOf("currency", "smallint", func(e *expiry) int16 { return e.Currency }),
	postgres.ColumnOf("amount", "bigint", func(e *expiry) int64 { return e.Amount }),
	postgres.ColumnOf("released", "bigint", func(e *expiry) int64 { return e.ReleasedExpiry }),
	postgres.ColumnOf("operation", "smallint", func(e *expiry) int16 { return e.Operations }),
	postgres.ColumnOf("transaction", "smallint", func(e *expiry) int16 { return e.Transactions }),
	postgres.ColumnOf("original", "smallint", func(e *expiry) int16 { return e.PaymentTransaction }),
	postgres.ColumnOf("kind", "smallint", func(e *expiry) *Kind { return e.Kind }),
	postgres.ColumnOf("exchange", "bigint", func(e *expiry) int64 { return e.Exchange }),
	postgres.ColumnOf("note", "text", func(e *expiry) string { return e.Note }),
	postgres.ColumnOf("tell", "boolean", func(e *expiry) bool { return e.Tell }),
}

// expireHolds writes the expiries of a group, whose orders are locked.
var expireHolds = expiryColumns.Statement(`
WITH c AS (
	SELECT * FROM `+expiryColumns.Unnest("c", 1)+`
), u AS (
	UPDATE orders o SET released_expiry = c.released, hold_expires_at = NULL, operations = c.operation, transactions = c.transaction
	FROM c WHERE o.merchant_id = c.merchant AND o.order_id = c.id
), d AS (
	DELETE FROM open_holds h USING c WHERE h.expires_at = c.expires_at AND h.merchant_id = c.merchant AND h.order_id = c.id
), op AS (
	INSERT INTO operations (merchant_id, order_id, operation, kind, state, actor, reason, amount, response, requested_at, completed_at, note)
	SELECT merchant, id, operation, @kind, @done, @actor, @reason, amount, @response, @at, @at, note FROM c
), t AS (
	INSERT INTO transactions (merchant_id, order_id, transaction, operation, original, kind, state, amount, exchange_id, transmitted_at, attempts)
	SELECT merchant, id, transaction, operation, original, kind, @sent, amount, exchange, @at, 0 FROM c WHERE kind IS NOT NULL
), w AS (
	INSERT INTO owed_exchanges (merchant_id, order_id, transaction, operation, original, center_id, kind, amount, exchange_id, created_at, transmitted_at, due_at)
	SELECT merchant, id, transaction, operation, original, center, kind, amount, exchange, @at, @at, @at FROM c WHERE kind IS NOT NULL
), p AS (
	INSERT INTO postings (merchant_id, source, source_id, seq, phase, line, rule, debit, credit, center_id, currency, amount, at, accounting_date)
	SELECT merchant, @source, id, operation, @phase, 0, @rule, @debit, @credit, center, currency, amount, @at, @day FROM c
)
INSERT INTO notifications (merchant_id, order_id, operation, sequence, created_at, due_at)
SELECT merchant, id, operation, 1, @at, @at FROM c WHERE tell`,
	"at timestamptz", "day date", "kind smallint", "done smallint", "actor smallint", "reason smallint", "response text", "sent smallint",
	"source smallint", "phase smallint", "rule smallint", "debit smallint", "credit smallint")

// ExpireDue gives up holds whose end has come, up to limit: a cancellation by the system, the release of the hold
// (PR-M3), the reversal owed to the center, and what merchants' servers are to be told, in one commit for all of them. It returns how many it found; the caller
// repeats until that is less than limit. Holds of a center that is not configured any more stay, and keep no other from
// expiring, and so do those of orders whose state has no such step: both are logged or seen by the audit (INV-17).
func (b *Books) ExpireDue(ctx context.Context, limit int) (int, error) {
	var configured []int16
	for _, c := range b.Directory.Centers() {
		configured = append(configured, c.ID)
	}
	for last := (dueHold{}); ; {
		due, err := postgres.Collect[dueHold](ctx, b.Pool, dueHolds, b.Now(), limit, configured, last.ExpiresAt, last.Merchant, last.Order)
		if err != nil || len(due) == 0 {
			return 0, err
		}
		refused, err := b.expire(ctx, due)
		if err != nil {
			return 0, fmt.Errorf("expire %d holds: %w", len(due), err)
		}
		if refused < len(due) || len(due) < limit {
			return len(due), nil
		}
		last = due[len(due)-1] // all of these stay: those behind them are looked at
	}
}

// expire gives up due holds in one transaction, and returns how many it refused to.
func (b *Books) expire(ctx context.Context, due []dueHold) (refused int, err error) {
	centers := make([]int16, len(due))
	for i, h := range due {
		centers[i] = h.Center
	}
	var all []*expiry
	err = postgres.InTx(ctx, b.Pool, postgres.Key{Name: "expire holds"}, func(tx pgx.Tx) error {
		m, err := b.enter(ctx, tx, centers...)
		if err != nil {
			return err
		}
		if all, refused, err = b.expiries(ctx, tx, due); err != nil || len(all) == 0 {
			return err
		}
		spec := ledger.HoldReleased.Spec()
		_, err = tx.Exec(ctx, expireHolds, expiryColumns.Args(all, m.at, b.ledger.Date(m.at), OperationCancellation, OperationDone, BySystem, ReasonExpiry,
			responseDone, TransactionSent, ledger.FromOrder, ledger.PhaseDone, spec.Rule, spec.Debit, spec.Credit)...)
		return err
	})
	if err != nil {
		return 0, err
	}
	b.ledger.Count(ledger.HoldReleased, len(all))
	if len(all) > 0 {
		b.Wake()
	}
	return refused, nil
}

// expiries locks the orders of due holds and decides what becomes of each. An order whose step is not listed is refused: its hold
// stays, and stops no other.
func (b *Books) expiries(ctx context.Context, tx pgx.Tx, due []dueHold) (all []*expiry, refused int, err error) {
	held, err := postgres.Collect[heldOrder](ctx, tx, lockHeld, dueColumns.Args(due)...)
	if err != nil {
		return nil, 0, err
	}
	for _, h := range held {
		e, err := b.expiryOf(h)
		if err != nil {
			refused++
			b.Log.ErrorContext(ctx, "hold cannot expire", slog.Int64("order", h.Order), slog.Any("error", err))
			continue
		}
		if e.Kind != nil {
			if e.Exchange, err = b.exchangeID(ctx, adviceExchange); err != nil {
				return nil, 0, err
			}
		}
		all = append(all, e)
	}
	return all, refused, b.forgetHolds(ctx, tx, due, held)
}

// expiryOf decides what the end of an order's hold does. The error tells that the order's state has no such step.
func (b *Books) expiryOf(h heldOrder) (*expiry, error) {
	center, ok := b.Directory.Center(h.Center)
	if !ok {
		return nil, fmt.Errorf("%w: center %d of an open hold is not configured", ErrDirectory, h.Center)
	}
	before := h.amounts()
	e := &expiry{heldOrder: h, Amount: before.Hold(), Tell: b.tellsOfCancellations(h.Merchant)}
	after := before
	after.ReleasedExpiry += e.Amount
	if err := after.Valid(); err != nil {
		return nil, err
	}
	if err := order.Check(order.TriggerExpire, order.StateOf(h.Status, before), order.StateOf(h.Status, after)); err != nil {
		return nil, err
	}
	e.ReleasedExpiry = after.ReleasedExpiry
	e.Operations++
	e.Kind, e.Note = expiryMessage(order.PlanExpiry(before, center.Capabilities))
	if e.Kind != nil {
		e.Transactions++
	}
	return e, nil
}

// expiryMessage is the message that gives a hold up at its center, nil for none, and the note that says so.
func expiryMessage(r order.Release) (*Kind, string) {
	whole, part := Reversal, PartialReversal
	switch r {
	case order.ReleaseReversal:
		return &whole, "hold expired: reversal of the authorization"
	case order.ReleasePartial:
		return &part, "hold expired: partial reversal of what was not confirmed"
	default:
		return nil, "hold expired: it lapses at the issuer, because the center cannot release a part"
	}
}

// forgetHolds takes holds out of the queue that their orders do not have any more.
func (b *Books) forgetHolds(ctx context.Context, tx pgx.Tx, due []dueHold, held []heldOrder) error {
	if len(held) == len(due) {
		return nil
	}
	has := func(h dueHold) bool {
		return slices.ContainsFunc(held, func(o heldOrder) bool {
			return o.Merchant == h.Merchant && o.Order == h.Order && o.ExpiresAt.Equal(h.ExpiresAt)
		})
	}
	gone := slices.DeleteFunc(slices.Clone(due), has)
	_, err := tx.Exec(ctx, `DELETE FROM open_holds h USING `+dueColumns.Unnest("c", 1)+
		` WHERE h.expires_at = c.expires_at AND h.merchant_id = c.merchant AND h.order_id = c.id`, dueColumns.Args(gone)...)
	return err
}
