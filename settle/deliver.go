package settle

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"settled/internal/vault"
	"settled/settle/order"

	"github.com/jackc/pgx/v5"
)

// notificationPauses are the pauses after the first, second, … try that brought no answer. There is one try more than
// pauses; then the notification is given up, less than four hours after the first.
var notificationPauses = [...]time.Duration{1 * time.Minute, 3 * time.Minute, 7 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	60 * time.Minute, 120 * time.Minute}

// NotificationTries is how often a notification is tried at most.
const NotificationTries = int16(len(notificationPauses) + 1)

// Tries of a merchant's notifications that may be under way at the same time: of one whose server answers, and of one with a
// notification that got no answer, so that a dead server keeps the place of one only.
const (
	triesAtATime = 4
	triesOfDead  = 1
)

// The first due rows of a merchant keep their places while they are being tried.
var dueNotifications = spelled(`
SELECT n.merchant_id, n.order_id, n.operation, n.sequence, n.attempts
FROM (SELECT m.id, CASE WHEN EXISTS (SELECT FROM notifications s WHERE s.merchant_id = m.id AND s.state = @NotificationPending AND s.last_error <> '')
		THEN $4::int ELSE $3::int END AS places FROM unnest($1::int[]) m (id)) m
	CROSS JOIN LATERAL (SELECT * FROM notifications d WHERE d.merchant_id = m.id AND d.state = @NotificationPending AND d.due_at <= $2
		ORDER BY d.due_at, d.order_id, d.operation LIMIT m.places) n
WHERE n.busy_until IS NULL OR n.busy_until <= $2
ORDER BY n.due_at, n.merchant_id, n.order_id, n.operation`)

// DueNotification is a notification whose time has come. Attempts are the tries so far.
type DueNotification struct {
	NotificationKey
	Attempts int16
}

// DueNotifications returns the notifications that may be tried now: a few of each merchant, so that one whose server does not
// answer is in no other's way. Without merchants they are those of all that are configured.
func (b *Books) DueNotifications(ctx context.Context, merchants ...int32) ([]DueNotification, error) {
	if len(merchants) == 0 {
		merchants = slices.Collect(maps.Keys(b.Directory.Merchants()))
	}
	rows, err := b.Pool.Query(ctx, dueNotifications, merchants, b.Now(), triesAtATime, triesOfDead)
	if err != nil {
		return nil, fmt.Errorf("read due notifications: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (n DueNotification, err error) {
		err = row.Scan(&n.Merchant, &n.Order, &n.Operation, &n.Sequence, &n.Attempts)
		return n, err
	})
}

const notificationColumns = `merchant_id, order_id, operation, sequence, state, created_at, due_at, asked_at, answered_at, attempts,
	first_code, second_code, last_error`

// tryWithin is how long a try takes at most; then its process has died, and the try counts as one without an answer.
const tryWithin = time.Minute

var claimNotification = spelled(`
UPDATE notifications SET attempts = least(attempts + 1, $6::smallint), state = CASE WHEN attempts < $6 THEN @NotificationPending ELSE @NotificationGivenUp END, asked_at = $5,
	busy_until = CASE WHEN attempts < $6 THEN $5::timestamptz + $7::interval END,
	last_error = CASE WHEN busy_until IS NULL THEN last_error ELSE 'the process that tried it died' END
WHERE merchant_id = $1 AND order_id = $2 AND operation = $3 AND sequence = $4 AND state = @NotificationPending AND due_at <= $5
	AND (busy_until IS NULL OR busy_until <= $5)
RETURNING ` + notificationColumns)

// ClaimNotification begins a try. The caller sends the notification and reports with NotificationAnswered. It returns nil when
// there is nothing to try: the notification is not due or over, or somebody else is trying it.
func (b *Books) ClaimNotification(ctx context.Context, k NotificationKey) (*Notification, error) {
	found, err := b.notifications(ctx, claimNotification, k.Merchant, k.Order, k.Operation, k.Sequence, b.Now(), NotificationTries, tryWithin)
	if err != nil {
		return nil, fmt.Errorf("claim notification %v: %w", k, err)
	}
	if len(found) == 0 || found[0].State != NotificationPending {
		return nil, nil
	}
	return &found[0], nil
}

// Receipt is what a try of a notification brought. State pending means no answer that was understood.
type Receipt struct {
	State                 NotificationState
	FirstCode, SecondCode string
	Error                 string
}

var answerNotification = spelled(`
UPDATE notifications SET state = $6::smallint, due_at = $7, busy_until = NULL, answered_at = CASE WHEN $6 IN (@NotificationDelivered, @NotificationRefused) THEN $8::timestamptz END,
	first_code = $9, second_code = $10, last_error = $11
WHERE merchant_id = $1 AND order_id = $2 AND operation = $3 AND sequence = $4 AND attempts = $5 AND state = @NotificationPending AND busy_until IS NOT NULL`)

