-- What a merchant asks for by time: the operations of a period, and when it asked last.

-- +goose Up

-- Block range indexes: rows stand nearly in the order of their instants, so a period is found by the ranges of pages that
-- it falls into, and of these only the ones that may hold the merchant are read. An insert does not write to them; a range
-- is summed up once it is full, by autovacuum. merchant_id has a filter of its own in each range, which an authorization
-- never looks at: the keys of orders and operations are cheaper for every other query.
CREATE INDEX orders_by_time ON orders
	USING brin (created_at, merchant_id int4_bloom_ops (n_distinct_per_range = 256)) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX operations_by_time ON operations
	USING brin (requested_at, completed_at, merchant_id int4_bloom_ops (n_distinct_per_range = 256))
	WITH (pages_per_range = 32, autosummarize = on);

-- service_calls: when a merchant last used a service that it may use only once in a while.
CREATE TABLE service_calls (
	called_at   timestamptz NOT NULL,
	merchant_id integer NOT NULL,
	service     text NOT NULL,
	PRIMARY KEY (merchant_id, service)
);
