package settle

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"settled/internal/postgres"
	"settled/settle/ledger"
	"settled/settle/order"
	"settled/settle/subscription"
	"settled/settle/wish"

	"github.com/jackc/pgx/v5"
)

// outcomeRow is an outcome as its statement takes it.
type outcomeRow struct {
	*outcome
	status              order.Status
	amounts             order.Amounts
	holdUntil           *time.Time // nil: nothing is held
	record              *int64     // nil: there is no clearing record, and no window
	window              *int32
	rule, debit, credit *int16 // of the first posting; nil: nothing is posted
	day                 time.Time
	tell                bool // the merchant's server is told
}

var outcomeColumns = postgres.Columns[*outcomeRow]{
	postgres.ColumnOf("merchant", "int", func(r *outcomeRow) int32 { return r.Merchant.ID }),
	postgres.ColumnOf("id", "bigint", func(r *outcomeRow) int64 { return r.Order }),
	postgres.ColumnOf("status", "smallint", func(r *outcomeRow) order.Status { return r.status }),
	postgres.ColumnOf("authorized", "bigint", func(r *outcomeRow) int64 { return r.amounts.Authorized }),
	postgres.ColumnOf("confirmed", "bigint", func(r *outcomeRow) int64 { return r.amounts.Confirmed }),
	postgres.ColumnOf("hold_until", "timestamptz", func(r *outcomeRow) *time.Time { return r.holdUntil }),
	postgres.ColumnOf("op_state", "smallint", func(r *outcomeRow) OperationState { return r.operationState() }),
	postgres.ColumnOf("amount", "bigint", func(r *outcomeRow) int64 { return r.Amount.Minor }),
	postgres.ColumnOf("response", "text", func(r *outcomeRow) string { return r.Response }),
	postgres.ColumnOf("record", "bigint", func(r *outcomeRow) *int64 { return r.record }),
	postgres.ColumnOf("win", "int", func(r *outcomeRow) *int32 { return r.window }),
	postgres.ColumnOf("txn_state", "smallint", func(r *outcomeRow) TransactionState { return r.transactionState() }),
	postgres.ColumnOf("action", "text", func(r *outcomeRow) string { return r.ActionCode }),
	postgres.ColumnOf("approval", "text", func(r *outcomeRow) string { return r.ApprovalCode }),
	postgres.ColumnOf("expiry", "text", func(r *outcomeRow) string { return r.cardExpiry }),
	postgres.ColumnOf("card", "bytea", func(r *outcomeRow) []byte { return r.card }),
	postgres.ColumnOf("currency", "smallint", func(r *outcomeRow) int16 { return int16(r.Amount.Currency) }),
	postgres.ColumnOf("rule", "smallint", func(r *outcomeRow) *int16 { return r.rule }),
	postgres.ColumnOf("debit", "smallint", func(r *outcomeRow) *int16 { return r.debit }),
	postgres.ColumnOf("credit", "smallint", func(r *outcomeRow) *int16 { return r.credit }),
	postgres.ColumnOf("day", "date", func(r *outcomeRow) time.Time { return r.day }),
	postgres.ColumnOf("payment", "smallint", func(r *outcomeRow) int16 { return r.Operation }),
	postgres.ColumnOf("txn", "smallint", func(r *outcomeRow) int16 { return r.Transaction }),
	postgres.ColumnOf("pay_before", "timestamptz", func(r *outcomeRow) *time.Time { return r.payBefore }),
	postgres.ColumnOf("tell", "boolean", func(r *outcomeRow) bool { return r.tell }),
	postgres.ColumnOf("security", "text", func(r *outcomeRow) string { return r.Security }),
	postgres.ColumnOf("network", "text", func(r *outcomeRow) string { return r.NetworkID }),
	postgres.ColumnOf("contract", "int", func(r *outcomeRow) int32 { return r.Route.Contract }),
}

