package settle

import (
	"context"
	"fmt"
	"time"

	"settled/settle/order"
)

// AuthenticationState is where the 3-D Secure of a payment stands.
type AuthenticationState int16

// The states of authentications. The numbers are stored.
const (
	AuthenticationMethod    AuthenticationState = 1 // the buyer's browser is being looked at
	AuthenticationChallenge AuthenticationState = 2 // the buyer is asked, by a page or by other ways
	AuthenticationPassed    AuthenticationState = 3 // final: the payment was sent
	AuthenticationFailed    AuthenticationState = 4 // final: nothing was sent
)

// AuthenticateFor is how long a buyer has to pass 3-D Secure.
const AuthenticateFor = 15 * time.Minute

// responseAuthenticate is the response code of a payment that waits for 3-D Secure.
const responseAuthenticate = "AS110"

// Authentication is the 3-D Secure of a payment operation. Status, ECI and DirectoryID are as the access control
// server gave them (EMV 3-D Secure, transStatus and its companions).
type Authentication struct {
	Operation   int16
	State       AuthenticationState
	ServerID    string // threeDSServerTransID
	Version     string
	Status      string // Y, A, N, U, R, C, D or I; empty: not known yet
	Required    int16  // 1 the card takes part, 0 it does not, -1 unknown
	ECI         string
	DirectoryID string // transaction id of the directory server
	StartedAt   time.Time
	ExpiresAt   time.Time
	CompletedAt *time.Time
	MethodURL   string // where the browser is looked at; empty: nowhere
	MethodDone  bool   // that look has ended
	Browser     string // what the buyer's browser says of itself, kept until the access control server is asked
}

// securityLevel says in clearing how far the buyer was authenticated (IPM, PDS 0052).
func (a *Authentication) securityLevel() string {
	switch a.Status {
	case "Y":
		return "212"
	case "A":
		return "211"
	}
	return "210"
}

// waits tells that the authentication has no final result.
func (a *Authentication) waits() bool {
	return a != nil && (a.State == AuthenticationMethod || a.State == AuthenticationChallenge)
}

const (
	selectAuthentication = `
SELECT operation, state, server_id, version, status, required, eci, directory_id, started_at, expires_at, completed_at,
	method_url, method_done, browser
FROM authentications WHERE merchant_id = $1 AND order_id = $2 ORDER BY operation`
	insertAuthentication = `
INSERT INTO authentications (merchant_id, order_id, operation, state, server_id, version, required, started_at, expires_at,
	method_url, browser)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`
	updateAuthentication = `
UPDATE authentications SET state = $4, status = $5, eci = $6, directory_id = $7, completed_at = $8
WHERE merchant_id = $1 AND order_id = $2 AND operation = $3`
)

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

// waitingAuthentication is the authentication of the order's payment operation, which must be the one named and wait.
func (w *work) waitingAuthentication(ctx context.Context, server string) (*Authentication, error) {
	a, err := w.authentication(ctx)
	if err != nil {
		return nil, err
	}
	late := w.order.Status != order.InProcess || !w.moment.at.Before(w.order.PayBefore)
	if !a.waits() || a.ServerID != server || late {
		return nil, fmt.Errorf("%w: no such authentication waits", ErrEnded)
	}
	return a, nil
}

// authentication is the one of the order's last payment operation, or nil.
func (w *work) authentication(ctx context.Context) (*Authentication, error) {
	all, err := collect[Authentication](ctx, w.tx, selectAuthentication, w.order.Merchant, w.order.ID)
	if err != nil || len(all) == 0 || all[len(all)-1].Operation != w.order.PaymentNumber {
		return nil, err
	}
	return &all[len(all)-1], nil
}

// securityOf is how far the buyer of a payment operation was authenticated before it was sent, as clearing says it; empty when
// 3-D Secure was not asked.
func (w *work) securityOf(ctx context.Context, operation int16) (string, error) {
	a, err := w.authentication(ctx)
	if err != nil || a == nil || a.Operation != operation || a.State != AuthenticationPassed {
		return "", err
	}
	return a.securityLevel(), nil
}

func (w *work) saveAuthentication(ctx context.Context, operation int16, a Authentication) error {
	var completed *time.Time
	if a.State == AuthenticationPassed || a.State == AuthenticationFailed {
		completed = &w.moment.at
	}
	_, err := w.tx.Exec(ctx, updateAuthentication, w.order.Merchant, w.order.ID, operation, a.State, a.Status, a.ECI, a.DirectoryID, completed)
	if err != nil {
		return fmt.Errorf("write authentication of %d.%d: %w", w.order.ID, operation, err)
	}
	return nil
}

// failAuthentication ends a payment operation that was never sent; the order goes on while it has tries.
func (w *work) failAuthentication(ctx context.Context, waiting *Authentication, a Authentication, response string) error {
	a.State = AuthenticationFailed
	if err := w.saveAuthentication(ctx, waiting.Operation, a); err != nil {
		return err
	}
	w.trigger = order.TriggerTry
	if w.order.TriesLeft == 0 {
		w.trigger, w.order.Status = order.TriggerDecline, order.Declined
	}
	return w.finishOperation(ctx, w.order.Operation(waiting.Operation), OperationFailed, response)
}

// abandonAuthentication ends a payment operation that waits for 3-D Secure, if one does.
func (w *work) abandonAuthentication(ctx context.Context, why string) error {
	a, err := w.authentication(ctx)
	if err != nil || !a.waits() {
		return err
	}
	left := *a
	left.State = AuthenticationFailed
	if err := w.saveAuthentication(ctx, a.Operation, left); err != nil {
		return err
	}
	op := w.order.Operation(a.Operation)
	op.Note = joinNotes(op.Note, "3-D Secure: "+why)
	return w.finishOperation(ctx, op, OperationTimedOut, responseDeclined)
}

// Authentications returns the 3-D Secure of an order's payment operations, in their order.
func (b *Books) Authentications(ctx context.Context, merchant int32, id int64) ([]Authentication, error) {
	return collect[Authentication](ctx, b.Pool, selectAuthentication, merchant, id)
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

// decoupled is the 3-D Secure status of a buyer who is asked by other ways than his browser (EMV 3-D Secure, transStatus).
const decoupled = "D"

var waitingAuthentications = spelled(`
SELECT merchant_id, order_id, server_id, expires_at <= $1 AS expired FROM authentications
WHERE state IN (@AuthenticationMethod, @AuthenticationChallenge) AND (expires_at <= $1 OR status = @Decoupled) ORDER BY expires_at, merchant_id, order_id LIMIT $2`)

// AuthenticationsDue returns up to limit authentications whose time is over, or that go on without the buyer's browser.
func (b *Books) AuthenticationsDue(ctx context.Context, limit int) ([]WaitingAuthentication, error) {
	return collect[WaitingAuthentication](ctx, b.Pool, waitingAuthentications, b.now(), limit)
}
