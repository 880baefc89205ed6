-- +goose Up

-- An order that was opened for its buyer can be cancelled by its shop before anybody has paid it.
ALTER TABLE orders DROP CONSTRAINT orders_status_check,
	ADD CONSTRAINT orders_status_check CHECK (status IN (1, 2, 3, 4, 5)); -- in process, paid, declined, timeout, withdrawn

-- cheques: what the merchant sent as ChequeItems with a confirmation or a cancel. That of a payment is one of its order's details.
CREATE TABLE cheques (
	order_id    bigint NOT NULL,
	merchant_id integer NOT NULL,
	operation   smallint NOT NULL,
	items       text NOT NULL, -- JSON, as it came
	PRIMARY KEY (merchant_id, order_id, operation)
);
GRANT SELECT, INSERT ON cheques TO settled_app;
