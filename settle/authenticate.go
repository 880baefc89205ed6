package settle

import (
	"context"
	"fmt"

	"settled/internal/postgres"
	"settled/settle/order"
)

const insertAuthentication = `
INSERT INTO authentications (merchant_id, order_id, operation, state, server_id, version, required, started_at, expires_at,
	method_url, browser)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`

// Authenticate begins a payment operation that waits for 3-D Secure: nothing is owed and nothing is sent before
// Authenticated says that it passed. It returns the number of the operation.
func (b *Books) Authenticate(ctx context.Context, r PayRequest, a Authentication) (int16, error) {
	o, err := b.change(ctx, "authenticate", r.Merchant, r.Order, func(w *work) error {
		if err := w.startPayment(ctx, r); err != nil {
			return err
		}
		if err := w.savePayment(ctx); err != nil {
			return err
		}
		op := Operation{Number: w.order.PaymentNumber, Kind: OperationPayment, State: OperationInProcess, Actor: ByMerchant,
			Amount: w.order.Amount.Minor, Response: responseAuthenticate, Means: r.Means}
		if err := w.addOperation(ctx, op); err != nil {
			return err
		}
		_, err := w.tx.Exec(ctx, insertAuthentication, r.Merchant, r.Order, op.Number, max(a.State, AuthenticationMethod), a.ServerID,
			a.Version, a.Required, w.moment.at, w.moment.at.Add(AuthenticateFor), a.MethodURL, a.Browser)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("begin authentication of order %d: %w", r.Order, err)
	}
	return o.PaymentNumber, nil
}

// Challenged notes that the buyer is being asked.
func (b *Books) Challenged(ctx context.Context, merchant int32, id int64, a Authentication) error {
	_, err := b.change(ctx, "challenge", merchant, id, func(w *work) error {
		waiting, err := w.waitingAuthentication(ctx, a.ServerID)
		if err != nil {
			return err
		}
		a.State = AuthenticationChallenge
		return w.saveAuthentication(ctx, waiting.Operation, a)
	})
	return err
}

// Authenticated records the result of a payment's 3-D Secure. Passed, it returns the payment to send, durable as by Pay.
// Failed, it ends the operation with the response code and returns no payment. A result for an authentication that waits
// no more is ErrEnded: it was used, failed or given up before.
func (b *Books) Authenticated(ctx context.Context, merchant int32, id int64, a Authentication, response string) (*Payment, error) {
	var p *Payment
	_, err := b.change(ctx, "authenticated", merchant, id, func(w *work) error {
		p = nil
		waiting, err := w.waitingAuthentication(ctx, a.ServerID)
		if err != nil {
			return err
		}
		if a.State != AuthenticationPassed {
			return w.failAuthentication(ctx, waiting, a, response)
		}
		if err = w.saveAuthentication(ctx, waiting.Operation, a); err != nil {
			return err
		}
		w.trigger = order.TriggerTry
		if p, err = w.transmit(ctx); err != nil {
			return err
		}
		p.Security = a.securityLevel()
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("authentication of order %d: %w", id, err)
	}
	return p, nil
}

// Authentications returns the 3-D Secure of an order's payment operations, in their order.
func (b *Books) Authentications(ctx context.Context, merchant int32, id int64) ([]Authentication, error) {
	return postgres.Collect[Authentication](ctx, b.Pool, selectAuthentication, merchant, id)
}

// Authenticating returns the authentication that the order's payment waits for, or nil.
func (b *Books) Authenticating(ctx context.Context, o *Order) (*Authentication, error) {
	all, err := b.Authentications(ctx, o.Merchant, o.ID)
	if err != nil || o.Status != order.InProcess || len(all) == 0 {
		return nil, err
	}
	last := &all[len(all)-1]
	if last.Operation != o.PaymentNumber || !last.waits() {
		return nil, nil
	}
	return last, nil
}

// MethodCompleted notes that the access control server has looked at the buyer's browser. An authentication that is not
// waiting for that stays as it is.
func (b *Books) MethodCompleted(ctx context.Context, merchant int32, id int64, server string) error {
	_, err := b.Pool.Exec(ctx, `UPDATE authentications SET method_done = true WHERE merchant_id = $1 AND order_id = $2 AND server_id = $3 AND state = $4`,
		merchant, id, server, AuthenticationMethod)
	if err != nil {
		return fmt.Errorf("note 3-D Secure method of order %d: %w", id, err)
	}
	return nil
}

// WaitingAuthentication names an authentication that nobody may come back to.
type WaitingAuthentication struct {
	Merchant int32 `db:"merchant_id"`
	Order    int64 `db:"order_id"`
	ServerID string
	Expired  bool // its time is over
}

var waitingAuthentications = spelled(`
SELECT merchant_id, order_id, server_id, expires_at <= $1 AS expired FROM authentications
WHERE state IN (@AuthenticationMethod, @AuthenticationChallenge) AND (expires_at <= $1 OR status = @Decoupled) ORDER BY expires_at, merchant_id, order_id LIMIT $2`)

// AuthenticationsDue returns up to limit authentications whose time is over, or that go on without the buyer's browser.
func (b *Books) AuthenticationsDue(ctx context.Context, limit int) ([]WaitingAuthentication, error) {
	return postgres.Collect[WaitingAuthentication](ctx, b.Pool, waitingAuthentications, b.Now(), limit)
}
