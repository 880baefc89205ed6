package settle

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"settled/settle/ledger"
	"settled/settle/order"

	"github.com/jackc/pgx/v5"
)

// Result is what a center answered to a payment.
type Result struct {
	Approved     bool
	ActionCode   string // as the center sent it
	ApprovalCode string // 6 characters at most, empty unless approved
	Response     string // the merchant's response code, such as AS000
	NetworkID    string // the network's name of an approved payment, 15 characters at most; empty: it has none
}

// outcome is what a lane writes for a Finish.
type outcome struct {
	Payment
	Result
	record int64 // id of the clearing record; 0 when there is none
}

// Finish writes the outcome of a payment durably: the operation and the transaction, and for an approval the hold, or
// the clearing record, and its postings. ErrLate means that the exchange had already been given up as unknown: the
// approval is then on its way to be reversed, and nothing was changed.
func (b *Books) Finish(ctx context.Context, p *Payment, r Result) error {
	if err := order.Check(p.trigger(r), order.StateInProcess, p.stateAfter(r)); err != nil {
		return err
	}
	out := &outcome{Payment: *p, Result: r}
	if out.presents() {
		var err error
		if out.record, err = b.ids.next(ctx, recordName, recordBlock); err != nil {
			return err
		}
	}
	task := &item{finish: out}
	if err := b.lane(p.Merchant.ID).do(ctx, task); err != nil {
		return fmt.Errorf("finish order %d: %w", p.Order, err)
	}
	if !task.fresh {
		return fmt.Errorf("%w: order %d", ErrLate, p.Order)
	}
	p.CompletedAt = out.CompletedAt
	return nil
}

func (p *Payment) trigger(r Result) order.Trigger {
	switch {
	case !r.Approved && p.TriesLeft > 0:
		return order.TriggerTry
	case !r.Approved:
		return order.TriggerDecline
	case p.TwoStage:
		return order.TriggerHold
	case p.Kind == Purchase:
		return order.TriggerPurchase
	default:
		return order.TriggerApprove
	}
}

func (p *Payment) stateAfter(r Result) order.State {
	status, a := p.after(r)
	return order.StateOf(status, a)
}

// after is the status and the amounts of the order once the result is in.
func (p *Payment) after(r Result) (order.Status, order.Amounts) {
	switch {
	case !r.Approved && p.TriesLeft > 0:
		return order.InProcess, order.Amounts{}
	case !r.Approved:
		return order.Declined, order.Amounts{}
	case p.TwoStage:
		return order.Paid, order.Amounts{Authorized: p.Amount.Minor}
	default:
		return order.Paid, order.Amounts{Authorized: p.Amount.Minor, Confirmed: p.Amount.Minor}
	}
}

// presents tells that the outcome is born with a clearing record: an approved one-stage payment of a center that clears
// by file.
func (o *outcome) presents() bool { return o.Approved && !o.TwoStage && o.Kind == Authorization }

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

