package wish

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"settled/internal/postgres"
	"settled/internal/vault"
	"settled/settle/breaks"
	"settled/settle/credential"
	"settled/settle/order"
	"settled/settle/stored"
	"settled/settle/subscription"

	"github.com/jackc/pgx/v5"
)

// Wishes that could not be done with the approval are tried again every minute at first, then every hour. After tries a
// person is told, and a subscription whose payer's bank gave no consent by then is canceled.
const (
	quick = 5
	tries = 28
)

const insert = `
INSERT INTO wishes (merchant_id, order_id, kind, operation, wished_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (merchant_id, order_id, kind) DO UPDATE SET operation = excluded.operation`

// Note writes what is to follow the approval of an order's payment operation; operation 0 is whichever pays the order.
func Note(ctx context.Context, tx pgx.Tx, merchant int32, id int64, kind Kind, operation int16, at time.Time) error {
	if _, err := tx.Exec(ctx, insert, merchant, id, kind, operation, at); err != nil {
		return fmt.Errorf("note the wish to %s with order %d: %w", kind, id, err)
	}
	return nil
}

// words are the typed constants that the statements name.
var words = stored.Words{"OrderPaid": order.Paid}

var selectGranted = words.In(`
SELECT o.merchant_id, o.order_id, w.kind, o.means, coalesce(o.customer, '') AS customer, o.card, o.card_mask, o.card_expiry, t.network_id,
	coalesce(p.completed_at, o.created_at) AS completed_at, w.due_at IS NOT NULL AS due
FROM unnest($1::int[], $2::bigint[]) AS a (merchant, id)
	JOIN wishes w ON w.merchant_id = a.merchant AND w.order_id = a.id
	JOIN orders o ON o.merchant_id = a.merchant AND o.order_id = a.id
	JOIN transactions t ON t.merchant_id = a.merchant AND t.order_id = a.id AND t.transaction = o.payment_transaction
	JOIN operations p ON p.merchant_id = a.merchant AND p.order_id = a.id AND p.operation = o.payment
WHERE o.status = @OrderPaid AND w.operation IN (0, o.payment)
ORDER BY o.merchant_id, o.order_id, w.kind FOR UPDATE OF w`)

// Fulfil does what the buyers of approved orders asked for, in the transaction that learned of the approvals. The row of a wish
// that is done is deleted; it is the lock that lets one transaction do it. A wish that cannot be done now stays and becomes due: the payment stands without it.
func (f *Fulfiller) Fulfil(ctx context.Context, tx pgx.Tx, at time.Time, approvals []Approval) error {
	if len(approvals) == 0 {
		return nil
	}
	var merchants []int32
	var ids []int64
	consents := map[int64]string{}
	for _, a := range approvals {
		merchants, ids = append(merchants, a.Merchant), append(ids, a.Order)
		consents[a.Order] = a.Consent
	}
	wishes, err := postgres.Collect[granted](ctx, tx, selectGranted, merchants, ids)
	if err != nil {
		return err
	}
	for _, g := range wishes {
		if err := f.grant(ctx, tx, at, g, consents[g.Order]); err != nil {
			return err
		}
	}
	return Drop(ctx, tx, merchants, ids)
}

// Drop forgets that cards were to be kept of payments that did not pay their orders.
func Drop(ctx context.Context, tx pgx.Tx, merchants []int32, ids []int64) error {
	_, err := tx.Exec(ctx, `DELETE FROM wishes w USING unnest($1::int[], $2::bigint[]) AS a (merchant, id)
		WHERE w.merchant_id = a.merchant AND w.order_id = a.id AND w.kind = $3 AND w.due_at IS NULL`, merchants, ids, Keep)
	if err != nil {
		return fmt.Errorf("forget wishes of ended payments: %w", err)
	}
	return nil
}

func (f *Fulfiller) grant(ctx context.Context, tx pgx.Tx, at time.Time, g granted, consent string) error {
	c, err := f.credentialOf(g, consent)
	switch {
	case errors.Is(err, errNoConsent) && g.Kind == Keep:
		return end(ctx, tx, g)
	case err != nil && !g.Due:
		return f.postpone(ctx, tx, at, g, err)
	case err != nil:
		return nil
	}
	kept, err := credential.Put(ctx, tx, c)
	switch {
	case errors.Is(err, credential.ErrGeneration) && !g.Due:
		return f.postpone(ctx, tx, at, g, err)
	case errors.Is(err, credential.ErrGeneration):
		return nil
	case err != nil:
		return err
	}
	if g.Kind == Subscribe {
		if err := subscription.Activate(ctx, tx, g.Merchant, g.Order, kept.ID, g.CompletedAt, f.now()); err != nil {
			return err
		}
	}
	return end(ctx, tx, g)
}

