package settle

import (
	"context"
	"fmt"
	"time"

	"settled/internal/postgres"
	"settled/internal/vault"
	"settled/settle/breaks"

	"github.com/jackc/pgx/v5"
)

// GiveUpAfter is how long an owed message is repeated before a person must decide.
const GiveUpAfter = 24 * time.Hour

// The pauses after the first, second, … transmission are 10 s, 30 s, 1, 5 and 15 min, then an hour. The claim is guarded
// by due_at, so that of two workers one gets the row.
var claimOwed = spelled(`
UPDATE owed_exchanges e SET attempts = e.attempts + 1,
	due_at = $1 + (CASE e.attempts WHEN 0 THEN interval '10 s' WHEN 1 THEN interval '30 s' WHEN 2 THEN interval '1 min'
		WHEN 3 THEN interval '5 min' WHEN 4 THEN interval '15 min' ELSE interval '1 hour' END)
FROM (SELECT merchant_id, order_id, transaction FROM owed_exchanges WHERE due_at <= $1 AND kind IN (@Reversal, @PartialReversal, @Refund)
	ORDER BY due_at, exchange_id LIMIT $2) c
WHERE e.merchant_id = c.merchant_id AND e.order_id = c.order_id AND e.transaction = c.transaction AND e.due_at <= $1
RETURNING e.merchant_id, e.order_id, e.transaction, e.operation, e.original, e.slice, e.center_id, e.kind, e.amount, e.exchange_id,
	e.created_at, e.transmitted_at, e.due_at, e.attempts, e.last_error`)

// Due claims up to limit messages whose time has come and plans their next attempt, so that a process that dies after the
// claim loses only time. The caller sends each and reports with Answered, or with Unanswered.
func (b *Books) Due(ctx context.Context, limit int) (due []Owed, err error) {
	err = postgres.InTx(ctx, b.Pool, postgres.Key{Name: "claim owed messages"}, func(tx pgx.Tx) error {
		due, err = claim(ctx, tx, claimOwed, b.Now(), limit)
		return err
	})
	return due, err
}

// Unanswered notes why a transmission brought no answer. The message stays owed and is repeated; after GiveUpAfter it is
// parked as a break for a person, and its next attempt is left to them.
func (b *Books) Unanswered(ctx context.Context, e Owed, cause string) error {
	at, cause := b.Now(), vault.Words(cause)
	if at.Sub(e.CreatedAt) >= GiveUpAfter {
		return b.stuck(ctx, e, "no answer for 24 hours: "+cause)
	}
	_, err := b.Pool.Exec(ctx, `UPDATE owed_exchanges SET last_error = $4 WHERE merchant_id = $1 AND order_id = $2 AND transaction = $3`,
		e.Merchant, e.Order, e.Transaction, cause)
	if err != nil {
		return fmt.Errorf("note attempt of %d/%d: %w", e.Order, e.Transaction, err)
	}
	return nil
}

// stuck ends the repeats of a message that is still owed.
func (b *Books) stuck(ctx context.Context, e Owed, why string) error {
	_, err := b.change(ctx, "park", e.Merchant, e.Order, func(w *work) error {
		if ok, err := w.settleOwed(ctx, e, false); err != nil || !ok {
			return err
		}
		return w.park(ctx, e, why)
	})
	return err
}

// park marks a message that is no longer owed as stuck, and opens break [breaks.MessageStuck] for a person, who may have it repeated
// (Retry).
func (w *work) park(ctx context.Context, e Owed, why string) error {
	t := w.order.Transaction(e.Transaction)
	if t == nil {
		return fmt.Errorf("%w: exchange %d/%d has no transaction", ErrOperation, e.Order, e.Transaction)
	}
	t.State, t.Attempts = TransactionStuck, e.Attempts
	if err := w.saveTransaction(ctx, *t); err != nil {
		return err
	}
	return w.breakOn(ctx, e, "stuck", why)
}

// Retry owes a parked message again, due at once, under the same numbers: the center takes it for the repeat that it is.
// A transaction that is not parked is ErrOperation.
func (b *Books) Retry(ctx context.Context, merchant int32, id int64, transaction int16) error {
	_, err := b.change(ctx, "retry", merchant, id, func(w *work) error {
		t := w.order.Transaction(transaction)
		if t == nil || t.State != TransactionStuck {
			return fmt.Errorf("%w: transaction %d of order %d is not parked", ErrOperation, transaction, id)
		}
		t.State = TransactionSent
		if err := w.saveTransaction(ctx, *t); err != nil {
			return err
		}
		return w.enqueue(ctx, *t)
	})
	return err
}

const deleteOwed = `
DELETE FROM owed_exchanges WHERE merchant_id = $1 AND order_id = $2 AND transaction = $3 AND (attempts = $4 OR NOT $5)`

