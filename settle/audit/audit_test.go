package audit_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"settled/internal/money"
	"settled/internal/postgres/pgtest"
	"settled/internal/postgres/roles"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/audit"
	"settled/settle/authentication"
	"settled/settle/order"
	"settled/settle/settletest"
	"settled/settle/subscription"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func byn(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: money.BYN} }

// books are a world in which everything that can happen to an order has happened.
type books struct {
	*settletest.World
	t *testing.T
}

func (b books) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b books) confirm(id int64, minor int64, autoDeposit bool) {
	b.t.Helper()
	amount := byn(minor)
	_, err := b.Books.Confirm(b.t.Context(), settle.ConfirmRequest{Merchant: settletest.Merchant, Order: id, Amount: &amount, AutoDeposit: autoDeposit, Actor: settle.ByMerchant})
	b.must(err)
}

func (b books) cancel(id int64, amount *money.Amount) {
	b.t.Helper()
	_, err := b.Books.Cancel(b.t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: id, Amount: amount, Actor: settle.ByOperator})
	b.must(err)
}

// live makes the good books: two nights with rejects, refunds by file and online, unknown outcomes, an expiry, a roll-up.
func live(t *testing.T) books {
	b := books{settletest.New(t, settletest.WithBank), t}
	b.opened()
	ten := byn(1000)
	b.Pay(t, settletest.Payment{Number: "one stage", Amount: byn(10000)})
	sold := b.Pay(t, settletest.Payment{Number: "refunded", Amount: byn(7000)})
	refused := b.Pay(t, settletest.Payment{Number: "rejected", Amount: byn(1230)})
	partly := b.Pay(t, settletest.Payment{Number: "partly abandoned", Amount: byn(5000)})
	two := b.Pay(t, settletest.Payment{Number: "two stages", Amount: byn(23740), TwoStage: true})
	b.confirm(two, 15000, true)
	slices := b.Pay(t, settletest.Payment{Number: "slices", Amount: byn(8000), TwoStage: true})
	b.confirm(slices, 3000, false)
	b.confirm(slices, 2000, false)
	b.cancel(b.Pay(t, settletest.Payment{Number: "void", Amount: byn(4550)}), nil)
	b.cancel(b.Pay(t, settletest.Payment{Number: "reduced", Amount: byn(6000)}), &ten)
	purchase := b.Pay(t, settletest.Payment{Number: "purchase", Amount: money.Amount{Minor: 4000, Currency: money.USD}})
	b.AnswerAll(t, settle.VerdictDone, "400")
	first := b.Night(t, settletest.FileCenter)
	rejects := b.Reply(t, first[0], settletest.Rejected{Order: refused, Slice: 1, Kind: settle.Sale}, settletest.Rejected{Order: partly, Slice: 1, Kind: settle.Sale})
	_, err := b.Books.Represent(t.Context(), rejects[0])
	b.must(err)
	b.cancel(partly, &ten)
	b.cancel(sold, &ten)
	b.Clock.Advance(8 * time.Hour)
	b.cancel(purchase, nil)
	b.Pay(t, settletest.Payment{Number: "held", Amount: byn(50000), TwoStage: true})
	b.Pay(t, settletest.Payment{Number: "open", Amount: byn(900)})
	unknown := b.Begin(t, settletest.Payment{Number: "unknown", Amount: byn(9999)})
	b.must(b.Books.GiveUp(t.Context(), settletest.Merchant, unknown.Order, unknown.Transaction))
	b.Begin(t, settletest.Payment{Number: "in process", Amount: byn(100)})
	b.Night(t, settletest.FileCenter)
	b.Clock.Advance(time.Minute)
	if n, err := b.Books.RollUpDue(t.Context()); n != 1 || err != nil {
		t.Fatalf("rolled up %d days, %v", n, err)
	}
	b.file()
	b.expire()
	return b
}

// file writes what the builder and the sender would have: a number and a delivered file per batch.
func (b books) file() {
	_, err := b.Pool.Exec(b.t.Context(), `WITH f AS (
		INSERT INTO files (batch_id, bytes, planned_at, built_at, delivered_at, deadline_at, next_attempt_at, sequence, messages, center_id, build,
			stream, scope, name, logical_id, state, proof, sha256)
		SELECT batch_id, 1, sealed_at, sealed_at, sealed_at, sealed_at, sealed_at, row_number() OVER (ORDER BY batch_id), sales_count + credits_count + 2,
			center_id, 1, stream, '', 'F' || batch_id, 'L' || batch_id, 'delivered', 'hash', '\x00' FROM batches RETURNING center_id, stream, sequence)
		INSERT INTO file_sequences (center_id, stream, scope, last) SELECT center_id, stream, '', max(sequence) FROM f GROUP BY 1, 2`)
	b.must(err)
}

