package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"settled/internal/money"
	"settled/internal/postgres"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/breaks"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Unknown hands out the reversals of approvals that the books do not know, and takes what became of them. It is safe for concurrent use.
type Unknown struct {
	pool *pgxpool.Pool
	now  func() time.Time
}

// NewUnknown returns the unknown approvals of the books.
func NewUnknown(b *settle.Books) *Unknown { return &Unknown{pool: b.Pool, now: b.Now} }

// unknownColumns are those of an UnknownApproval.
const unknownColumns = `u.center_id, u.exchange_id, u.reversal_id, u.kind, u.amount, u.currency, u.terminal, u.acceptor, u.merchant_id, u.order_ref,
	u.sent_at, u.transmitted_at, u.found_at, u.settled_at, u.state, u.attempts, u.action_code, u.last_error, u.log_id, u.break_id`

func scanUnknown(row pgx.CollectableRow) (u UnknownApproval, err error) {
	var currency int16
	err = row.Scan(&u.Center, &u.Exchange, &u.Reversal, &u.Kind, &u.Amount.Minor, &currency, &u.Terminal, &u.Acceptor, &u.Merchant, &u.Order, &u.SentAt,
		&u.TransmittedAt, &u.FoundAt, &u.SettledAt, &u.State, &u.Attempts, &u.ActionCode, &u.LastError, &u.Log, &u.Break)
	u.Amount.Currency = money.Currency(currency)
	return u, err
}

// claimUnknown claims as the books do owed messages: the same pauses, and of two workers one gets the row.
var claimUnknown = words.In(`
UPDATE unknown_approvals u SET attempts = u.attempts + 1,
	due_at = $1 + (CASE u.attempts WHEN 0 THEN interval '10 s' WHEN 1 THEN interval '30 s' WHEN 2 THEN interval '1 min'
		WHEN 3 THEN interval '5 min' WHEN 4 THEN interval '15 min' ELSE interval '1 hour' END)
FROM (SELECT center_id, exchange_id FROM unknown_approvals WHERE state = @UnknownOwed AND due_at <= $1 AND center_id = $2 ORDER BY due_at, exchange_id LIMIT $3) c
WHERE u.center_id = c.center_id AND u.exchange_id = c.exchange_id AND u.state = @UnknownOwed AND u.due_at <= $1
RETURNING ` + unknownColumns)

// DueAt claims up to limit reversals of unknown approvals at a center whose time has come, and plans their next
// transmission. The caller sends each and reports with Answered, or with Unanswered.
func (o *Unknown) DueAt(ctx context.Context, center int16, limit int) ([]UnknownApproval, error) {
	return o.list(ctx, claimUnknown, o.now(), center, limit)
}

func (o *Unknown) list(ctx context.Context, sql string, args ...any) ([]UnknownApproval, error) {
	rows, err := o.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read unknown approvals: %w", err)
	}
	all, err := pgx.CollectRows(rows, scanUnknown)
	if err != nil {
		return nil, fmt.Errorf("read unknown approvals: %w", err)
	}
	slices.SortFunc(all, func(x, y UnknownApproval) int { return x.FoundAt.Compare(y.FoundAt) })
	return all, nil
}

var (
	settleUnknown = `
UPDATE unknown_approvals SET state = $3, settled_at = $4, action_code = $5, last_error = $6
WHERE center_id = $1 AND exchange_id = $2 AND state = $7 RETURNING break_id`
	noteUnknown  = words.In(`UPDATE unknown_approvals SET last_error = $3 WHERE center_id = $1 AND exchange_id = $2 AND state = @UnknownOwed`)
	retryUnknown = words.In(`UPDATE unknown_approvals SET state = @UnknownOwed, settled_at = NULL, due_at = $3, found_at = $3 WHERE center_id = $1 AND exchange_id = $2 AND state = @UnknownStuck`)
)

// Answered records the center's answer to the reversal of an unknown approval. VerdictDone closes its break; any other
// leaves it to a person. An answer to one that is settled changes nothing.
func (o *Unknown) Answered(ctx context.Context, u UnknownApproval, v settle.Verdict, action string) error {
	state, why := UnknownReversed, ""
	if v != settle.VerdictDone {
		state, why = UnknownStuck, "the center refused the reversal with action code "+action
	}
	return o.settle(ctx, u, state, action, why)
}

func (o *Unknown) settle(ctx context.Context, u UnknownApproval, state UnknownState, action, why string) error {
	key := postgres.Key{Name: fmt.Sprintf("settle unknown approval %d", u.Exchange)}
	err := postgres.InTx(ctx, o.pool, key, func(tx pgx.Tx) error {
		at := o.now()
		var id int64
		err := tx.QueryRow(ctx, settleUnknown, u.Center, u.Exchange, state, at, action, why, UnknownOwed).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil || state != UnknownReversed {
			return err
		}
		return breaks.Close(ctx, tx, at, breaks.Where{ID: id}, fmt.Sprintf("; reversed at %s, action code %s", at.Format(time.RFC3339), action))
	})
	if err != nil {
		return fmt.Errorf("settle unknown approval %d: %w", u.Exchange, err)
	}
	return nil
}

// Unanswered notes why a transmission brought no answer. The reversal is repeated; after GiveUpAfter a person must
// decide.
func (o *Unknown) Unanswered(ctx context.Context, u UnknownApproval, cause string) error {
	cause = vault.Words(cause)
	if o.now().Sub(u.FoundAt) >= settle.GiveUpAfter {
		return o.settle(ctx, u, UnknownStuck, "", "no answer for 24 hours: "+cause)
	}
	if _, err := o.pool.Exec(ctx, noteUnknown, u.Center, u.Exchange, cause); err != nil {
		return fmt.Errorf("note attempt of unknown approval %d: %w", u.Exchange, err)
	}
	return nil
}

// Retry owes a stuck reversal again, due at once, under the same numbers. One that is not stuck is ErrOperation.
func (o *Unknown) Retry(ctx context.Context, center int16, exchange int64) error {
	return postgres.InTx(ctx, o.pool, postgres.Key{Name: fmt.Sprintf("retry unknown approval %d", exchange)}, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, retryUnknown, center, exchange, o.now())
		if err == nil && tag.RowsAffected() == 0 {
			err = fmt.Errorf("%w: exchange %d is no unknown approval that is stuck", settle.ErrOperation, exchange)
		}
		return err
	})
}

// Since returns what was found since an instant, and everything that is not reversed, the oldest first. center 0:
// of all centers.
func (o *Unknown) Since(ctx context.Context, center int16, since time.Time) ([]UnknownApproval, error) {
	return o.list(ctx, `SELECT `+unknownColumns+` FROM unknown_approvals u WHERE (found_at >= $2 OR state <> $3) AND ($1 = 0 OR center_id = $1)`,
		center, since, UnknownReversed)
}
