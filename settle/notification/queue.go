package notification

import (
	"context"
	"errors"
	"fmt"
	"time"

	"settled/internal/vault"
	"settled/settle/stored"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// pauses are the pauses after the first, second, … try that brought no answer. There is one try more than
// pauses; then the notification is given up, less than four hours after the first.
var pauses = [...]time.Duration{1 * time.Minute, 3 * time.Minute, 7 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	60 * time.Minute, 120 * time.Minute}

// Tries is how often a notification is tried at most.
const Tries = int16(len(pauses) + 1)

// Tries of a merchant's notifications that may be under way at the same time: of one whose server answers, and of one with a
// notification that got no answer, so that a dead server keeps the place of one only.
const (
	triesAtATime = 4
	triesOfDead  = 1
)

// words are the typed constants that the statements name.
var words = stored.Words{"Pending": Pending, "Delivered": Delivered, "Refused": Refused, "GivenUp": GivenUp}

// Queue is the notifications of the configured merchants, in the order in which they are to be sent. It is safe for concurrent use.
type Queue struct {
	pool      *pgxpool.Pool
	now       func() time.Time
	merchants []int32
}

// NewQueue returns the queue of merchants. now is in UTC, to the microsecond.
func NewQueue(pool *pgxpool.Pool, now func() time.Time, merchants []int32) *Queue {
	return &Queue{pool, now, merchants}
}

// The first due rows of a merchant keep their places while they are being tried.
var due = words.In(`
SELECT n.merchant_id, n.order_id, n.operation, n.sequence, n.attempts
FROM (SELECT m.id, CASE WHEN EXISTS (SELECT FROM notifications s WHERE s.merchant_id = m.id AND s.state = @Pending AND s.last_error <> '')
		THEN $4::int ELSE $3::int END AS places FROM unnest($1::int[]) m (id)) m
	CROSS JOIN LATERAL (SELECT * FROM notifications d WHERE d.merchant_id = m.id AND d.state = @Pending AND d.due_at <= $2
		ORDER BY d.due_at, d.order_id, d.operation LIMIT m.places) n
WHERE n.busy_until IS NULL OR n.busy_until <= $2
ORDER BY n.due_at, n.merchant_id, n.order_id, n.operation`)

// Due is a notification whose time has come. Attempts are the tries so far.
type Due struct {
	Key
	Attempts int16
}

// Due returns the notifications that may be tried now: a few of each merchant, so that one whose server does not
// answer is in no other's way. Without merchants they are those of all that are configured.
func (q *Queue) Due(ctx context.Context, merchants ...int32) ([]Due, error) {
	if len(merchants) == 0 {
		merchants = q.merchants
	}
	rows, err := q.pool.Query(ctx, due, merchants, q.now(), triesAtATime, triesOfDead)
	if err != nil {
		return nil, fmt.Errorf("read due notifications: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (n Due, err error) {
		err = row.Scan(&n.Merchant, &n.Order, &n.Operation, &n.Sequence, &n.Attempts)
		return n, err
	})
}

const columns = `merchant_id, order_id, operation, sequence, state, created_at, due_at, asked_at, answered_at, attempts,
	first_code, second_code, last_error`

// tryWithin is how long a try takes at most; then its process has died, and the try counts as one without an answer.
const tryWithin = time.Minute

var claim = words.In(`
UPDATE notifications SET attempts = least(attempts + 1, $6::smallint), state = CASE WHEN attempts < $6 THEN @Pending ELSE @GivenUp END, asked_at = $5,
	busy_until = CASE WHEN attempts < $6 THEN $5::timestamptz + $7::interval END,
	last_error = CASE WHEN busy_until IS NULL THEN last_error ELSE 'the process that tried it died' END
WHERE merchant_id = $1 AND order_id = $2 AND operation = $3 AND sequence = $4 AND state = @Pending AND due_at <= $5
	AND (busy_until IS NULL OR busy_until <= $5)
RETURNING ` + columns)

// Claim begins a try. The caller sends the notification and reports with Answered. It returns nil when
// there is nothing to try: the notification is not due or over, or somebody else is trying it.
func (q *Queue) Claim(ctx context.Context, k Key) (*Notification, error) {
	found, err := q.read(ctx, claim, k.Merchant, k.Order, k.Operation, k.Sequence, q.now(), Tries, tryWithin)
	if err != nil {
		return nil, fmt.Errorf("claim notification %v: %w", k, err)
	}
	if len(found) == 0 || found[0].State != Pending {
		return nil, nil
	}
	return &found[0], nil
}

// Receipt is what a try of a notification brought. State pending means no answer that was understood.
type Receipt struct {
	State                 State
	FirstCode, SecondCode string
	Error                 string
}

var answer = words.In(`
UPDATE notifications SET state = $6::smallint, due_at = $7, busy_until = NULL, answered_at = CASE WHEN $6 IN (@Delivered, @Refused) THEN $8::timestamptz END,
	first_code = $9, second_code = $10, last_error = $11
WHERE merchant_id = $1 AND order_id = $2 AND operation = $3 AND sequence = $4 AND attempts = $5 AND state = @Pending AND busy_until IS NOT NULL`)

// Answered records what a try brought. Without an answer the next one is planned, after the last the notification
// is given up. The result of a try that is not the current one changes nothing. It returns the state afterwards.
func (q *Queue) Answered(ctx context.Context, n *Notification, r Receipt) (State, error) {
	at, due, state := q.now(), n.DueAt, r.State
	if state == Pending {
		if n.Attempts >= Tries {
			state = GivenUp
		} else {
			due = at.Add(pauses[n.Attempts-1])
		}
	}
	_, err := q.pool.Exec(ctx, answer, n.Merchant, n.Order, n.Operation, n.Sequence, n.Attempts, state, due, at,
		vault.Words(r.FirstCode), vault.Words(r.SecondCode), vault.Words(r.Error))
	if err != nil {
		return state, fmt.Errorf("record answer to notification %v: %w", n.Key, err)
	}
	return state, nil
}

// Filter chooses notifications; a zero field chooses all.
type Filter struct {
	Merchant int32
	Order    int64
	State    State
	Limit    int
}

const list = `
SELECT n.* FROM unnest($1::int[]) m (id) CROSS JOIN LATERAL (
	SELECT ` + columns + ` FROM notifications
	WHERE merchant_id = m.id AND ($2::bigint = 0 OR order_id = $2) AND ($3::smallint = 0 OR state = $3)
	ORDER BY order_id DESC, operation DESC, sequence DESC LIMIT $4) n
ORDER BY n.created_at DESC, n.merchant_id, n.order_id DESC, n.operation DESC, n.sequence DESC LIMIT $4`

// List lists notifications of the configured merchants, those of the latest orders first.
func (q *Queue) List(ctx context.Context, f Filter) ([]Notification, error) {
	merchants := []int32{f.Merchant}
	if f.Merchant == 0 {
		merchants = q.merchants
	}
	all, err := q.read(ctx, list, merchants, f.Order, int16(f.State), f.Limit)
	if err != nil {
		return nil, fmt.Errorf("list notifications: %w", err)
	}
	return all, nil
}

// ErrUnknown tells that there is no such notification.
var ErrUnknown = errors.New("notification: no such notification")

const one = `SELECT ` + columns + ` FROM notifications
WHERE merchant_id = $1 AND order_id = $2 AND operation = $3 AND sequence = $4`

// Find returns one notification, or ErrUnknown.
func (q *Queue) Find(ctx context.Context, k Key) (*Notification, error) {
	found, err := q.read(ctx, one, k.Merchant, k.Order, k.Operation, k.Sequence)
	if err != nil {
		return nil, fmt.Errorf("read notification %v: %w", k, err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%w: %v", ErrUnknown, k)
	}
	return &found[0], nil
}

func (q *Queue) read(ctx context.Context, sql string, args ...any) ([]Notification, error) {
	rows, err := q.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (n Notification, err error) {
		err = row.Scan(&n.Merchant, &n.Order, &n.Operation, &n.Sequence, &n.State, &n.CreatedAt, &n.DueAt, &n.AskedAt, &n.AnsweredAt,
			&n.Attempts, &n.FirstCode, &n.SecondCode, &n.LastError)
		return n, err
	})
}