// expire lets the hold of "slices" end and its sweep run, and leaves what was begun to be given up.
func (b books) expire() {
	b.Clock.Advance(48*time.Hour - b.Clock.Now().Sub(settletest.Start))
	_, err := b.Books.ExpireDue(b.t.Context(), 100)
	b.must(err)
	_, err = b.Books.GiveUpDue(b.t.Context(), 100)
	b.must(err)
}

// opened makes orders that are paid after they were opened: by a bank, with 3-D Secure, as a subscription, not at all.
func (b books) opened() {
	m, _ := b.Dir.Merchant(settletest.Merchant)
	open := func(number string, amount money.Amount, terms *subscription.Terms) int64 {
		o, _, err := b.Books.Open(b.t.Context(), settle.OpenRequest{Merchant: m, OrderNumber: number, Original: amount, Means: order.MeansCard, Tries: 2,
			PayBefore: b.Clock.Now().Add(time.Hour), Fingerprint: settle.Fingerprint{Kept: []byte(number)}, Terms: terms})
		b.must(err)
		return o.ID
	}
	pan, err := vault.ParsePAN(settletest.Card)
	b.must(err)
	card := func(id int64) settle.PayRequest {
		return settle.PayRequest{Merchant: settletest.Merchant, Order: id, Means: order.MeansCard, PAN: pan, CardExpiry: "2812"}
	}
	approve := func(p *settle.Payment, err error) {
		b.must(err)
		b.must(b.Books.Finish(b.t.Context(), p, settle.Result{Approved: true, ActionCode: "000", ApprovalCode: "A1B2C3", Response: "AS000"}))
	}
	for _, number := range []string{"by bank", "by bank, waiting"} {
		p, err := b.Books.BeginInstant(b.t.Context(), settletest.Merchant, open(number, money.Amount{Minor: 700, Currency: money.RUB}, nil), b.Clock.Now().Add(10*time.Minute))
		b.must(err)
		if number == "by bank" {
			_, err = b.Books.InstantMade(b.t.Context(), p.Merchant, p.Order, p.Operation, settle.Paid{Center: p.Center, Operation: "A1", Amount: p.Amount, At: b.Clock.Now()})
			b.must(err)
		}
	}
	_, err = b.Books.Cancel(b.t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: open("withdrawn", byn(700), nil), Actor: settle.ByMerchant})
	b.must(err)
	secure := open("secure", byn(800), nil)
	_, err = b.Books.Authenticate(b.t.Context(), card(secure), authentication.Authentication{ServerID: "s-1"})
	b.must(err)
	approve(b.Books.Authenticated(b.t.Context(), settletest.Merchant, secure, authentication.Authentication{ServerID: "s-1", State: authentication.Passed, Status: "Y"}, ""))
	subscribed := open("subscribed", byn(900), &subscription.Terms{Min: 1, Max: 1000, PeriodDays: 1, LastDate: b.Clock.Now().AddDate(1, 0, 0)})
	approve(b.Books.Pay(b.t.Context(), card(subscribed)))
	b.Clock.Advance(12 * time.Hour) // the earliest that a payment of each day may come after the last one
	defer b.Clock.Advance(-12 * time.Hour)
	later, _, _, err := b.Books.OpenLater(b.t.Context(), settle.OpenRequest{Merchant: m, OrderNumber: "later", Original: byn(900), Tries: 1,
		PayBefore: b.Clock.Now().Add(time.Hour), Fingerprint: settle.Fingerprint{Kept: []byte("later")}, Parent: subscribed})
	b.must(err)
	approve(b.Books.Pay(b.t.Context(), card(later.ID)))
}

func TestGoodBooksAreSilent(t *testing.T) {
	b := live(t)
	report, err := audit.Run(t.Context(), b.Pool, b.Clock.Now(), audit.Options{Vault: b.Vault})
	if err != nil {
		t.Fatal(err)
	}
	if want := len(audit.Checks) + 2 + len(audit.CardChecks); len(report.Findings) != want || len(report.Unchecked) != 0 {
		t.Errorf("%d findings of %d checks, those of texts and events among them, not checked %q", len(report.Findings), want, report.Unchecked)
	}
	if diff := cmp.Diff([]audit.Finding(nil), report.Broken()); diff != "" {
		t.Errorf("violations in good books:\n%s", diff)
	}
}

// inside runs an audit within a transaction that the test rolls back.
type inside struct{ tx pgx.Tx }

func (i inside) BeginTx(ctx context.Context, _ pgx.TxOptions) (pgx.Tx, error) { return i.tx.Begin(ctx) }

