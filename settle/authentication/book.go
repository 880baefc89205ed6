package authentication

import (
	"context"
	"fmt"
	"time"

	"settled/internal/postgres"
	"settled/settle/stored"

	"github.com/jackc/pgx/v5/pgxpool"
)

// words are the typed constants that the statements name.
var words = stored.Words{"Method": Method, "Challenge": Challenge, "Decoupled": decoupled}

// Book looks authentications up, and notes what goes on without a step of the payment. It is safe for concurrent use.
type Book struct {
	pool *pgxpool.Pool
	now  func() time.Time
}

// NewBook returns the authentications in a database. now is in UTC, to the microsecond.
func NewBook(pool *pgxpool.Pool, now func() time.Time) *Book { return &Book{pool, now} }

// Of returns the 3-D Secure of an order's payment operations, in their order.
func (b *Book) Of(ctx context.Context, merchant int32, order int64) ([]Authentication, error) {
	return Of(ctx, b.pool, merchant, order)
}

// Waiting returns the authentication that the last payment operation of an order waits for, or nil.
func (b *Book) Waiting(ctx context.Context, merchant int32, order int64, operation int16) (*Authentication, error) {
	last, err := Last(ctx, b.pool, merchant, order, operation)
	if err != nil || !last.Waits() {
		return nil, err
	}
	return last, nil
}

// MethodCompleted notes that the access control server has looked at the buyer's browser. An authentication that is not
// waiting for that stays as it is.
func (b *Book) MethodCompleted(ctx context.Context, merchant int32, id int64, server string) error {
	_, err := b.pool.Exec(ctx, `UPDATE authentications SET method_done = true WHERE merchant_id = $1 AND order_id = $2 AND server_id = $3 AND state = $4`,
		merchant, id, server, Method)
	if err != nil {
		return fmt.Errorf("note 3-D Secure method of order %d: %w", id, err)
	}
	return nil
}

// Waiting names an authentication that nobody may come back to.
type Waiting struct {
	Merchant int32 `db:"merchant_id"`
	Order    int64 `db:"order_id"`
	ServerID string
	Expired  bool // its time is over
}

var waiting = words.In(`
SELECT merchant_id, order_id, server_id, expires_at <= $1 AS expired FROM authentications
WHERE state IN (@Method, @Challenge) AND (expires_at <= $1 OR status = @Decoupled) ORDER BY expires_at, merchant_id, order_id LIMIT $2`)

// Due returns up to limit authentications whose time is over, or that go on without the buyer's browser.
func (b *Book) Due(ctx context.Context, limit int) ([]Waiting, error) {
	return postgres.Collect[Waiting](ctx, b.pool, waiting, b.now(), limit)
}
