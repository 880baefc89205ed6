-- The reconciliation of authorizations with the centers: what their logs say, and approvals that our books do not know
-- (docs/reconciliation.md). These are tables of the night: an unknown approval has no order.

-- +goose Up

-- authorization_logs: a center's log of a range of transmissions, stored before it is read, and applied once. One that is
-- wanted is asked for on the link.
CREATE TABLE authorization_logs (
	log_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	size        bigint NOT NULL DEFAULT 0,
	wanted_at   timestamptz NOT NULL,
	from_at     timestamptz,          -- of the transmissions; null in a file that could not be read
	until_at    timestamptz,          -- exclusive
	modified_at timestamptz,          -- of a file, as the center's server shows it
	fetched_at  timestamptz,
	decided_at  timestamptz,
	entries     integer NOT NULL DEFAULT 0,
	differences integer NOT NULL DEFAULT 0, -- breaks that it opened
	unknown     integer NOT NULL DEFAULT 0, -- of these, approvals whose reversal it made owed
	center_id   smallint NOT NULL REFERENCES centers,
	by_person   boolean NOT NULL DEFAULT false, -- a person asked for this range; it does not move what is planned
	forced      boolean NOT NULL DEFAULT false, -- a person let it through the limit of unknown approvals
	source      text NOT NULL CHECK (source IN ('file', 'link')),
	name        text NOT NULL DEFAULT '', -- of the file
	state       text NOT NULL CHECK (state IN ('wanted', 'fetched', 'applied', 'held')),
	reason      text NOT NULL DEFAULT '', -- why it is held
	sha256      bytea,
	bytes       bytea,                -- taken away when it is old; no card data
	CONSTRAINT one_log_per_content UNIQUE (center_id, sha256),
	CONSTRAINT fetched_says_when CHECK ((state = 'wanted') = (fetched_at IS NULL)),
	CONSTRAINT decided_says_when CHECK ((state IN ('applied', 'held')) = (decided_at IS NOT NULL))
);
CREATE INDEX authorization_logs_to_do ON authorization_logs (center_id, log_id) WHERE state IN ('wanted', 'fetched', 'held');
CREATE INDEX authorization_logs_applied ON authorization_logs (center_id, until_at) WHERE state = 'applied';

-- unknown_approvals: approvals of a center under our numbers that our books do not know, or know as ended without one, and
-- the reversal that each owes. The key is the number of the approval: it is found and reversed once.
CREATE TABLE unknown_approvals (
	exchange_id    bigint NOT NULL,      -- of the approval: its STAN and RRN are derived from it
	reversal_id    bigint NOT NULL UNIQUE, -- exchange of the reversal
	amount         bigint NOT NULL CHECK (amount > 0),
	order_ref      bigint NOT NULL DEFAULT 0, -- 0: our books have no order of it
	log_id         bigint NOT NULL REFERENCES authorization_logs,
	break_id       bigint NOT NULL REFERENCES breaks,
	sent_at        timestamptz NOT NULL, -- transmission of the approval
	found_at       timestamptz NOT NULL,
	transmitted_at timestamptz NOT NULL, -- first transmission of the reversal
	due_at         timestamptz NOT NULL, -- next transmission
	settled_at     timestamptz,
	merchant       integer NOT NULL,
	center_id      smallint NOT NULL REFERENCES centers,
	currency       smallint NOT NULL,
	kind           smallint NOT NULL CHECK (kind IN (1, 2)), -- authorization, purchase
	state          smallint NOT NULL DEFAULT 1 CHECK (state IN (1, 2, 3)), -- reversal owed, reversed, stuck: a person decides
	attempts       smallint NOT NULL DEFAULT 0,
	terminal       text NOT NULL,
	acceptor       text NOT NULL,
	approval_code  text NOT NULL,
	action_code    text NOT NULL DEFAULT '',
	last_error     text NOT NULL DEFAULT '',
	PRIMARY KEY (center_id, exchange_id),
	CONSTRAINT settled_says_when CHECK ((state = 1) = (settled_at IS NULL))
);
CREATE INDEX unknown_approvals_due ON unknown_approvals (center_id, due_at) WHERE state = 1;

-- Exchanges of a range of time; an insert does not write to it.
CREATE INDEX transactions_by_time ON transactions USING brin (transmitted_at) WITH (pages_per_range = 32, autosummarize = on);

GRANT SELECT, INSERT, UPDATE, DELETE ON authorization_logs, unknown_approvals TO settled_app;
REVOKE DELETE ON authorization_logs, unknown_approvals FROM settled_app;