// corruptions are damages to good books, and the invariant that each must break. %s is the order number where one is
// named; an order of that number exists in live.
var corruptions = []struct{ invariant, name, sql string }{
	{"INV-1", "credit account changed", `UPDATE postings SET credit = 2020 WHERE rule = 6`},
	{"INV-1", "undo without a swap", `UPDATE postings SET undo = true WHERE rule = 7`},
	{"INV-2", "update allowed", `GRANT UPDATE ON postings TO @app`},
	{"INV-2", "one column may be updated", `GRANT UPDATE (amount) ON records TO @app`},
	{"INV-2", "rules may be added", `GRANT INSERT ON posting_rules TO @app`},
	{"INV-3", "confirmed beyond authorized", `ALTER TABLE orders DROP CONSTRAINT confirmed_and_released_within_authorized;
		UPDATE orders SET released_expiry = authorized WHERE confirmed > 0`},
	{"INV-3", "negative amount", `ALTER TABLE orders DROP CONSTRAINT amounts_not_negative; UPDATE orders SET released_cancel = -1 WHERE ordernumber = 'held'`},
	{"INV-4", "confirmed differs from the slices", `UPDATE orders SET confirmed = confirmed - 1 WHERE ordernumber = 'slices'`},
	{"INV-4", "refunded differs from the slices", `UPDATE orders SET refunded = refunded + 1 WHERE ordernumber = 'refunded'`},
	{"INV-4", "pending refund without an exchange", `UPDATE orders SET refund_pending = 1 WHERE ordernumber = 'refunded'`},
	{"INV-4", "released by the wrong way", `UPDATE orders SET released_cancel = released_deposit, released_deposit = 0 WHERE ordernumber = 'two stages'`},
	{"INV-4", "credit larger than what was given back", `UPDATE records SET amount = amount + 1 WHERE kind = 2`},
	{"INV-4", "reduction lost", `DELETE FROM record_changes WHERE amount > 0`},
	{"INV-4", "refund lost from the slice", `UPDATE operations SET refunded = 0 WHERE refunded = 4000;
		UPDATE orders SET refunded = 0, refund_pending = 0 WHERE ordernumber = 'purchase'`},
	{"INV-5", "record smuggled into an open window", `UPDATE records SET window_id = (SELECT min(window_id) FROM windows WHERE state = 'open')
		WHERE (window_id, record_id) = (SELECT window_id, record_id FROM records ORDER BY record_id LIMIT 1)`},
	{"INV-5", "posting to 1100 lost", `DELETE FROM postings WHERE (source_id, rule) = (SELECT order_id, 6 FROM orders WHERE ordernumber = 'open')`},
	{"INV-5", "verdict without postings", `UPDATE batches SET state = 'replied', replied_at = now(), reply_id = (SELECT min(reply_id) FROM replies) WHERE state = 'sealed'`},
	{"INV-5", "reject forgotten", `DELETE FROM rejects WHERE state = 'rejected'`},
	{"INV-5", "accepted twice", `INSERT INTO postings SELECT source_id, amount, at, accounting_date, merchant_id, source, seq, 9, line, rule, debit, credit, center_id, currency, undo
		FROM postings WHERE rule = 12`},
	{"INV-5", "online refund paid twice", `INSERT INTO postings SELECT source_id, amount, at, accounting_date, merchant_id, source, seq, 9, line, 41, 2050, 1120, center_id, currency, undo
		FROM postings WHERE rule IN (38, 39)`},
	{"INV-6", "record lost", `DELETE FROM records WHERE record_id = (SELECT min(record_id) FROM records)`},
	{"INV-6", "second live record", `INSERT INTO records SELECT record_id + 100000, order_id, amount, exchange_id, born_at, authorized_at, window_id, merchant_id, currency,
		operation, kind, slice, sequence, final, card_expiry, approval_code, card, supersedes, security, network_id FROM records WHERE record_id = (SELECT min(record_id) FROM records)`},
	{"INV-7", "number left out", `UPDATE files SET sequence = sequence + 1 WHERE sequence = (SELECT max(sequence) FROM files)`},
	{"INV-7", "round that does not begin at 1", `INSERT INTO files (batch_id, bytes, planned_at, built_at, delivered_at, deadline_at, next_attempt_at, base, sequence, messages, center_id,
			build, stream, scope, name, logical_id, state, proof, sha256)
		SELECT batch_id, bytes, planned_at, built_at, delivered_at, deadline_at, next_attempt_at, s.last - 1, 2, messages, center_id, 2, stream, scope, 'again', logical_id,
			state, proof, sha256 FROM files f JOIN file_sequences s USING (center_id, stream, scope) WHERE f.sequence = 1 AND s.last > 1 LIMIT 1;
		UPDATE file_sequences s SET last = last + 1, base = last - 1 FROM files f WHERE f.build = 2 AND (s.center_id, s.stream) = (f.center_id, f.stream) AND s.last > 1`},
	{"INV-7", "round unknown to the counter", `UPDATE files SET base = sequence - 1, sequence = 1 WHERE sequence = (SELECT max(sequence) FROM files)`},
	{"INV-7", "file id given twice", `UPDATE files SET logical_id = 'L1'`},
	{"INV-7", "number given past a file that waits", `UPDATE files SET state = 'unnumbered', sha256 = NULL, logical_id = '' WHERE sequence = 1`},
	{"INV-7", "counter set back", `UPDATE file_sequences SET last = last + 1`},
	{"INV-8", "batch total changed", `UPDATE batches SET sales_amount = sales_amount + 1`},
	{"INV-8", "merchant total changed", `UPDATE batch_totals SET amount = amount + 1`},
	{"INV-8", "record counted that was withdrawn", `DELETE FROM record_changes WHERE amount = 0`},
	{"INV-8", "seal posted less", `UPDATE postings SET amount = amount - 1 WHERE rule = 8`},
	{"INV-8", "batch removed", `DELETE FROM files; DELETE FROM batch_totals WHERE batch_id = (SELECT min(batch_id) FROM batches); DELETE FROM batches WHERE batch_id = (SELECT min(batch_id) FROM batches)`},
	{"INV-8", "record set aside without a journal", `UPDATE rejects SET origin = 'hold', class = 'aside', reason = 'x' WHERE state = 'rejected'`},
	{"INV-8", "message missing in the file", `UPDATE files SET messages = messages - 1`},
	{"INV-8", "record born after the cut-off", `UPDATE records SET born_at = born_at + interval '3 days'`},
	{"INV-8", "record born before its window opened", `UPDATE records SET born_at = born_at - interval '30 days' WHERE window_id =
		(SELECT window_id FROM records JOIN windows USING (window_id) ORDER BY cutoff_at DESC LIMIT 1)`},
	{"INV-8", "business date before the one of the window before it", `UPDATE windows SET business_date = business_date - 100 WHERE window_id =
		(SELECT window_id FROM windows WHERE center_id = 1 ORDER BY cutoff_at DESC LIMIT 1)`},
	{"INV-8", "record changed after the seal", `UPDATE record_changes SET at = at + interval '1 day'`},
	{"INV-9", "journal of a confirmation lost", `DELETE FROM postings WHERE rule = 2`},
	{"INV-9", "journal of a cancel lost", `DELETE FROM postings WHERE rule = 7`},
	{"INV-9", "failed payment posted", `UPDATE operations SET state = 4 WHERE kind = 100`},
	{"INV-9", "order removed", `DELETE FROM orders WHERE ordernumber = 'void'`},
	{"INV-9", "operation removed", `DELETE FROM operations WHERE kind = 300`},
	{"INV-10", "hold posted twice", `INSERT INTO postings SELECT source_id, amount, at, accounting_date, merchant_id, source, seq, 9, line, rule, debit, credit, center_id, currency, undo
		FROM postings WHERE rule = 1`},
	{"INV-10", "unknown outcome not posted", `DELETE FROM postings WHERE rule = 4`},
	{"INV-11", "paid without a payment", `UPDATE operations SET state = 4 WHERE operation = 1 AND order_id = (SELECT order_id FROM orders WHERE ordernumber = 'open')`},
	{"INV-11", "declined but in process", `UPDATE orders SET status = 3 WHERE status = 1`},
	{"INV-11", "canceled before payment, by nobody", `UPDATE operations SET reason = 2, kind = 200 WHERE kind = 300 AND amount = 0`},
	{"INV-11", "operation number left out", `UPDATE orders SET operations = operations + 1 WHERE ordernumber = 'slices'`},
	{"INV-11", "hold not in the queue", `DELETE FROM open_holds`},
	{"INV-11", "queue names a finished order", `INSERT INTO open_holds SELECT now(), order_id, merchant_id, center_id FROM orders WHERE ordernumber = 'one stage'`},
	{"INV-11", "instant payment forgotten by its order", `UPDATE instant_payments SET amount = amount + 1 WHERE state = 3`},
	{"INV-11", "3-D Secure noted after the payment", `UPDATE authentications SET state = 4 WHERE state = 3`},
	{"INV-11", "later payment counted twice", `UPDATE subscriptions SET payments = payments + 1`},
	{"INV-11", "opened order lost from its queue", `DELETE FROM open_orders`},
	{"INV-11", "closed order in the queue of open ones", `INSERT INTO open_orders SELECT '2026-03-05', order_id, merchant_id FROM orders WHERE ordernumber = 'secure'`},
	{"INV-32", "MDR of a batch changed", `UPDATE batch_totals SET mdr = mdr + 1`},
	{"INV-32", "interchange of a batch changed", `UPDATE batch_totals SET interchange = interchange + 1 WHERE kind = 2`},
	{"INV-32", "scheme fee of a batch changed", `UPDATE batch_totals SET scheme = scheme + 1`},
	{"INV-32", "processing of a batch changed", `UPDATE batch_totals SET processing = processing + 1`},
	{"INV-32", "price of a batch changed", `UPDATE batch_totals SET mdr_bps = mdr_bps + 100`},
	{"INV-32", "MDR of 1.00 too much posted", `UPDATE postings SET amount = amount + 100 WHERE source = 3 AND rule IN (SELECT rule FROM posting_rules WHERE name = 'PR-10n')`},
	{"INV-32", "interchange of 1.00 too much posted", `UPDATE postings SET amount = amount + 100 WHERE source = 3 AND rule IN (SELECT rule FROM posting_rules WHERE name = 'PR-09i')`},
	{"INV-32", "scheme fee posted twice", `UPDATE postings SET amount = amount * 2 WHERE source = 3 AND rule IN (SELECT rule FROM posting_rules WHERE name = 'PR-09s')`},
	{"INV-32", "processing fee not posted", `DELETE FROM postings WHERE source = 3 AND rule IN (SELECT rule FROM posting_rules WHERE name = 'PR-09p')`},
	{"INV-32", "interchange moved to another merchant", `UPDATE postings SET merchant_id = 100002 WHERE source = 3 AND rule IN (SELECT rule FROM posting_rules WHERE name = 'PR-09i')`},
	{"INV-32", "MDR moved to another center", `UPDATE postings SET center_id = 2 WHERE source = 3 AND rule IN (SELECT rule FROM posting_rules WHERE name = 'PR-10n')`},
	{"INV-32", "price of a single message changed", `UPDATE postings SET amount = amount + 1 WHERE source = 1 AND NOT undo AND rule IN (SELECT rule FROM posting_rules WHERE name = 'PR-10n')`},
	{"INV-32", "single message under another contract", `UPDATE transactions SET contract_id = 999 WHERE kind = 2 AND contract_id > 0`},
	{"INV-32", "costs of a payment that has none", `INSERT INTO postings SELECT source_id, 7, at, accounting_date, merchant_id, source, seq, 50, line, 22, debit, credit, center_id,
		currency, false FROM postings WHERE source = 1 AND rule = 6 LIMIT 1`},
	{"INV-33", "undone what was never posted", `INSERT INTO postings SELECT source_id, amount, at, accounting_date, merchant_id, source, seq, 51, line, rule, credit, debit, center_id,
		currency, true FROM postings p WHERE source = 1 AND NOT undo AND rule IN (SELECT rule FROM posting_rules WHERE name = 'PR-10n') UNION ALL SELECT source_id, amount + 1, at,
		accounting_date, merchant_id, source, seq, 52, line, rule, credit, debit, center_id, currency, true FROM postings WHERE source = 1 AND rule = 6`},
	{"INV-33", "posting of another currency", `UPDATE postings SET currency = 978 WHERE rule = 6`},
	{"INV-33", "seal posted for another center", `UPDATE postings SET center_id = 2 WHERE rule = 8`},
	{"INV-34", "share of a credit changed", `UPDATE records SET mdr_back = mdr_back + 1 WHERE kind = 2`},
	{"INV-34", "interchange that a credit brings changed", `UPDATE records SET interchange_back = interchange_back + 1 WHERE kind = 2`},
	{"INV-34", "what a slice gives back changed", `UPDATE operations SET mdr_back = mdr_back + 1 WHERE refunded > 0`},
	{"INV-34", "share of an online refund changed", `UPDATE transactions SET mdr_back = mdr_back + 1 WHERE kind = 5`},
	{"INV-36", "order of another amount than its payment", `UPDATE orders SET amount = amount + 1 WHERE ordernumber = 'open'`},
	{"INV-36", "payment exchange of another amount", `UPDATE transactions SET amount = amount + 1 WHERE kind = 2`},
	{"INV-36", "what the buyer said changed", `UPDATE orders SET details = coalesce(details, '{}') || '{"comment": "another"}' WHERE ordernumber = 'open'`},
	{"INV-36", "order of two stages made one of one", `UPDATE orders SET two_stage = NOT two_stage WHERE ordernumber = 'held'`},
	{"INV-36", "amount before a conversion changed", `UPDATE orders SET original_amount = 1, original_currency = 840, rate = '1' WHERE ordernumber = 'secure'`},
	{"INV-36", "order that nobody wrote", `UPDATE orders SET asked = NULL WHERE ordernumber = 'secure'`},
	{"INV-36", "terms of a subscription changed", `UPDATE subscriptions SET max_amount = max_amount + 1`},
	{"INV-36", "presented again for less", `UPDATE rejects SET abandoned = 1 WHERE state = 'superseded'`},
	{"INV-31", "wish forgotten at the approval", `INSERT INTO wishes (order_id, wished_at, merchant_id, kind, operation)
		SELECT order_id, created_at, merchant_id, 1, 0 FROM orders WHERE ordernumber = 'secure'`},
	{"INV-31", "due wish that nobody tries", `INSERT INTO wishes (order_id, wished_at, due_at, merchant_id, kind, operation)
		SELECT order_id, created_at, created_at, merchant_id, 2, 0 FROM orders WHERE ordernumber = 'secure'`},
	{"INV-31", "subscription not begun", `UPDATE subscriptions SET state = 1`},
	{"INV-31", "end of a later payment not noted", `UPDATE subscription_payments SET state = 1`},
	{"INV-13", "posting into a rolled day", `UPDATE postings SET accounting_date = (SELECT max(accounting_date) FROM rolled_days) WHERE rule = 4`},
	{"INV-14", "balance changed", `UPDATE balances SET debit = debit + 1 WHERE code = 1100`},
	{"INV-14", "balance row lost", `DELETE FROM balances WHERE code = 2010`},
	{"INV-15", "reply withdrawn after its verdict", `UPDATE replies SET state = 'quarantined'`},
	{"INV-15", "file answered twice", `UPDATE replies SET file_id = 1; INSERT INTO replies (bytes, fetched_at, decided_at, center_id, name, state, sha256, file_id)
		VALUES (1, now(), now(), 1, 'again', 'applied', '\x01', 1)`},
	{"INV-15", "reject of another amount", `UPDATE rejects SET amount = amount + 1`},
	{"INV-16", "funds without a posting", `INSERT INTO funds VALUES (5, 100001, 933)`},
	{"INV-17", "expiry forgotten", `UPDATE orders SET hold_expires_at = hold_expires_at - interval '9 days' WHERE ordernumber = 'held'`},
	{"INV-18", "reversal lost", `DELETE FROM owed_exchanges WHERE kind = 3`},
	{"INV-18", "payment never given up", `INSERT INTO owed_exchanges (order_id, amount, exchange_id, created_at, transmitted_at, due_at, merchant_id, center_id, transaction, operation, kind)
		SELECT order_id, amount, 999, '2026-03-01', '2026-03-01', '2026-03-01', merchant_id, center_id, 1, 1, 1 FROM orders WHERE ordernumber = 'open'`},
	{"INV-19", "owed exchange lost", `DELETE FROM owed_exchanges WHERE kind IN (4, 5)`},
	{"INV-20", "sealed sale reversed", `INSERT INTO transactions (order_id, amount, exchange_id, transmitted_at, merchant_id, transaction, operation, original, kind, state)
		SELECT order_id, 1, 999, now(), merchant_id, 9, 1, 1, 4, 2 FROM orders WHERE ordernumber = 'one stage'`},
	{"INV-20", "reversed and presented", `INSERT INTO records SELECT record_id + 100000, order_id, 5000, exchange_id, born_at, authorized_at, window_id, merchant_id, currency,
		operation, kind, slice, sequence, final, card_expiry, approval_code, card, supersedes, security, network_id FROM records
		WHERE order_id = (SELECT order_id FROM orders WHERE ordernumber = 'void')`},
	{"INV-18", "unknown approval whose break was closed", unknownApproval + `UPDATE breaks SET closed_at = now()`},
	{"INV-18", "log that made more owed than is there", unknownApproval + `UPDATE authorization_logs SET unknown = 2`},
	{"INV-18", "approval reversed that stands in the books", unknownApproval + `UPDATE unknown_approvals SET exchange_id =
		(SELECT t.exchange_id FROM transactions t JOIN orders o USING (merchant_id, order_id) WHERE ordernumber = 'held')`},
	{"INV-37", "file number given twice", anEpoch + `UPDATE files SET attempts = 1;
		INSERT INTO lost_files (epoch, base, sequence, business_date, center_id, stream, scope, name, evidence)
		SELECT 1, base, sequence, '2026-03-02', center_id, stream, scope, 'other.ipm', 'seen' FROM files LIMIT 1`},
	{"INV-37", "message number given twice", `UPDATE transactions SET exchange_id = (SELECT min(exchange_id) FROM transactions)
		WHERE exchange_id = (SELECT max(exchange_id) FROM transactions)`},
	{"INV-41", "card that came back", `UPDATE orders SET card_erased_at = '2026-03-02' WHERE ordernumber = 'open'`},
	{"INV-41", "card lost", `UPDATE orders SET card = '' WHERE ordernumber = 'open'`},
	{"INV-41", "buyer who came back", `UPDATE orders SET details = NULL, customer = NULL, personal_erased_at = '2026-03-02' WHERE ordernumber = 'open';
		INSERT INTO cheques SELECT order_id, merchant_id, 1, '[]' FROM orders WHERE ordernumber = 'open'`},
	{"INV-41", "card of a record lost before the verdict", `UPDATE records SET card = '' WHERE order_id = (SELECT order_id FROM orders WHERE ordernumber = 'open')`},
	{"INV-41", "bytes that came back", `UPDATE files SET erased_at = '2026-02-01'; INSERT INTO file_chunks SELECT file_id, 0, 0, 1, '\x00' FROM files LIMIT 1`},
	{"INV-41", "reply that came back", `UPDATE replies SET erased_at = '2026-02-01'; INSERT INTO reply_chunks SELECT reply_id, 0, '\x00' FROM replies LIMIT 1`},
	{"INV-37", "restored database", anEpoch + `UPDATE epochs SET state = 'held'`},
	{"INV-37", "another database", anEpoch + `UPDATE epochs SET identity = '1/1/1/1'`},
	{"INV-19", "sent for another amount", `UPDATE owed_exchanges SET amount = amount + 1`},
}

