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
