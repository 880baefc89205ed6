package settle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"settled/internal/postgres"
	"settled/settle/order"

	"github.com/jackc/pgx/v5"
)

const centerOfOrder = `SELECT center_id FROM orders WHERE merchant_id = $1 AND order_id = $2`

// change runs fn on the locked order and commits what it did. When fn sets a trigger, the step from the state before to
// the state after must be a listed transition. fn may run more than once.
func (b *Books) change(ctx context.Context, what string, merchant int32, id int64, fn func(*work) error) (*Order, error) {
	return b.changeAfter(ctx, what, merchant, id, func(pgx.Tx) error { return nil }, fn)
}

// changeAfter is change with a first statement that runs under the center's lock, before the order is locked.
func (b *Books) changeAfter(ctx context.Context, what string, merchant int32, id int64, first func(pgx.Tx) error, fn func(*work) error) (*Order, error) {
	for {
		w, err := b.tryChange(ctx, what, merchant, id, first, fn)
		switch {
		case errors.Is(err, errMoved):
			continue
		case err != nil:
			return nil, err
		case w.wake:
			b.Wake()
		}
		return w.order, nil
	}
}

// errMoved tells that the order went to another center before it was locked: an open order whose buyer chose other means.
var errMoved = errors.New("settle: order moved to another center")

func (b *Books) tryChange(ctx context.Context, what string, merchant int32, id int64, first func(pgx.Tx) error, fn func(*work) error) (*work, error) {
	var center int16
	err := b.Pool.QueryRow(ctx, centerOfOrder, merchant, id).Scan(&center)
	if isNotFound(err) {
		return nil, fmt.Errorf("%w: %d of merchant %d", ErrNotFound, id, merchant)
	}
	if err != nil {
		return nil, fmt.Errorf("%s %d: %w", what, id, err)
	}
	var w *work
	err = postgres.InTx(ctx, b.Pool, b.key(what, merchant, id), func(tx pgx.Tx) error {
		if w, err = b.lockOrder(ctx, tx, center, merchant, id, first); err != nil {
			return err
		}
		if err := fn(w); err != nil {
			return err
		}
		return w.save(ctx)
	})
	return w, err
}

func (b *Books) lockOrder(ctx context.Context, tx pgx.Tx, center int16, merchant int32, id int64, first func(pgx.Tx) error) (*work, error) {
	w := &work{books: b, tx: tx}
	var err error
	if w.moment, err = b.enter(ctx, tx, center); err != nil {
		return nil, err
	}
	if err = first(tx); err != nil {
		return nil, fmt.Errorf("lock order %d: %w", id, err)
	}
	if w.order, err = readWhole(ctx, tx, orderForWrite, merchant, id); err != nil {
		return nil, err
	}
	if w.order.Center != center {
		return nil, errMoved
	}
	m, ok := b.Directory.Merchant(merchant)
	if !ok || m.Serves(center, w.order.Amount.Currency) == nil {
		return nil, fmt.Errorf("%w: merchant %d never had a contract with center %d", ErrDirectory, merchant, center)
	}
	w.merchant, w.route = m, m.Serves(center, w.order.Amount.Currency)
	w.center = w.route.Center
	w.before, w.paid = w.order.State(), w.order.Status == order.Paid
	w.told, w.found = m.Notify, w.order.operationStates()
	return w, nil
}

const updateOrder = `
UPDATE orders SET status = $3, authorized = $4, confirmed = $5, released_cancel = $6, released_deposit = $7, released_expiry = $8,
	refunded = $9, refund_pending = $10, hold_expires_at = $11, operations = $12, transactions = $13
WHERE merchant_id = $1 AND order_id = $2`

// save writes the order's row, the postings and what the merchant's server is to be told, and leaves the hold queue when
// nothing is held any more.
func (w *work) save(ctx context.Context) error {
	o := w.order
	if err := o.Amounts.Valid(); err != nil {
		return err
	}
	if w.trigger != "" {
		if err := order.Check(w.trigger, w.before, o.State()); err != nil {
			return err
		}
	}
	if o.Amounts.Hold() == 0 && !o.HoldExpiresAt.IsZero() {
		if err := w.leaveHolds(ctx); err != nil {
			return err
		}
	}
	if o.Status != order.InProcess && w.before == order.StateInProcess && !o.PayBefore.IsZero() {
		if err := w.leaveOpen(ctx); err != nil {
			return err
		}
	}
	a := o.Amounts
	var until *time.Time
	if !o.HoldExpiresAt.IsZero() {
		until = &o.HoldExpiresAt
	}
	_, err := w.tx.Exec(ctx, updateOrder, o.Merchant, o.ID, o.Status, a.Authorized, a.Confirmed, a.ReleasedCancel,
		a.ReleasedDeposit, a.ReleasedExpiry, a.Refunded, a.RefundPending, until, o.lastOperation, o.lastTxn)
	if err != nil {
		return fmt.Errorf("update order %d: %w", o.ID, err)
	}
	if err := w.notify(ctx); err != nil {
		return err
	}
	if err := w.followUp(ctx); err != nil {
		return err
	}
	return w.books.ledger.Post(ctx, w.tx, w.postings)
}

func (w *work) leaveHolds(ctx context.Context) error {
	_, err := w.tx.Exec(ctx, `DELETE FROM open_holds WHERE expires_at = $1 AND merchant_id = $2 AND order_id = $3`,
		w.order.HoldExpiresAt, w.order.Merchant, w.order.ID)
	if err != nil {
		return fmt.Errorf("close hold of order %d: %w", w.order.ID, err)
	}
	w.order.HoldExpiresAt = time.Time{}
	return nil
}

func (w *work) leaveOpen(ctx context.Context) error {
	_, err := w.tx.Exec(ctx, `DELETE FROM open_orders WHERE pay_before = $1 AND merchant_id = $2 AND order_id = $3`,
		w.order.PayBefore, w.order.Merchant, w.order.ID)
	if err != nil {
		return fmt.Errorf("close order %d: %w", w.order.ID, err)
	}
	return nil
}
