-- What follows an approval, however it is learned.

-- +goose Up

-- wishes: what a buyer asked for with a payment, to be done once it is approved. Written with the intent, done and deleted in
-- the transaction that makes the order paid, whoever does that. What could not be done then stays with due_at, and is tried
-- again until it is.
CREATE TABLE wishes (
	order_id   bigint NOT NULL,
	wished_at  timestamptz NOT NULL,
	due_at     timestamptz,       -- next try; null: the order is not paid yet
	merchant_id integer NOT NULL,
	kind       smallint NOT NULL CHECK (kind IN (1, 2)), -- keep the card for the buyer, begin the subscription
	operation  smallint NOT NULL CHECK (operation >= 0), -- the payment that it came with; 0: whichever pays the order
	attempts   smallint NOT NULL DEFAULT 0 CHECK (attempts >= 0), -- tries after the approval
	last_error text NOT NULL DEFAULT '',
	PRIMARY KEY (merchant_id, order_id, kind)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
CREATE INDEX wishes_due ON wishes (due_at) WHERE due_at IS NOT NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON wishes TO settled_app;

-- The subscriptions whose first payment is not known, and those whose payment was approved without anybody seeing to them;
-- the cards that open orders are to keep.
INSERT INTO wishes (merchant_id, order_id, kind, operation, wished_at, due_at)
SELECT merchant_id, order_id, 2, 0, s.created_at, CASE WHEN o.status = 2 THEN now() END
FROM subscriptions s JOIN orders o USING (merchant_id, order_id)
WHERE s.state = 1 AND (o.status = 1 OR o.status = 2 AND o.refunded < o.authorized);
INSERT INTO wishes (merchant_id, order_id, kind, operation, wished_at)
SELECT merchant_id, order_id, 1, o.payment, o.created_at
FROM open_orders q JOIN orders o USING (merchant_id, order_id)
WHERE o.status = 1 AND o.payment > 0 AND o.customer IS NOT NULL AND o.details ->> 'save' = '1' AND coalesce(o.details ->> 'recurringindicator', '') <> '1';

-- Shares of fees: what a refund gives back of the fees of its sale is decided when it is asked for, under the order's lock, so
-- that the shares of a sale never exceed its fees and a whole refund gives back exactly these (ADR 21). Null: no refund.
ALTER TABLE records
	ADD COLUMN interchange_back bigint CHECK (interchange_back >= 0), -- of a credit
	ADD COLUMN mdr_back         bigint CHECK (mdr_back >= 0),
	ADD CONSTRAINT only_credits_give_back CHECK (kind = 2 OR (interchange_back IS NULL AND mdr_back IS NULL));
ALTER TABLE transactions
	ADD COLUMN mdr_back bigint CHECK (mdr_back >= 0); -- of an online refund
-- What the refunds of a slice that stand give back, together.
ALTER TABLE operations
	ADD COLUMN interchange_back bigint NOT NULL DEFAULT 0 CHECK (interchange_back >= 0),
	ADD COLUMN mdr_back         bigint NOT NULL DEFAULT 0 CHECK (mdr_back >= 0);

-- Credits from before gave back their own rounded share, at the prices of the batch that they were sealed in.
UPDATE records r SET interchange_back = (r.amount * t.interchange_bps + 5000) / 10000, mdr_back = (r.amount * t.mdr_bps + 5000) / 10000
FROM batches b JOIN batch_totals t USING (batch_id)
WHERE r.kind = 2 AND b.window_id = r.window_id AND b.currency = r.currency AND t.merchant_id = r.merchant_id AND t.kind = 2;
UPDATE records r SET interchange_back = (r.amount * t.interchange_bps + 5000) / 10000, mdr_back = (r.amount * t.mdr_bps + 5000) / 10000
FROM windows w, (SELECT DISTINCT ON (t.merchant_id, b.center_id) t.merchant_id, b.center_id, t.interchange_bps, t.mdr_bps
	FROM batch_totals t JOIN batches b USING (batch_id) ORDER BY t.merchant_id, b.center_id, b.batch_id DESC) t
WHERE r.kind = 2 AND r.mdr_back IS NULL AND w.window_id = r.window_id AND t.merchant_id = r.merchant_id AND t.center_id = w.center_id;
UPDATE operations o SET interchange_back = s.interchange, mdr_back = s.mdr
FROM (SELECT r.merchant_id, r.order_id, r.slice, sum(r.interchange_back) AS interchange, sum(r.mdr_back) AS mdr
	FROM records r LEFT JOIN rejects j USING (window_id, record_id, merchant_id)
	WHERE r.kind = 2 AND r.mdr_back IS NOT NULL AND coalesce(j.state, 'rejected') = 'rejected' GROUP BY 1, 2, 3) s
WHERE o.merchant_id = s.merchant_id AND o.order_id = s.order_id AND o.operation = s.slice;
UPDATE transactions t SET mdr_back = p.amount
FROM postings p
WHERE t.kind = 5 AND t.slice IS NOT NULL AND p.merchant_id = t.merchant_id AND p.source = 1 AND p.source_id = t.order_id AND p.seq = t.operation
	AND p.phase / 10 = t.transaction AND p.rule IN (43, 44) AND NOT p.undo;
UPDATE operations o SET mdr_back = o.mdr_back + s.mdr
FROM (SELECT merchant_id, order_id, slice, sum(mdr_back) AS mdr FROM transactions WHERE kind = 5 AND mdr_back IS NOT NULL GROUP BY 1, 2, 3) s
WHERE o.merchant_id = s.merchant_id AND o.order_id = s.order_id AND o.operation = s.slice;

-- Periods of a subscription are counted from its start, the first payment; a later payment belongs to the slot that it is asked for in.
ALTER TABLE subscriptions ADD COLUMN started_at timestamptz; -- completion of the first payment; null until it succeeds
UPDATE subscriptions s SET started_at = coalesce(p.completed_at, o.created_at)
FROM orders o LEFT JOIN operations p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id AND p.operation = o.payment
WHERE o.merchant_id = s.merchant_id AND o.order_id = s.order_id AND s.state <> 1;
ALTER TABLE subscription_payments ADD COLUMN slot integer CHECK (slot > 0); -- 1 ends one period after the start; null: one too many, from before slots were counted
UPDATE subscription_payments p SET slot = n.slot
FROM (SELECT merchant_id, order_id, slot, row_number() OVER (PARTITION BY merchant_id, parent, slot, state = 3 ORDER BY begun_at DESC, order_id DESC) AS turn
	FROM (SELECT p.merchant_id, p.order_id, p.parent, p.state, p.begun_at, greatest(1, floor(
			extract(epoch FROM p.begun_at - s.started_at + least(interval '1 day', s.period_days * interval '12 hours')) / (86400 * s.period_days)))::integer AS slot
		FROM subscription_payments p JOIN subscriptions s ON s.merchant_id = p.merchant_id AND s.order_id = p.parent WHERE s.started_at IS NOT NULL) x) n
WHERE n.merchant_id = p.merchant_id AND n.order_id = p.order_id AND n.turn = 1;
-- One payment of a slot is in process or paid; a declined one may be tried again.
CREATE UNIQUE INDEX subscription_payments_slot ON subscription_payments (merchant_id, parent, slot) WHERE state IN (1, 2);