// The statement takes one row per outcome; the exchange that it deletes decides who is first.
var insertOutcomes = outcomeColumns.Statement(`
WITH d AS (
	DELETE FROM owed_exchanges e
	USING unnest(`+outcomeColumns.Arrays(1)+`) WITH ORDINALITY AS i (`+outcomeColumns.Names()+`, place)
	WHERE e.merchant_id = i.merchant AND e.order_id = i.id AND e.transaction = i.txn AND e.kind IN (@authorization, @purchase) AND e.attempts = 0
	RETURNING i.*, e.exchange_id, e.created_at, e.transmitted_at, e.kind, e.center_id
), u AS (
	UPDATE orders o SET status = d.status, authorized = d.authorized, confirmed = d.confirmed, hold_expires_at = d.hold_until
	FROM d WHERE o.merchant_id = d.merchant AND o.order_id = d.id
), op AS (
	INSERT INTO operations (merchant_id, order_id, operation, kind, state, actor, amount, response, requested_at, completed_at, record_id, window_id)
	SELECT merchant, id, payment, @operation, op_state, @actor, amount, response, created_at, @at, record, win FROM d
	ON CONFLICT (merchant_id, order_id, operation) DO UPDATE SET state = excluded.state, response = excluded.response,
		completed_at = excluded.completed_at, record_id = excluded.record_id, window_id = excluded.window_id
), t AS (
	INSERT INTO transactions (merchant_id, order_id, transaction, operation, kind, state, amount, exchange_id, transmitted_at, answered_at,
		action_code, approval_code, security, network_id, contract_id)
	SELECT merchant, id, txn, payment, kind, txn_state, amount, exchange_id, transmitted_at, @at, action, approval, security, network,
		CASE WHEN kind = @purchase AND txn_state = @approved THEN contract ELSE 0 END FROM d
), h AS (
	INSERT INTO open_holds (expires_at, merchant_id, order_id, center_id)
	SELECT hold_until, merchant, id, center_id FROM d WHERE hold_until IS NOT NULL
), r AS (
	INSERT INTO records (window_id, record_id, merchant_id, order_id, operation, kind, amount, currency, exchange_id, born_at,
		authorized_at, slice, sequence, final, card_expiry, approval_code, card, security, network_id, contract_id)
	SELECT win, record, merchant, id, payment, @sale, amount, currency, exchange_id, @at, transmitted_at, payment, 1, true, expiry, approval, card,
		security, network, contract
	FROM d WHERE record IS NOT NULL
), q AS (
	DELETE FROM open_orders q USING d
	WHERE d.status <> @in_process AND q.pay_before = d.pay_before AND q.merchant_id = d.merchant AND q.order_id = d.id
), p AS (
	INSERT INTO postings (merchant_id, source, source_id, seq, phase, line, rule, debit, credit, center_id, currency, amount, at, accounting_date)
	SELECT merchant, @source, id, payment, @phase, 0, rule, debit, credit, center_id, currency, amount, @at, day FROM d WHERE rule IS NOT NULL
), n AS (
	INSERT INTO notifications (merchant_id, order_id, operation, sequence, created_at, due_at)
	SELECT merchant, id, payment, 1, @at, @at FROM d WHERE tell
)
SELECT place FROM d`, "at timestamptz", "authorization smallint", "purchase smallint", "operation smallint", "actor smallint", "approved smallint", "sale smallint",
	"in_process smallint", "source smallint", "phase smallint")

// writeOutcomes inserts the outcomes of a group. An item whose exchange was given up before, or of whose exchange the group has
// another word that was taken, stays not fresh: the statement tells items by their place in the group.
func (b *Books) writeOutcomes(ctx context.Context, tx pgx.Tx, group []*item) error {
	if len(group) == 0 {
		return nil
	}
	centers := make([]int16, len(group))
	for i, it := range group {
		centers[i] = it.finish.Route.Center.ID
	}
	m, err := b.enter(ctx, tx, centers...)
	if err != nil {
		return err
	}
	all := make([]*outcomeRow, len(group))
	places := make(map[int64]*item, len(group))
	more := map[*item][]ledger.Posting{}
	for i, it := range group {
		postings, err := b.paymentPostings(it.finish, m.at)
		if err != nil {
			return fmt.Errorf("order %d: %w", it.finish.Order, err)
		}
		if all[i], err = b.rowOfOutcome(it.finish, m, postings); err != nil {
			return err
		}
		places[int64(i+1)] = it
		if len(postings) > 1 {
			more[it] = postings
		}
	}
	rows, err := tx.Query(ctx, insertOutcomes, outcomeColumns.Args(all, m.at, Authorization, Purchase, OperationPayment, ByMerchant, TransactionApproved, Sale,
		order.InProcess, ledger.FromOrder, ledger.PhaseDone)...)
	if err != nil {
		return fmt.Errorf("insert %d outcomes: %w", len(group), err)
	}
	if err := markFresh(rows, places); err != nil {
		return fmt.Errorf("insert %d outcomes: %w", len(group), err)
	}
	for i, it := range group {
		if it.fresh && all[i].rule != nil {
			b.ledger.Count(ledger.Rule(*all[i].rule), 1)
		}
	}
	if err := b.postFees(ctx, tx, more); err != nil {
		return err
	}
	return b.followOutcomes(ctx, tx, m.at, group)
}