// The statement takes one row per outcome; the exchange that it deletes decides who is first.
const insertOutcomes = `
WITH d AS (
	DELETE FROM owed_exchanges e
	USING unnest($1::int[], $2::bigint[], $3::smallint[], $4::bigint[], $5::bigint[], $6::timestamptz[], $7::smallint[],
		$8::bigint[], $9::text[], $10::bigint[], $11::int[], $12::smallint[], $13::text[], $14::text[], $15::text[],
		$16::bytea[], $17::smallint[], $18::smallint[], $19::smallint[], $20::smallint[], $21::date[], $22::smallint[],
		$23::smallint[], $24::timestamptz[], $26::boolean[], $27::text[], $28::text[], $29::int[]) WITH ORDINALITY
		AS i (merchant, id, status, authorized, confirmed, hold_until, op_state, amount, response, record, win, txn_state,
			action, approval, expiry, card, currency, rule, debit, credit, day, payment, txn, pay_before, tell,
			security, network, contract, place)
	WHERE e.merchant_id = i.merchant AND e.order_id = i.id AND e.transaction = i.txn AND e.kind IN (1, 2) AND e.attempts = 0
	RETURNING i.*, e.exchange_id, e.created_at, e.transmitted_at, e.kind, e.center_id
), u AS (
	UPDATE orders o SET status = d.status, authorized = d.authorized, confirmed = d.confirmed, hold_expires_at = d.hold_until
	FROM d WHERE o.merchant_id = d.merchant AND o.order_id = d.id
), op AS (
	INSERT INTO operations (merchant_id, order_id, operation, kind, state, actor, amount, response, requested_at, completed_at, record_id, window_id)
	SELECT merchant, id, payment, 100, op_state, 1, amount, response, created_at, $25, record, win FROM d
	ON CONFLICT (merchant_id, order_id, operation) DO UPDATE SET state = excluded.state, response = excluded.response,
		completed_at = excluded.completed_at, record_id = excluded.record_id, window_id = excluded.window_id
), t AS (
	INSERT INTO transactions (merchant_id, order_id, transaction, operation, kind, state, amount, exchange_id, transmitted_at, answered_at,
		action_code, approval_code, security, network_id, contract_id)
	SELECT merchant, id, txn, payment, kind, txn_state, amount, exchange_id, transmitted_at, $25, action, approval, security, network,
		CASE WHEN kind = 2 AND txn_state = 2 THEN contract ELSE 0 END FROM d
), h AS (
	INSERT INTO open_holds (expires_at, merchant_id, order_id, center_id)
	SELECT hold_until, merchant, id, center_id FROM d WHERE hold_until IS NOT NULL
), r AS (
	INSERT INTO records (window_id, record_id, merchant_id, order_id, operation, kind, amount, currency, exchange_id, born_at,
		authorized_at, slice, sequence, final, card_expiry, approval_code, card, security, network_id, contract_id)
	SELECT win, record, merchant, id, payment, 1, amount, currency, exchange_id, $25, transmitted_at, payment, 1, true, expiry, approval, card,
		security, network, contract
	FROM d WHERE record IS NOT NULL
), q AS (
	DELETE FROM open_orders q USING d
	WHERE d.status <> 1 AND q.pay_before = d.pay_before AND q.merchant_id = d.merchant AND q.order_id = d.id
), p AS (
	INSERT INTO postings (merchant_id, source, source_id, seq, phase, line, rule, debit, credit, center_id, currency, amount, at, accounting_date)
	SELECT merchant, 1, id, payment, 0, 0, rule, debit, credit, center_id, currency, amount, $25, day FROM d WHERE rule IS NOT NULL
), n AS (
	INSERT INTO notifications (merchant_id, order_id, operation, sequence, created_at, due_at)
	SELECT merchant, id, payment, 1, $25, $25 FROM d WHERE tell
)
SELECT place FROM d`

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
	var c outcomeColumns
	places := make(map[int64]*item, len(group))
	more := map[*item][]ledger.Posting{}
	for i, it := range group {
		it.finish.CompletedAt = m.at
		postings, err := b.paymentPostings(it.finish, m.at)
		if err != nil {
			return fmt.Errorf("order %d: %w", it.finish.Order, err)
		}
		if err := c.add(it.finish, m, postings, b.ledger.Date(m.at)); err != nil {
			return err
		}
		places[int64(i+1)] = it
		if len(postings) > 1 {
			more[it] = postings
		}
	}
	rows, err := tx.Query(ctx, insertOutcomes, append(c.args(), m.at, c.tell, c.security, c.network, c.contract)...)
	if err != nil {
		return fmt.Errorf("insert %d outcomes: %w", len(group), err)
	}
	if err := markFresh(rows, places); err != nil {
		return fmt.Errorf("insert %d outcomes: %w", len(group), err)
	}
	for i, it := range group {
		if it.fresh && c.rule[i] != nil {
			b.ledger.Count(ledger.Rule(*c.rule[i]), 1)
		}
	}
	if err := b.postFees(ctx, tx, more); err != nil {
		return err
	}
	return b.followOutcomes(ctx, tx, m.at, group)
}

// followOutcomes does for a group what followUp does for one order.
func (b *Books) followOutcomes(ctx context.Context, tx pgx.Tx, at time.Time, group []*item) error {
	var approvals []approval
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
			approvals = append(approvals, approval{merchant: o.Merchant.ID, order: o.Order})
		default:
			merchants, ended = append(merchants, o.Merchant.ID), append(ended, o.Order)
		}
	}
	if len(ended) > 0 {
		if err := b.dropWishes(ctx, tx, merchants, ended); err != nil {
			return err
		}
	}
	if err := b.followLater(ctx, tx, parents); err != nil {
		return err
	}
	return b.fulfil(ctx, tx, at, approvals)
}

