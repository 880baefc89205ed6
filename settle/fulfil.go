package settle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"settled/internal/postgres"
	"settled/internal/vault"
	"settled/settle/breaks"
	"settled/settle/order"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Wishes that could not be done with the approval are tried again every minute at first, then every hour. After wishTries a
// person is told, and a subscription whose payer's bank gave no consent by then is canceled.
const (
	wishQuick = 5
	wishTries = 28
)

const insertWish = `
INSERT INTO wishes (merchant_id, order_id, kind, operation, wished_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (merchant_id, order_id, kind) DO UPDATE SET operation = excluded.operation`

// wish writes what is to follow the approval of an order's payment operation; operation 0 is whichever pays the order.
func (b *Books) wish(ctx context.Context, tx pgx.Tx, merchant int32, id int64, kind WishKind, operation int16) error {
	if _, err := tx.Exec(ctx, insertWish, merchant, id, kind, operation, b.Now()); err != nil {
		return fmt.Errorf("note the wish to %s with order %d: %w", kind, id, err)
	}
	return nil
}

var grantedWishes = spelled(`
SELECT o.merchant_id, o.order_id, w.kind, o.means, coalesce(o.customer, '') AS customer, o.card, o.card_mask, o.card_expiry, t.network_id,
	coalesce(p.completed_at, o.created_at) AS completed_at, w.due_at IS NOT NULL AS due
FROM unnest($1::int[], $2::bigint[]) AS a (merchant, id)
	JOIN wishes w ON w.merchant_id = a.merchant AND w.order_id = a.id
	JOIN orders o ON o.merchant_id = a.merchant AND o.order_id = a.id
	JOIN transactions t ON t.merchant_id = a.merchant AND t.order_id = a.id AND t.transaction = o.payment_transaction
	JOIN operations p ON p.merchant_id = a.merchant AND p.order_id = a.id AND p.operation = o.payment
WHERE o.status = @OrderPaid AND w.operation IN (0, o.payment)
ORDER BY o.merchant_id, o.order_id, w.kind FOR UPDATE OF w`)

// fulfil does what the buyers of approved orders asked for. The row of a wish that is done is deleted; it is the lock that
// lets one transaction do it. A wish that cannot be done now stays and becomes due: the payment stands without it.
func (b *Books) fulfil(ctx context.Context, tx pgx.Tx, at time.Time, approvals []approval) error {
	if len(approvals) == 0 {
		return nil
	}
	var merchants []int32
	var ids []int64
	consents := map[int64]string{}
	for _, a := range approvals {
		merchants, ids = append(merchants, a.merchant), append(ids, a.order)
		consents[a.order] = a.consent
	}
	wishes, err := postgres.Collect[granted](ctx, tx, grantedWishes, merchants, ids)
	if err != nil {
		return err
	}
	for _, g := range wishes {
		if err := b.grant(ctx, tx, at, g, consents[g.Order]); err != nil {
			return err
		}
	}
	return b.dropWishes(ctx, tx, merchants, ids)
}

// dropWishes forgets that cards were to be kept of payments that did not pay their orders.
func (b *Books) dropWishes(ctx context.Context, tx pgx.Tx, merchants []int32, ids []int64) error {
	_, err := tx.Exec(ctx, `DELETE FROM wishes w USING unnest($1::int[], $2::bigint[]) AS a (merchant, id)
		WHERE w.merchant_id = a.merchant AND w.order_id = a.id AND w.kind = $3 AND w.due_at IS NULL`, merchants, ids, WishKeep)
	if err != nil {
		return fmt.Errorf("forget wishes of ended payments: %w", err)
	}
	return nil
}

func (b *Books) grant(ctx context.Context, tx pgx.Tx, at time.Time, g granted, consent string) error {
	c, err := b.credentialFor(g, consent)
	switch {
	case errors.Is(err, errNoConsent) && g.Kind == WishKeep:
		return b.endWish(ctx, tx, g)
	case err != nil && !g.Due:
		return b.postpone(ctx, tx, at, g, err)
	case err != nil:
		return nil
	}
	stored, err := b.putCredential(ctx, tx, c)
	if err != nil {
		return err
	}
	if g.Kind == WishSubscribe {
		if err := b.activate(ctx, tx, g, stored.ID); err != nil {
			return err
		}
	}
	return b.endWish(ctx, tx, g)
}

func (b *Books) endWish(ctx context.Context, tx pgx.Tx, g granted) error {
	_, err := tx.Exec(ctx, `DELETE FROM wishes WHERE merchant_id = $1 AND order_id = $2 AND kind = $3`, g.Merchant, g.Order, g.Kind)
	if err != nil {
		return fmt.Errorf("end the wish to %s with order %d: %w", g.Kind, g.Order, err)
	}
	return nil
}