// followOutcomes does for a group what followUp does for one order.
func (b *Books) followOutcomes(ctx context.Context, tx pgx.Tx, at time.Time, group []*item) error {
	var approvals []wish.Approval
	var parents []*outcome
	var merchants []int32
	var ended []int64
	for _, it := range group {
		o := it.finish
		status, _ := o.after(o.Result)
		switch {
		case !it.fresh || o.payBefore == nil || status == order.InProcess:
		case o.parent != 0:
			parents = append(parents, o)
		case o.Approved:
			approvals = append(approvals, wish.Approval{Merchant: o.Merchant.ID, Order: o.Order})
		default:
			merchants, ended = append(merchants, o.Merchant.ID), append(ended, o.Order)
		}
	}
	if len(ended) > 0 {
		if err := wish.Drop(ctx, tx, merchants, ended); err != nil {
			return err
		}
	}
	if err := followLater(ctx, tx, parents); err != nil {
		return err
	}
	return b.wishes.Fulfil(ctx, tx, at, approvals)
}

// followLater notes later payments with their subscriptions, which are locked in the order of their numbers.
func followLater(ctx context.Context, tx pgx.Tx, ended []*outcome) error {
	slices.SortFunc(ended, func(a, b *outcome) int {
		return cmp.Or(cmp.Compare(a.Merchant.ID, b.Merchant.ID), cmp.Compare(a.parent, b.parent))
	})
	for _, o := range ended {
		if err := subscription.Note(ctx, tx, o.Merchant.ID, o.parent); err != nil {
			return err
		}
	}
	return nil
}

// postFees posts the further lines of journals whose first line the outcome statement wrote.
func (b *Books) postFees(ctx context.Context, tx pgx.Tx, more map[*item][]ledger.Posting) error {
	var accrued []ledger.Posting
	for it, postings := range more {
		if it.fresh {
			for n, p := range postings[1:] {
				p.Phase = ledger.PhaseVerdict
				p.Line = int16(n)
				accrued = append(accrued, p)
			}
		}
	}
	return b.ledger.Post(ctx, tx, accrued)
}

// rowOfOutcome completes an outcome at its moment.
func (b *Books) rowOfOutcome(o *outcome, m moment, postings []ledger.Posting) (*outcomeRow, error) {
	o.CompletedAt = m.at
	r := &outcomeRow{outcome: o, holdUntil: o.heldUntil(m.at), day: b.ledger.Date(m.at)}
	r.status, r.amounts = o.after(o.Result)
	r.tell = o.Merchant.Notify.tells(r.status, o.Approved)
	if len(postings) > 0 {
		spec := postings[0].Rule.Spec()
		rule, debit, credit := int16(spec.Rule), int16(spec.Debit), int16(spec.Credit)
		r.rule, r.debit, r.credit = &rule, &debit, &credit
	}
	if o.record == 0 {
		return r, nil
	}
	window, err := m.window(o.Route.Center.ID)
	r.record, r.window = &o.record, &window
	return r, err
}

// postings of the outcome. For an approval the first is the event itself; a single-message purchase adds its costs and
// the MDR, because its approval is its acceptance.
func (b *Books) paymentPostings(o *outcome, at time.Time) ([]ledger.Posting, error) {
	if !o.Approved {
		return nil, nil
	}
	key := ledger.Key{Merchant: o.Merchant.ID, Source: ledger.FromOrder, SourceID: o.Order, Seq: o.Operation}
	post := ledger.Posting{Key: key, Amount: o.Amount.Minor, Currency: o.Amount.Currency, Center: o.Route.Center.ID, At: at}
	switch {
	case o.TwoStage:
		post.Rule = ledger.HoldPlaced
	case o.Kind == Authorization:
		post.Rule = ledger.SliceConfirmed
	default:
		post.Rule = ledger.PurchaseApproved
		accrued, err := o.Route.Terms().OfSaleAtOnce(post)
		return append([]ledger.Posting{post}, accrued...), err
	}
	return []ledger.Posting{post}, nil
}
