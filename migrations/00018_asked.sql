-- What the audit recomputes of an order that nothing else of the books repeats: what was asked for, and at which prices a message was sold.

-- +goose Up

-- what_was_asked is a hash of all that a merchant and a buyer said of an order. Whoever writes an order, or adds to what was said,
-- writes it with the row, so a change of the row alone shows.
CREATE FUNCTION what_was_asked(merchant integer, id bigint, number text, attempt smallint, amount bigint, currency smallint, two_stage boolean,
	customer text, parent bigint, details jsonb) RETURNS bytea LANGUAGE sql STABLE
RETURN sha256(convert_to(jsonb_build_array(merchant, id, number, attempt, amount, currency, two_stage, customer, parent, details)::text, 'UTF8'));

ALTER TABLE orders ADD COLUMN asked bytea; -- of the original amount; orders from before have that of the migration
UPDATE orders SET asked = what_was_asked(merchant_id, order_id, ordernumber, attempt, coalesce(original_amount, amount),
	coalesce(original_currency, currency), two_stage, customer, parent, details);

-- what_was_agreed is the same of the terms of a subscription, which its buyer agreed to.
CREATE FUNCTION what_was_agreed(merchant integer, id bigint, lowest bigint, highest bigint, currency smallint, period_days smallint, last_date date)
	RETURNS bytea LANGUAGE sql STABLE
RETURN sha256(convert_to(jsonb_build_array(merchant, id, lowest, highest, currency, period_days, last_date)::text, 'UTF8'));

ALTER TABLE subscriptions ADD COLUMN agreed bytea;
UPDATE subscriptions SET agreed = what_was_agreed(merchant_id, order_id, min_amount, max_amount, currency, period_days, last_date);

-- The contract whose costs and price were posted with an approved single message, or with an instant payment; 0: neither, or from before.
ALTER TABLE transactions ADD COLUMN contract_id integer NOT NULL DEFAULT 0;