// followLater notes later payments with their subscriptions, which are locked in the order of their numbers.
func (b *Books) followLater(ctx context.Context, tx pgx.Tx, ended []*outcome) error {
	slices.SortFunc(ended, func(a, b *outcome) int {
		return cmp.Or(cmp.Compare(a.Merchant.ID, b.Merchant.ID), cmp.Compare(a.parent, b.parent))
	})
	for _, o := range ended {
		if err := b.noteLater(ctx, tx, o.Merchant.ID, o.parent); err != nil {
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

type outcomeColumns struct {
	merchant                           []int32
	id, authorized, confirmed, amount  []int64
	status, opState, txnState          []int16
	holdUntil                          []*time.Time
	response, action, approval, expiry []string
	record                             []*int64
	window                             []*int32
	contract                           []int32
	card                               [][]byte
	currency                           []int16
	rule, debit, credit                []*int16
	day                                []time.Time
	payment, txn                       []int16
	security, network                  []string
	payBefore                          []*time.Time
	tell                               []bool
}

func (c *outcomeColumns) args() []any {
	return []any{c.merchant, c.id, c.status, c.authorized, c.confirmed, c.holdUntil, c.opState, c.amount, c.response, c.record,
		c.window, c.txnState, c.action, c.approval, c.expiry, c.card, c.currency, c.rule, c.debit, c.credit, c.day, c.payment, c.txn,
		c.payBefore}
}

func (c *outcomeColumns) add(o *outcome, m moment, postings []ledger.Posting, day time.Time) error {
	status, a := o.after(o.Result)
	c.merchant = append(c.merchant, o.Merchant.ID)
	c.id = append(c.id, o.Order)
	c.status = append(c.status, int16(status))
	c.authorized = append(c.authorized, a.Authorized)
	c.confirmed = append(c.confirmed, a.Confirmed)
	c.holdUntil = append(c.holdUntil, o.holdUntil(m.at))
	c.opState = append(c.opState, int16(o.operationState()))
	c.txnState = append(c.txnState, int16(o.transactionState()))
	c.amount = append(c.amount, o.Amount.Minor)
	c.response = append(c.response, o.Response)
	c.action = append(c.action, o.ActionCode)
	c.approval = append(c.approval, o.ApprovalCode)
	c.expiry = append(c.expiry, o.cardExpiry)
	c.card = append(c.card, o.card)
	c.currency = append(c.currency, int16(o.Amount.Currency))
	c.day = append(c.day, day)
	c.payment = append(c.payment, o.Operation)
	c.txn = append(c.txn, o.Transaction)
	c.payBefore = append(c.payBefore, o.payBefore)
	c.security = append(c.security, o.Security)
	c.network = append(c.network, o.NetworkID)
	c.contract = append(c.contract, o.Route.Contract)
	c.tell = append(c.tell, o.Merchant.Notify.tells(status, o.Approved))
	c.addRule(postings)
	return c.addRecord(o, m)
}

func (c *outcomeColumns) addRule(postings []ledger.Posting) {
	if len(postings) == 0 {
		c.rule, c.debit, c.credit = append(c.rule, nil), append(c.debit, nil), append(c.credit, nil)
		return
	}
	spec := postings[0].Rule.Spec()
	rule, debit, credit := int16(spec.Rule), int16(spec.Debit), int16(spec.Credit)
	c.rule, c.debit, c.credit = append(c.rule, &rule), append(c.debit, &debit), append(c.credit, &credit)
}

func (c *outcomeColumns) addRecord(o *outcome, m moment) error {
	if o.record == 0 {
		c.record, c.window = append(c.record, nil), append(c.window, nil)
		return nil
	}
	w, err := m.window(o.Route.Center.ID)
	if err != nil {
		return err
	}
	c.record, c.window = append(c.record, &o.record), append(c.window, &w)
	return nil
}

func (o *outcome) holdUntil(at time.Time) *time.Time {
	if !o.Approved || !o.TwoStage {
		return nil
	}
	until := at.Add(o.Route.holdFor(o.Later))
	return &until
}

func (o *outcome) operationState() OperationState {
	if o.Approved {
		return OperationDone
	}
	return OperationFailed
}

func (o *outcome) transactionState() TransactionState {
	if o.Approved {
		return TransactionApproved
	}
	return TransactionDeclined
}