// settleOwed deletes the owed row; false means that somebody else has settled it or, when it is to be unclaimed, has
// claimed it since and may have transmitted it.
func (w *work) settleOwed(ctx context.Context, e Owed, unclaimed bool) (bool, error) {
	tag, err := w.tx.Exec(ctx, deleteOwed, e.Merchant, e.Order, e.Transaction, e.Attempts, unclaimed)
	if err != nil {
		return false, fmt.Errorf("settle exchange %d/%d: %w", e.Order, e.Transaction, err)
	}
	return tag.RowsAffected() == 1, nil
}

// Answered records the center's answer to an owed message and everything that follows from it, in one commit. An answer
// to a message that is settled already changes nothing. VerdictOriginal after a transmission of the reversal, after a later
// claim of it, or after a late approval, adopts nothing: the reversal may have worked or may still work, so it goes on.
// network is what the network calls an original that was found approved; empty: nothing.
func (b *Books) Answered(ctx context.Context, e Owed, v Verdict, action, approval, network string) error {
	_, err := b.change(ctx, "answer", e.Merchant, e.Order, func(w *work) error {
		original := w.order.Transaction(deref(e.Original))
		if original == nil {
			return fmt.Errorf("%w: exchange %d/%d names no original", ErrOperation, e.Order, e.Transaction)
		}
		if v == VerdictOriginal && !adoptable(e, original) {
			return nil
		}
		if ok, err := w.settleOwed(ctx, e, v == VerdictOriginal); err != nil || !ok {
			return err
		}
		if cannotEnd(e, v, original) {
			return w.park(ctx, e, fmt.Sprintf("the center refused the message with action code %s", action))
		}
		if err := w.closeTransaction(ctx, e, v, action, approval); err != nil {
			return err
		}
		if v == VerdictOriginal {
			original.NetworkID = network
		}
		return w.follow(ctx, e, v, original, action, approval)
	})
	return err
}

// adoptable tells that an inquiry may still turn an unknown payment into a successful one.
func adoptable(e Owed, original *Transaction) bool {
	return original.State == TransactionUnknown && e.Kind == Reversal && e.Attempts <= 1
}

// cannotEnd tells that the answer leaves money where it should not be, and that no further message of ours helps: the
// refusal of a reversal, or of the refund of a purchase that the merchant was never told of; and a cleared authorization
// that we never presented. The reversal of a purchase whose money is known to have moved ends as a refund instead.
func cannotEnd(e Owed, v Verdict, original *Transaction) bool {
	switch v {
	case VerdictRefused:
		refundable := e.Kind == Refund || e.Kind == Reversal && original.Kind == Purchase
		return !refundable || original.unresolved()
	case VerdictTooLate:
		return original.unresolved() && (original.Kind != Purchase || e.Kind != Reversal)
	default:
		return false
	}
}

func (w *work) closeTransaction(ctx context.Context, e Owed, v Verdict, action, approval string) error {
	t := w.order.Transaction(e.Transaction)
	if t == nil {
		return fmt.Errorf("%w: exchange %d/%d has no transaction", ErrOperation, e.Order, e.Transaction)
	}
	t.State = TransactionApproved
	if v != VerdictDone {
		t.State = TransactionDeclined
	}
	t.AnsweredAt, t.Attempts, t.ActionCode, t.ApprovalCode = &w.moment.at, e.Attempts, action, approval
	return w.saveTransaction(ctx, *t)
}

// follow does what the answer means for the order.
func (w *work) follow(ctx context.Context, e Owed, v Verdict, original *Transaction, action, approval string) error {
	switch {
	case v == VerdictOriginal:
		return w.adopt(ctx, original, action, approval)
	case original.unresolved() && v == VerdictTooLate:
		return w.owe(ctx, Refund, e.Operation, original.Number, nil, e.Amount)
	case original.unresolved():
		return w.resolveUnknown(ctx, original)
	case e.Kind == Refund:
		return w.refundAnswered(ctx, e, v)
	case original.Kind == Purchase:
		return w.purchaseReversed(ctx, e, v, action)
	case v == VerdictTooLate:
		return w.breakOn(ctx, e, "late", "the center says that the authorization is cleared, but its reversal was decided before presentment")
	}
	return nil
}

// breakOn opens a break of a stuck message, once per exchange and cause.
func (w *work) breakOn(ctx context.Context, e Owed, cause, why string) error {
	_, err := breaks.Open(ctx, w.tx, w.moment.at, breaks.Break{Category: breaks.MessageStuck,
		Fingerprint: fmt.Sprintf("%s/%d/%d/%d", cause, e.Merchant, e.Order, e.Transaction), Center: e.Center, Merchant: e.Merchant,
		Order: e.Order, Amount: w.amount(e.Amount), Note: why})
	if err != nil {
		return fmt.Errorf("open break on order %d: %w", e.Order, err)
	}
	return nil
}
