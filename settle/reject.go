package settle

import (
	"context"
	"errors"
	"fmt"

	"settled/internal/postgres"
	"settled/settle/fees"
	"settled/settle/ledger"
	"settled/settle/order"
)

// ErrNotRejected is returned when a record has no unresolved reject.
var ErrNotRejected = errors.New("settle: record is not rejected")

// reject is an unresolved reject under the order's lock.
type reject struct {
	Kind  RecordKind
	Slice int16
	Left  int64 // not yet abandoned
}

var unresolvedReject = spelled(`
SELECT kind, slice, amount - abandoned AS left FROM rejects
WHERE window_id = $1 AND record_id = $2 AND merchant_id = $3 AND order_id = $4 AND state = @RejectUnresolved FOR NO KEY UPDATE`)

func (w *work) reject(ctx context.Context, r RejectedRecord) (reject, error) {
	found, err := postgres.Collect[reject](ctx, w.tx, unresolvedReject, r.Window, r.Record, r.Merchant, r.Order)
	if err != nil {
		return reject{}, err
	}
	if len(found) == 0 {
		return reject{}, fmt.Errorf("%w: %d of window %d", ErrNotRejected, r.Record, r.Window)
	}
	return found[0], nil
}

// Represent presents a rejected record again: a new record of what is left of it in the window open at the commit, which
// supersedes the rejected one (PR-07), under the contract that the order is served under now: what was wrong in the merchant's
// data may have been put right. It returns the new record's id. The slice, or the refund, is then that of the new
// record. ErrNotRejected tells that the reject is resolved already, ErrCardErased that the record cannot name its card any more.
func (b *Books) Represent(ctx context.Context, r RejectedRecord) (int64, error) {
	var record int64
	_, err := b.change(ctx, "represent", r.Merchant, r.Order, func(w *work) error {
		j, err := w.reject(ctx, r)
		if err != nil {
			return err
		}
		record, err = w.represent(ctx, r, j)
		return err
	})
	return record, err
}

const presentAgain = `
INSERT INTO records (window_id, record_id, merchant_id, order_id, operation, kind, amount, currency, exchange_id, born_at,
	authorized_at, slice, sequence, final, card_expiry, approval_code, card, supersedes, security, network_id,
	interchange_back, mdr_back, contract_id)
SELECT $4, $5, merchant_id, order_id, operation, kind, $6, currency, exchange_id, $7, authorized_at, slice, sequence, final,
	card_expiry, approval_code, card, record_id, security, network_id, interchange_back, mdr_back, $8
FROM records WHERE window_id = $1 AND record_id = $2 AND merchant_id = $3 AND card <> ''
RETURNING operation`

func (w *work) represent(ctx context.Context, r RejectedRecord, j reject) (int64, error) {
	window, err := w.moment.window(w.center.ID)
	if err != nil {
		return 0, err
	}
	id, err := w.books.ids.next(ctx, recordName, recordBlock)
	if err != nil {
		return 0, err
	}
	var operation int16
	err = w.tx.QueryRow(ctx, presentAgain, r.Window, r.Record, r.Merchant, window, id, j.Left, w.moment.at, w.route.Contract).Scan(&operation)
	if isNotFound(err) {
		return 0, fmt.Errorf("%w: record %d", ErrCardErased, r.Record)
	}
	if err != nil {
		return 0, fmt.Errorf("present record %d again: %w", r.Record, err)
	}
	if err := w.resolveReject(ctx, r, RejectSuperseded); err != nil {
		return 0, err
	}
	_, err = w.tx.Exec(ctx, `UPDATE operations SET record_id = $4, window_id = $5 WHERE merchant_id = $1 AND order_id = $2 AND operation = $3 AND record_id = $6`,
		r.Merchant, r.Order, operation, id, window, r.Record)
	if err != nil {
		return 0, fmt.Errorf("note record of order %d: %w", r.Order, err)
	}
	rule := ledger.SalePresentedAgain
	if j.Kind == Credit {
		rule = ledger.CreditPresentedAgain
	}
	w.postRecord(rule, operation, ledger.PhaseDone, id, j.Left)
	return id, nil
}

// postRecord adds a journal of a record's own: its birth from a rejected one, or its end.
func (w *work) postRecord(rule ledger.Rule, operation int16, phase ledger.Phase, record, amount int64) {
	w.post(rule, operation, phase, amount, false)
	p := &w.postings[len(w.postings)-1]
	p.Source, p.SourceID = ledger.FromRecord, record
}

func (w *work) resolveReject(ctx context.Context, r RejectedRecord, state RejectState) error {
	_, err := w.tx.Exec(ctx, `UPDATE rejects SET state = $4, abandoned = CASE $4 WHEN $5 THEN amount ELSE abandoned END
		WHERE window_id = $1 AND record_id = $2 AND merchant_id = $3`, r.Window, r.Record, r.Merchant, state, RejectAbandoned)
	if err != nil {
		return fmt.Errorf("resolve reject of record %d: %w", r.Record, err)
	}
	return w.closeAside(ctx, r.Record)
}

// AbandonCredit gives up a rejected credit: the refund has failed for good, the money is available to the merchant again
// (PR-08b), and the order is as if the refund had not been asked for; its operation keeps its result and says so. A
// rejected sale is given up by a cancel of its slice. ErrNotRejected tells that the reject is resolved, or is a sale's.
func (b *Books) AbandonCredit(ctx context.Context, r RejectedRecord) (*Order, error) {
	return b.change(ctx, "abandon", r.Merchant, r.Order, func(w *work) error {
		j, err := w.reject(ctx, r)
		if err != nil {
			return err
		}
		if j.Kind != Credit {
			return fmt.Errorf("%w: %d is a sale, which a cancel gives up", ErrNotRejected, r.Record)
		}
		return w.abandonCredit(ctx, r, j)
	})
}

const operationOfRecord = `SELECT operation, coalesce(interchange_back, 0), coalesce(mdr_back, 0) FROM records WHERE window_id = $1 AND record_id = $2 AND merchant_id = $3`

func (w *work) abandonCredit(ctx context.Context, r RejectedRecord, j reject) error {
	var operation int16
	var back fees.Back
	err := w.tx.QueryRow(ctx, operationOfRecord, r.Window, r.Record, r.Merchant).Scan(&operation, &back.Interchange, &back.MDR)
	if err != nil {
		return fmt.Errorf("read record %d: %w", r.Record, err)
	}
	w.trigger = order.TriggerRefundFail
	slice, op := w.order.Operation(j.Slice), w.order.Operation(operation)
	if slice == nil || op == nil {
		return fmt.Errorf("%w: record %d has none", ErrOperation, r.Record)
	}
	slice.Refunded -= j.Left
	slice.InterchangeBack -= back.Interchange
	slice.MDRBack -= back.MDR
	w.order.Amounts.Refunded -= j.Left
	op.Note = joinNotes(op.Note, fmt.Sprintf("refund_failed: the center rejected the credit of %v for good", w.amount(j.Left)))
	if err := w.saveOperation(ctx, slice); err != nil {
		return err
	}
	if err := w.saveOperation(ctx, op); err != nil {
		return err
	}
	w.postRecord(ledger.RejectedCreditReturned, operation, ledger.PhaseRefused, r.Record, j.Left)
	if err := w.account().Add(ctx, w.tx, j.Left); err != nil {
		return err
	}
	return w.resolveReject(ctx, r, RejectAbandoned)
}