// anEpoch is one without a doubt.
const anEpoch = `INSERT INTO epochs (epoch, begun_at, since, alive_at, looks, identity, cause, state) VALUES (1, now(), now(), now(), false, server_identity(), 'first', 'running');`

// unknownApproval is a good one: found by a log, its reversal owed, its break open.
const unknownApproval = `
	INSERT INTO breaks (category, fingerprint, center_id, amount, opened_at, note) VALUES ('B-02', 'unknown', 1, 5, now(), '');
	INSERT INTO authorization_logs (center_id, source, state, wanted_at, fetched_at, decided_at, unknown) VALUES (1, 'link', 'applied', now(), now(), now(), 1);
	INSERT INTO unknown_approvals (exchange_id, reversal_id, amount, log_id, break_id, sent_at, found_at, transmitted_at, due_at, merchant_id, center_id, currency, kind,
		terminal, acceptor, approval_code)
	SELECT 1 << 30, 1, 5, (SELECT max(log_id) FROM authorization_logs), (SELECT max(break_id) FROM breaks), now(), now(), now(), now(), 100001, 1, 933, 1, 'T', 'A', '';`

func TestGoodUnknownApprovalIsSilent(t *testing.T) {
	b := live(t)
	if found := corrupted(t, pgtest.Owner(t, b.Pool), b.Clock.Now(), unknownApproval); len(found) > 0 {
		t.Errorf("%+v", found)
	}
}