// postpone makes a wish due that could not be done with the approval.
func (b *Books) postpone(ctx context.Context, tx pgx.Tx, at time.Time, g granted, cause error) error {
	b.Log.WarnContext(ctx, "wish of a paid order not done yet; it is tried again", slog.Int64("order", g.Order), slog.String("wish", g.Kind.String()), slog.Any("error", cause))
	_, err := tx.Exec(ctx, `UPDATE wishes SET due_at = $4, last_error = $5 WHERE merchant_id = $1 AND order_id = $2 AND kind = $3`,
		g.Merchant, g.Order, g.Kind, at, vault.Words(cause.Error()))
	if err != nil {
		return fmt.Errorf("postpone the wish to %s with order %d: %w", g.Kind, g.Order, err)
	}
	return nil
}

var activateSubscription = spelled(`
UPDATE subscriptions SET state = @SubscriptionActive, credential_id = $3, last_paid_at = $4, started_at = $4 WHERE merchant_id = $1 AND order_id = $2 AND state = @SubscriptionCreated`)

// activate makes the subscription of a paid order ready for later payments. One that was canceled meanwhile stays so, and
// keeps nothing.
func (b *Books) activate(ctx context.Context, tx pgx.Tx, g granted, id uuid.UUID) error {
	tag, err := tx.Exec(ctx, activateSubscription, g.Merchant, g.Order, id, g.CompletedAt)
	if err == nil && tag.RowsAffected() == 0 {
		_, err = tx.Exec(ctx, forget, g.Merchant, subscriber(g.Order), id, b.Now())
	}
	if err != nil {
		return fmt.Errorf("activate subscription %d: %w", g.Order, err)
	}
	return nil
}

const claimWishes = `
UPDATE wishes w SET attempts = w.attempts + 1, due_at = $1::timestamptz + CASE WHEN w.attempts < $3 THEN interval '1 min' ELSE interval '1 hour' END
FROM orders o
WHERE (w.merchant_id, w.order_id, w.kind) IN (SELECT merchant_id, order_id, kind FROM wishes WHERE due_at <= $1 ORDER BY due_at, order_id LIMIT $2)
	AND w.due_at <= $1 AND o.merchant_id = w.merchant_id AND o.order_id = w.order_id
RETURNING w.merchant_id, w.order_id, w.kind, o.means, w.attempts`

// WishesDue claims up to limit wishes that are to be tried again now, and plans their next try. Those of cards are for
// Fulfil; those of consents for whoever asks the partner bank.
func (b *Books) WishesDue(ctx context.Context, limit int) ([]DueWish, error) {
	return postgres.Collect[DueWish](ctx, b.Pool, claimWishes, b.Now(), limit, wishQuick)
}

// Fulfil tries a due wish again. One that cannot be done still is noted as WishFailed does.
func (b *Books) Fulfil(ctx context.Context, d DueWish) error {
	err := postgres.InTx(ctx, b.Pool, b.key("fulfil", d.Merchant, d.Order), func(tx pgx.Tx) error {
		return b.fulfil(ctx, tx, b.Now(), []approval{{d.Merchant, d.Order, ""}})
	})
	if err != nil {
		return fmt.Errorf("fulfil the wish to %s with order %d: %w", d.Kind, d.Order, err)
	}
	return b.WishFailed(ctx, d, "it still cannot be done; the log says why")
}

// WishFailed notes why a due wish is not done, if it is not. After a day it opens break [breaks.WishUndone] for a person; a subscription whose
// payer's bank gave no consent is then canceled, because nothing can be charged for it.
func (b *Books) WishFailed(ctx context.Context, d DueWish, why string) error {
	err := postgres.InTx(ctx, b.Pool, b.key("wish failed", d.Merchant, d.Order), func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE wishes SET last_error = $4 WHERE merchant_id = $1 AND order_id = $2 AND kind = $3`, d.Merchant, d.Order, d.Kind, vault.Words(why))
		if err != nil || tag.RowsAffected() == 0 || d.Attempts < wishTries {
			return err
		}
		return b.leaveWish(ctx, tx, d, why)
	})
	if err != nil {
		return fmt.Errorf("note the wish to %s with order %d: %w", d.Kind, d.Order, err)
	}
	return nil
}

const wishWithoutEnd = `
SELECT format('wish/%s/%s/%s', o.merchant_id, o.order_id, $4::smallint) AS fingerprint, o.center_id, o.merchant_id, o.order_id AS order_ref,
	o.amount, o.currency, $5::text AS note
FROM orders o WHERE merchant_id = $2 AND order_id = $3`

func (b *Books) leaveWish(ctx context.Context, tx pgx.Tx, d DueWish, why string) error {
	note := fmt.Sprintf("the payment is approved, but the wish to %s could not be done for a day: %s", d.Kind, why)
	if _, err := breaks.OpenEach(ctx, tx, breaks.WishUndone, b.Now(), wishWithoutEnd, d.Merchant, d.Order, d.Kind, note); err != nil {
		return err
	}
	if d.Means != order.MeansInstant {
		return nil
	}
	if err := b.endWish(ctx, tx, granted{Merchant: d.Merchant, Order: d.Order, Kind: d.Kind}); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE subscriptions SET state = $3 WHERE merchant_id = $1 AND order_id = $2 AND state = $4`, d.Merchant, d.Order,
		SubscriptionCanceled, SubscriptionCreated)
	return err
}