func end(ctx context.Context, tx pgx.Tx, g granted) error {
	_, err := tx.Exec(ctx, `DELETE FROM wishes WHERE merchant_id = $1 AND order_id = $2 AND kind = $3`, g.Merchant, g.Order, g.Kind)
	if err != nil {
		return fmt.Errorf("end the wish to %s with order %d: %w", g.Kind, g.Order, err)
	}
	return nil
}

// postpone makes a wish due that could not be done with the approval.
func (f *Fulfiller) postpone(ctx context.Context, tx pgx.Tx, at time.Time, g granted, cause error) error {
	f.log.WarnContext(ctx, "wish of a paid order not done yet; it is tried again", slog.Int64("order", g.Order), slog.String("wish", g.Kind.String()), slog.Any("error", cause))
	_, err := tx.Exec(ctx, `UPDATE wishes SET due_at = $4, last_error = $5 WHERE merchant_id = $1 AND order_id = $2 AND kind = $3`,
		g.Merchant, g.Order, g.Kind, at, vault.Words(cause.Error()))
	if err != nil {
		return fmt.Errorf("postpone the wish to %s with order %d: %w", g.Kind, g.Order, err)
	}
	return nil
}

const claim = `
UPDATE wishes w SET attempts = w.attempts + 1, due_at = $1::timestamptz + CASE WHEN w.attempts < $3 THEN interval '1 min' ELSE interval '1 hour' END
FROM orders o
WHERE (w.merchant_id, w.order_id, w.kind) IN (SELECT merchant_id, order_id, kind FROM wishes WHERE due_at <= $1 ORDER BY due_at, order_id LIMIT $2)
	AND w.due_at <= $1 AND o.merchant_id = w.merchant_id AND o.order_id = w.order_id
RETURNING w.merchant_id, w.order_id, w.kind, o.means, w.attempts`

// Due claims up to limit wishes that are to be tried again now, and plans their next try. Those of cards are for
// Retry; those of consents for whoever asks the partner bank.
func (f *Fulfiller) Due(ctx context.Context, limit int) ([]Due, error) {
	return postgres.Collect[Due](ctx, f.pool, claim, f.now(), limit, quick)
}

// Retry tries a due wish again. One that cannot be done still is noted as Failed does.
func (f *Fulfiller) Retry(ctx context.Context, d Due) error {
	err := postgres.InTx(ctx, f.pool, key("fulfil", d), func(tx pgx.Tx) error {
		return f.Fulfil(ctx, tx, f.now(), []Approval{{d.Merchant, d.Order, ""}})
	})
	if err != nil {
		return fmt.Errorf("fulfil the wish to %s with order %d: %w", d.Kind, d.Order, err)
	}
	return f.Failed(ctx, d, "it still cannot be done; the log says why")
}

// Failed notes why a due wish is not done, if it is not. After a day it opens break [breaks.WishUndone] for a person; a subscription whose
// payer's bank gave no consent is then canceled, because nothing can be charged for it.
func (f *Fulfiller) Failed(ctx context.Context, d Due, why string) error {
	err := postgres.InTx(ctx, f.pool, key("wish failed", d), func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE wishes SET last_error = $4 WHERE merchant_id = $1 AND order_id = $2 AND kind = $3`, d.Merchant, d.Order, d.Kind, vault.Words(why))
		if err != nil || tag.RowsAffected() == 0 || d.Attempts < tries {
			return err
		}
		return f.leave(ctx, tx, d, why)
	})
	if err != nil {
		return fmt.Errorf("note the wish to %s with order %d: %w", d.Kind, d.Order, err)
	}
	return nil
}

const undone = `
SELECT format('wish/%s/%s/%s', o.merchant_id, o.order_id, $4::smallint) AS fingerprint, o.center_id, o.merchant_id, o.order_id AS order_ref,
	o.amount, o.currency, $5::text AS note
FROM orders o WHERE merchant_id = $2 AND order_id = $3`

func (f *Fulfiller) leave(ctx context.Context, tx pgx.Tx, d Due, why string) error {
	note := fmt.Sprintf("the payment is approved, but the wish to %s could not be done for a day: %s", d.Kind, why)
	if _, err := breaks.OpenEach(ctx, tx, breaks.WishUndone, f.now(), undone, d.Merchant, d.Order, d.Kind, note); err != nil {
		return err
	}
	if d.Means != order.MeansInstant {
		return nil
	}
	if err := end(ctx, tx, granted{Merchant: d.Merchant, Order: d.Order, Kind: d.Kind}); err != nil {
		return err
	}
	return subscription.Abandon(ctx, tx, d.Merchant, d.Order)
}

// key names a transaction on a wish, for the commit rule.
func key(what string, d Due) postgres.Key {
	return postgres.Key{Name: fmt.Sprintf("%s %d/%d", what, d.Merchant, d.Order)}
}