func TestEachCorruptionIsFound(t *testing.T) {
	b := live(t)
	owner := pgtest.Owner(t, b.Pool)
	bites := map[string]bool{}
	for _, c := range corruptions {
		t.Run(c.invariant+" "+c.name, func(t *testing.T) {
			found := corrupted(t, owner, b.Clock.Now(), c.sql)
			for _, f := range found {
				bites[f.Title] = true
			}
			if !slices.ContainsFunc(found, func(f audit.Finding) bool { return f.Invariant == c.invariant }) {
				t.Error("not found")
			}
		})
	}
	for _, c := range audit.Checks {
		if !bites[c.Title] {
			t.Errorf("no corruption makes %s %q speak", c.Invariant, c.Title)
		}
	}
}

// TestPartsTellWhereTheDifferenceIs looks at the parts of a damaged account: each center and currency for itself.
func TestPartsTellWhereTheDifferenceIs(t *testing.T) {
	b := live(t)
	found := corrupted(t, pgtest.Owner(t, b.Pool), b.Clock.Now(), `
		INSERT INTO postings SELECT source_id, part.amount, at, accounting_date, merchant_id, source, seq, 9, line, 4, debit, credit, center_id, part.currency, undo
		FROM (SELECT *, row_number() OVER (ORDER BY source_id) AS n FROM postings WHERE rule = 1) p
			JOIN (VALUES (1, 3, 840), (2, 7, 933)) AS part (n, amount, currency) USING (n)`)
	got := map[string][]audit.Part{}
	for _, f := range found {
		for _, p := range f.Parts {
			if p.Violations > 0 {
				got[f.Invariant+" "+f.Account] = append(got[f.Invariant+" "+f.Account], p)
			}
		}
	}
	want := map[string][]audit.Part{
		"INV-1 ":      {{Name: "memo", Currency: money.USD, Violations: 1, Difference: 3}, {Name: "memo", Currency: money.BYN, Violations: 1, Difference: 7}},
		"INV-10 9010": {{Name: "PC-A", Currency: money.USD, Violations: 1, Difference: 3}, {Name: "PC-A", Currency: money.BYN, Violations: 1, Difference: 7}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("parts with differences (-want +have):\n%s", diff)
	}
}

// corrupted returns what an audit finds in books with the damage, which it takes back.
func corrupted(t *testing.T, owner *pgxpool.Pool, now time.Time, damage string) []audit.Finding {
	t.Helper()
	tx, err := owner.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	app, err := roles.Of(t.Context(), tx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `SET LOCAL session_replication_role = replica;`+strings.ReplaceAll(damage, "@app", app)); err != nil {
		t.Fatal(err)
	}
	report, err := audit.Run(t.Context(), inside{tx}, now, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Broken() {
		if len(f.Examples) == 0 || len(f.Examples) > 5 || strings.TrimSpace(f.Examples[0]) == "" {
			t.Errorf("%d violations of %q with examples %q", f.Violations, f.Title, f.Examples)
		}
	}
	return report.Broken()
}

func TestMetrics(t *testing.T) {
	var m audit.Metrics
	registry := prometheus.NewRegistry()
	registry.MustRegister(&m)
	if before := exposition(t, registry); before != "" {
		t.Errorf("metrics before the first audit:\n%s", before)
	}
	m.Update(audit.Report{At: time.Unix(1772431200, 0), Findings: []audit.Finding{
		{Invariant: "INV-1", Violations: 1, Parted: audit.Journals, Parts: []audit.Part{{Name: "memo", Currency: money.BYN, Violations: 1, Difference: 5}}},
		{Invariant: "INV-5", Violations: 2, Parted: audit.TieOut, Account: "1100", Parts: []audit.Part{
			{Name: "PC-A", Currency: money.BYN, Violations: 1, Difference: 37}, {Name: "PC-A", Currency: money.USD, Violations: 1, Difference: 4}, {Name: "PC-B", Currency: money.BYN}}},
		{Invariant: "INV-14", Parted: audit.Trial, Parts: []audit.Part{{Name: "financial", Currency: money.BYN}, {Name: "memo", Currency: money.BYN, Violations: 1, Difference: 3}}},
	}})
	const want = `# HELP settled_invariant_violations Violations found by the last audit.
# TYPE settled_invariant_violations gauge
settled_invariant_violations{invariant="INV-1"} 1
settled_invariant_violations{invariant="INV-14"} 0
settled_invariant_violations{invariant="INV-5"} 2
# HELP settled_ledger_audit_last_success_timestamp_seconds When the books were last checked, whatever was found.
# TYPE settled_ledger_audit_last_success_timestamp_seconds gauge
settled_ledger_audit_last_success_timestamp_seconds 1.7724312e+09
# HELP settled_ledger_tieout_difference_minor Account less what it should come to, summed over merchants without sign, in minor units of the currency.
# TYPE settled_ledger_tieout_difference_minor gauge
settled_ledger_tieout_difference_minor{account="1100",currency="BYN",pc="PC-A"} 37
settled_ledger_tieout_difference_minor{account="1100",currency="BYN",pc="PC-B"} 0
settled_ledger_tieout_difference_minor{account="1100",currency="USD",pc="PC-A"} 4
# HELP settled_ledger_trial_balance_difference_minor Debits less credits, without sign, in minor units of the currency.
# TYPE settled_ledger_trial_balance_difference_minor gauge
settled_ledger_trial_balance_difference_minor{currency="BYN",ledger="financial"} 0
settled_ledger_trial_balance_difference_minor{currency="BYN",ledger="memo"} 3
# HELP settled_ledger_unbalanced_journals Postings that do not move money between the accounts of their rule.
# TYPE settled_ledger_unbalanced_journals gauge
settled_ledger_unbalanced_journals{ledger="financial"} 0
settled_ledger_unbalanced_journals{ledger="memo"} 1
`
	if diff := cmp.Diff(want, exposition(t, registry)); diff != "" {
		t.Errorf("metrics (-want +have):\n%s", diff)
	}
}

func exposition(t *testing.T, registry *prometheus.Registry) string {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&text, f); err != nil {
			t.Fatal(err)
		}
	}
	return text.String()
}
