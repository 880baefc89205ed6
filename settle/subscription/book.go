package subscription

import (
	"context"
	"errors"
	"fmt"
	"time"

	"settled/internal/money"
	"settled/internal/postgres"
	"settled/settle/credential"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const insert = `
INSERT INTO subscriptions (merchant_id, order_id, min_amount, max_amount, currency, period_days, last_date, state, created_at, agreed)
VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, what_was_agreed($1, $2, $3, $4, $5, $6, $7))`

// Create writes the terms that a buyer agrees to by paying an order, in the transaction that opens the order. The currency is that which
// the merchant asked in.
func Create(ctx context.Context, tx pgx.Tx, merchant int32, id int64, currency money.Currency, t *Terms, at time.Time) error {
	_, err := tx.Exec(ctx, insert, merchant, id, t.Min, t.Max, int16(currency), t.PeriodDays, t.LastDate, at)
	if err != nil {
		return fmt.Errorf("insert subscription %d: %w", id, err)
	}
	return nil
}

var activate = words.In(`
UPDATE subscriptions SET state = @Active, credential_id = $3, last_paid_at = $4, started_at = $4 WHERE merchant_id = $1 AND order_id = $2 AND state = @Created`)

// Activate makes the subscription of an order that was paid at an instant ready for later payments, which are taken from a stored
// credential. One that was canceled meanwhile stays so, and keeps nothing: the credential is destroyed.
func Activate(ctx context.Context, tx pgx.Tx, merchant int32, id int64, stored uuid.UUID, paid, now time.Time) error {
	tag, err := tx.Exec(ctx, activate, merchant, id, stored, paid)
	if err == nil && tag.RowsAffected() == 0 {
		err = forget(ctx, tx, merchant, id, stored, now)
	}
	if err != nil {
		return fmt.Errorf("activate subscription %d: %w", id, err)
	}
	return nil
}

// Abandon cancels a subscription that was never activated.
func Abandon(ctx context.Context, tx pgx.Tx, merchant int32, id int64) error {
	_, err := tx.Exec(ctx, `UPDATE subscriptions SET state = $3 WHERE merchant_id = $1 AND order_id = $2 AND state = $4`, merchant, id, Canceled, Created)
	return err
}

// Book looks subscriptions up and cancels them. It is safe for concurrent use.
type Book struct {
	pool *pgxpool.Pool
	now  func() time.Time
}

// NewBook returns the subscriptions in a database. now is in UTC, to the microsecond.
func NewBook(pool *pgxpool.Pool, now func() time.Time) *Book { return &Book{pool, now} }

// Find returns the subscription that an order began. ErrNone tells that it began none.
func (b *Book) Find(ctx context.Context, merchant int32, id int64) (*Subscription, error) {
	return read(ctx, b.pool, selectOne, merchant, id)
}

// Cancel ends a subscription and destroys what was stored for it. Told again, it changes nothing. It returns the
// credential as it was, whose consent the partner bank is then to forget; nil when there was none.
func (b *Book) Cancel(ctx context.Context, merchant int32, id int64) (c *credential.Credential, err error) {
	key := postgres.Key{Name: fmt.Sprintf("cancel subscription %d/%d", merchant, id)}
	err = postgres.InTx(ctx, b.pool, key, func(tx pgx.Tx) error {
		s, err := read(ctx, tx, lockOne, merchant, id)
		if err != nil || s.State == Canceled {
			return err
		}
		if s.Credential != nil {
			if c, err = credential.Find(ctx, tx, merchant, *s.Credential); err != nil && !errors.Is(err, credential.ErrNone) {
				return err
			}
			if err = forget(ctx, tx, merchant, id, *s.Credential, b.now()); err != nil {
				return err
			}
		}
		s.State = Canceled
		return s.save(ctx, tx)
	})
	return c, err
}

// forget destroys what is stored for a subscription, if it is still there.
func forget(ctx context.Context, tx pgx.Tx, merchant int32, id int64, stored uuid.UUID, at time.Time) error {
	err := credential.Forget(ctx, tx, merchant, Subscriber(id), stored, at)
	if errors.Is(err, credential.ErrNone) {
		return nil
	}
	return err
}