// NotificationAnswered records what a try brought. Without an answer the next one is planned, after the last the notification
// is given up. The result of a try that is not the current one changes nothing. It returns the state afterwards.
func (b *Books) NotificationAnswered(ctx context.Context, n *Notification, r Receipt) (NotificationState, error) {
	at, due, state := b.Now(), n.DueAt, r.State
	if state == NotificationPending {
		if n.Attempts >= NotificationTries {
			state = NotificationGivenUp
		} else {
			due = at.Add(notificationPauses[n.Attempts-1])
		}
	}
	_, err := b.Pool.Exec(ctx, answerNotification, n.Merchant, n.Order, n.Operation, n.Sequence, n.Attempts, state, due, at,
		vault.Words(r.FirstCode), vault.Words(r.SecondCode), vault.Words(r.Error))
	if err != nil {
		return state, fmt.Errorf("record answer to notification %v: %w", n.NotificationKey, err)
	}
	return state, nil
}

// ErrNotTold is wrapped when the result of an operation is none that a merchant's server is told.
var ErrNotTold = errors.New("settle: not told to merchants")

var hurryNotification = spelled(`
UPDATE notifications SET due_at = $4 WHERE merchant_id = $1 AND order_id = $2 AND operation = $3 AND state = @NotificationPending RETURNING sequence`)

// TellAgain makes the result of an operation be told now, whatever the merchant wants to be told and was told: one that is
// pending becomes due, else there is a new one. Operation 0 is the last one that has a result. ErrInFlight tells that it has
// none yet, ErrOperation that there is no such operation, ErrNotTold that the order's time ran out.
func (b *Books) TellAgain(ctx context.Context, merchant int32, id int64, operation int16) (NotificationKey, error) {
	key := NotificationKey{Merchant: merchant, Order: id}
	_, err := b.change(ctx, "tell again", merchant, id, func(w *work) error {
		op, err := w.tellable(operation)
		if err != nil {
			return err
		}
		key.Operation = op.Number
		err = w.tx.QueryRow(ctx, hurryNotification, merchant, id, op.Number, w.moment.at).Scan(&key.Sequence)
		if errors.Is(err, pgx.ErrNoRows) {
			key.Sequence, err = w.addNotification(ctx, op.Number)
		}
		return err
	})
	return key, err
}

func (w *work) tellable(operation int16) (*Operation, error) {
	var op *Operation
	for i := range w.order.Operations {
		o := &w.order.Operations[i]
		if o.Number == operation || operation == 0 && o.State != OperationInProcess {
			op = o
		}
	}
	switch {
	case op == nil && operation == 0, op != nil && op.State == OperationInProcess:
		return nil, fmt.Errorf("%w: %d", ErrInFlight, w.order.ID)
	case op == nil:
		return nil, fmt.Errorf("%w: there is no %d.%d", ErrOperation, w.order.ID, operation)
	case op.Kind == OperationPayment && w.order.Status == order.TimedOut:
		return nil, fmt.Errorf("%w: order %d was closed because its time ran out", ErrNotTold, w.order.ID)
	}
	return op, nil
}

// NotificationFilter chooses notifications; a zero field chooses all.
type NotificationFilter struct {
	Merchant int32
	Order    int64
	State    NotificationState
	Limit    int
}

const listNotifications = `
SELECT n.* FROM unnest($1::int[]) m (id) CROSS JOIN LATERAL (
	SELECT ` + notificationColumns + ` FROM notifications
	WHERE merchant_id = m.id AND ($2::bigint = 0 OR order_id = $2) AND ($3::smallint = 0 OR state = $3)
	ORDER BY order_id DESC, operation DESC, sequence DESC LIMIT $4) n
ORDER BY n.created_at DESC, n.merchant_id, n.order_id DESC, n.operation DESC, n.sequence DESC LIMIT $4`

// Notifications lists notifications of the configured merchants, those of the latest orders first.
func (b *Books) Notifications(ctx context.Context, f NotificationFilter) ([]Notification, error) {
	merchants := []int32{f.Merchant}
	if f.Merchant == 0 {
		merchants = slices.Collect(maps.Keys(b.Directory.Merchants()))
	}
	all, err := b.notifications(ctx, listNotifications, merchants, f.Order, int16(f.State), f.Limit)
	if err != nil {
		return nil, fmt.Errorf("list notifications: %w", err)
	}
	return all, nil
}

// ErrNoNotification tells that there is no such notification.
var ErrNoNotification = errors.New("settle: no such notification")

const oneNotification = `SELECT ` + notificationColumns + ` FROM notifications
WHERE merchant_id = $1 AND order_id = $2 AND operation = $3 AND sequence = $4`

// Notification returns one notification, or ErrNoNotification.
func (b *Books) Notification(ctx context.Context, k NotificationKey) (*Notification, error) {
	found, err := b.notifications(ctx, oneNotification, k.Merchant, k.Order, k.Operation, k.Sequence)
	if err != nil {
		return nil, fmt.Errorf("read notification %v: %w", k, err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%w: %v", ErrNoNotification, k)
	}
	return &found[0], nil
}

func (b *Books) notifications(ctx context.Context, sql string, args ...any) ([]Notification, error) {
	rows, err := b.Pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (n Notification, err error) {
		err = row.Scan(&n.Merchant, &n.Order, &n.Operation, &n.Sequence, &n.State, &n.CreatedAt, &n.DueAt, &n.AskedAt, &n.AnsweredAt,
			&n.Attempts, &n.FirstCode, &n.SecondCode, &n.LastError)
		return n, err
	})
}
