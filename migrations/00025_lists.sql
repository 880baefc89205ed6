-- The orders in which the read side lists (settle/read), so that a part of a list costs what it shows, however many rows there are.

-- +goose Up

-- Refused records by what became of them, the latest first: those that wait for a decision are few among all.
CREATE INDEX rejects_by_state ON rejects (state, rejected_at DESC, record_id);

-- Subscriptions by their age, of all merchants and of one.
CREATE INDEX subscriptions_by_time ON subscriptions (created_at DESC, order_id);
CREATE INDEX subscriptions_of_merchant ON subscriptions (merchant_id, created_at DESC, order_id);
