-- What merchants' servers are told of the results of operations.

-- +goose Up

-- notifications: one row per result that a merchant's server is to be told, written in the commit of the result.
CREATE TABLE notifications (
	order_id    bigint NOT NULL,
	created_at  timestamptz NOT NULL,
	due_at      timestamptz NOT NULL,   -- the next try, while pending
	asked_at    timestamptz,            -- start of the last try
	busy_until  timestamptz,            -- a try is under way; once this has passed, its process has died
	answered_at timestamptz,
	merchant_id integer NOT NULL,
	operation   smallint NOT NULL,
	sequence    smallint NOT NULL CHECK (sequence > 0), -- 1, then one more each time that an operator has it told again
	state       smallint NOT NULL DEFAULT 1 CHECK (state IN (1, 2, 3, 4)), -- pending, delivered, refused, given up
	attempts    smallint NOT NULL DEFAULT 0 CHECK (attempts BETWEEN 0 AND 8), -- tries that were begun
	first_code  text NOT NULL DEFAULT '', -- as the server answered
	second_code text NOT NULL DEFAULT '',
	last_error  text NOT NULL DEFAULT '', -- why the last try brought no answer
	PRIMARY KEY (merchant_id, order_id, operation, sequence),
	CONSTRAINT answered_says_when CHECK ((state IN (2, 3)) = (answered_at IS NOT NULL)),
	CONSTRAINT busy_is_pending CHECK (busy_until IS NULL OR state = 1)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
CREATE INDEX notifications_due ON notifications (merchant_id, due_at, order_id, operation) WHERE state = 1;
-- The merchants whose servers do not answer: they are asked one notification at a time.
CREATE INDEX notifications_silent ON notifications (merchant_id) WHERE state = 1 AND last_error <> '';

GRANT SELECT, INSERT, UPDATE ON notifications TO settled_app;
REVOKE DELETE ON notifications FROM settled_app;
