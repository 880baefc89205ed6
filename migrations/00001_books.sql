-- The books: orders and what happened to them, clearing records, windows, and the ledger.
--
-- Rules of this schema (ARCHITECTURE.md, "The data model"):
--   * every table of a merchant's data has merchant_id in each key, so that it can be sharded by merchant;
--   * no triggers and no foreign keys on the path of an authorization: balance holds by construction, append-only by
--     grants, and `settled audit` finds what a constraint cannot express;
--   * amounts are minor units (bigint), currencies ISO 4217 numeric (smallint), instants timestamptz, business days date;
--   * small integers that stand for a word are listed at the column and mirrored by a Go constant.

-- +goose Up

-- id_blocks hands out identifiers in blocks, one short update per block; gaps are allowed.
CREATE TABLE id_blocks (
	name text PRIMARY KEY,
	next bigint NOT NULL CHECK (next > 0)
);

-- centers mirrors the configured processing centers, so that an identity can never be reused for another one.
CREATE TABLE centers (
	center_id smallint PRIMARY KEY CHECK (center_id > 0),
	name      text NOT NULL UNIQUE
);

-- orders: one row per attempt to pay an order number. order_id is the billnumber. The state is derived from status and
-- the amounts: authorized A, confirmed C, released X (by cancel, by AutoDeposit, by expiry), refunded R (with pending).
CREATE TABLE orders (
	order_id          bigint NOT NULL CHECK (order_id BETWEEN 100000000000000 AND 9999999999999999),
	amount            bigint NOT NULL CHECK (amount > 0 AND amount < 1000000000000000),
	authorized        bigint NOT NULL DEFAULT 0,
	confirmed         bigint NOT NULL DEFAULT 0,
	released_cancel   bigint NOT NULL DEFAULT 0,
	released_deposit  bigint NOT NULL DEFAULT 0,
	released_expiry   bigint NOT NULL DEFAULT 0,
	refunded          bigint NOT NULL DEFAULT 0,
	refund_pending    bigint NOT NULL DEFAULT 0,
	created_at        timestamptz NOT NULL,
	exchange_id       bigint NOT NULL, -- of the payment; its STAN and RRN are derived from it
	hold_expires_at   timestamptz,
	merchant_id       integer NOT NULL CHECK (merchant_id > 0),
	center_id         smallint NOT NULL,
	currency          smallint NOT NULL,
	status            smallint NOT NULL CHECK (status IN (1, 2, 3, 4)), -- in process, paid, declined, timeout
	operations        smallint NOT NULL DEFAULT 1, -- last operation number given
	transactions      smallint NOT NULL DEFAULT 1, -- last transaction number given
	attempt           smallint NOT NULL CHECK (attempt > 0),
	two_stage         boolean NOT NULL,
	ordernumber       text NOT NULL CHECK (length(ordernumber) BETWEEN 1 AND 128),
	card_mask         text NOT NULL,
	card_expiry       text NOT NULL, -- YYMM
	card              bytea NOT NULL, -- PAN sealed by the vault, bound to (merchant, order)
	fingerprint       bytea NOT NULL, -- keyed hash of the request without the card verification code
	details           jsonb,          -- customer and comment as the merchant sent them
	CONSTRAINT one_attempt_at_a_time UNIQUE (merchant_id, ordernumber, attempt),
	CONSTRAINT amounts_not_negative CHECK (authorized >= 0 AND confirmed >= 0 AND released_cancel >= 0
		AND released_deposit >= 0 AND released_expiry >= 0 AND refunded >= 0 AND refund_pending >= 0),
	CONSTRAINT authorized_within_order CHECK (authorized <= amount),
	CONSTRAINT confirmed_and_released_within_authorized
		CHECK (confirmed + released_cancel + released_deposit + released_expiry <= authorized),
	CONSTRAINT refunded_within_confirmed CHECK (refunded <= confirmed AND refund_pending <= refunded),
	CONSTRAINT paid_has_authorization CHECK ((status = 2) = (authorized > 0))
) WITH (fillfactor = 50); -- room for the outcome in the page of the intent
-- The primary key is made after the other index: of two that cost the same, the planner prefers the later one.
ALTER TABLE orders ADD PRIMARY KEY (merchant_id, order_id);

-- operations: payment (100), confirmation (200), cancellation (300), numbered 1..n within the order.
CREATE TABLE operations (
	order_id      bigint NOT NULL,
	amount        bigint NOT NULL CHECK (amount >= 0),
	record_id     bigint,        -- the clearing record of the slice that this operation confirmed
	requested_at  timestamptz NOT NULL,
	completed_at  timestamptz,
	merchant_id   integer NOT NULL,
	window_id     integer,
	operation     smallint NOT NULL CHECK (operation > 0),
	kind          smallint NOT NULL CHECK (kind IN (100, 200, 300)),
	state         smallint NOT NULL CHECK (state IN (1, 2, 3, 4, 5)), -- in process, success, partial, failed, timeout
	actor         smallint NOT NULL CHECK (actor IN (1, 2, 3)),       -- merchant, operator, system
	reason        smallint NOT NULL DEFAULT 0, -- cancel: 1 shop, 2 customer, 3 fraud, 4 expiry, 5 auto deposit
	auto_deposit  boolean NOT NULL DEFAULT false,
	asked_amount  bigint,        -- as asked by the merchant; null is "everything possible"
	response      text NOT NULL DEFAULT '', -- AS code
	external_id   text,          -- the merchant's idempotency key of this operation
	note          text NOT NULL DEFAULT '', -- what was created and why, in words
	refunded      bigint NOT NULL DEFAULT 0, -- of the slice that this operation confirmed, pending included
	PRIMARY KEY (merchant_id, order_id, operation),
	CONSTRAINT slice_has_record CHECK ((record_id IS NULL) = (window_id IS NULL)),
	CONSTRAINT slice_refunded_within_amount CHECK (refunded >= 0 AND refunded <= amount)
) WITH (fillfactor = 90);
CREATE UNIQUE INDEX operations_external ON operations (merchant_id, order_id, kind, external_id) WHERE external_id IS NOT NULL;

-- transactions: one row per exchange with a center whose outcome is known or given up on.
CREATE TABLE transactions (
	order_id       bigint NOT NULL,
	amount         bigint NOT NULL CHECK (amount > 0),
	exchange_id    bigint NOT NULL, -- STAN and RRN are derived from it
	transmitted_at timestamptz NOT NULL,
	answered_at    timestamptz,
	merchant_id    integer NOT NULL,
	transaction    smallint NOT NULL CHECK (transaction > 0),
	operation      smallint NOT NULL,
	original       smallint,        -- the transaction that this one reverses or refunds
	kind           smallint NOT NULL CHECK (kind IN (1, 2, 3, 4, 5)), -- authorization, purchase, reversal, partial reversal, refund
	state          smallint NOT NULL CHECK (state BETWEEN 1 AND 8),
		-- sent, approved, declined, unknown, reversing, reversed, reversal stuck, approved late
	attempts       smallint NOT NULL DEFAULT 1,
	action_code    text NOT NULL DEFAULT '',
	approval_code  text NOT NULL DEFAULT '',
	slice          smallint,        -- the confirming operation that a refund or void gives back
	PRIMARY KEY (merchant_id, order_id, transaction)
) WITH (fillfactor = 90);

-- owed_exchanges: what a center still owes us an answer for, or we owe it a message. Written in the same commit as the
-- intent, deleted by the commit that records the outcome; the row that is deleted decides who was first. A payment that
-- stays here past due_at has an unknown outcome, and the row becomes its reversal.
CREATE TABLE owed_exchanges (
	order_id       bigint NOT NULL,
	amount         bigint NOT NULL CHECK (amount > 0),
	exchange_id    bigint NOT NULL,
	created_at     timestamptz NOT NULL,
	transmitted_at timestamptz NOT NULL, -- of the first transmission; part of the center's match key
	due_at         timestamptz NOT NULL, -- next attempt; for a payment: when its outcome becomes unknown
	merchant_id    integer NOT NULL,
	center_id      smallint NOT NULL,
	transaction    smallint NOT NULL,
	operation      smallint NOT NULL,
	original       smallint,
	kind           smallint NOT NULL CHECK (kind IN (1, 2, 3, 4, 5)),
	attempts       smallint NOT NULL DEFAULT 0,
	slice          smallint,
	last_error     text NOT NULL DEFAULT '',
	PRIMARY KEY (merchant_id, order_id, transaction)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- open_holds: the queue of holds by expiry; a delete that hits no row means that somebody else was first.
CREATE TABLE open_holds (
	expires_at  timestamptz NOT NULL,
	order_id    bigint NOT NULL,
	merchant_id integer NOT NULL,
	center_id   smallint NOT NULL,
	PRIMARY KEY (expires_at, merchant_id, order_id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);

-- windows: the cut-off rows, made ahead from the calendars. A record belongs to the window that its commit instant falls in.
CREATE TABLE windows (
	window_id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	center_id     smallint NOT NULL REFERENCES centers,
	window_no     smallint NOT NULL CHECK (window_no > 0),
	stream        text NOT NULL,
	business_date date NOT NULL,
	cutoff_at     timestamptz NOT NULL,
	deadline_at   timestamptz NOT NULL,
	state         text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'sealing', 'sealed', 'empty')),
	sealing_at    timestamptz, -- when writers were shut out: the seal's first commit
	sealed_at     timestamptz,
	funded_at     timestamptz, -- when the money of its accepted sales became available to the merchants
	CONSTRAINT one_window_per_business_date UNIQUE (center_id, stream, business_date, window_no),
	CONSTRAINT one_cutoff_at_an_instant UNIQUE (center_id, stream, cutoff_at),
	CONSTRAINT deadline_after_cutoff CHECK (deadline_at > cutoff_at),
	CONSTRAINT sealed_says_when CHECK ((state IN ('sealed', 'empty')) = (sealed_at IS NOT NULL))
);
CREATE INDEX windows_open ON windows (center_id, cutoff_at) WHERE state IN ('open', 'sealing');

-- records: the clearing record of a slice (sale) or of a refund (credit). A row never changes.
CREATE TABLE records (
	record_id     bigint NOT NULL CHECK (record_id > 0), -- ascending in order of birth; the last 11 digits are in the ARN
	order_id      bigint NOT NULL,
	amount        bigint NOT NULL CHECK (amount > 0),
	exchange_id   bigint NOT NULL,      -- of the authorization; the RRN is derived from it
	born_at       timestamptz NOT NULL, -- commit instant of the confirmation or refund
	authorized_at timestamptz NOT NULL, -- transmission of the authorization
	window_id     integer NOT NULL,
	merchant_id   integer NOT NULL,
	currency      smallint NOT NULL,
	operation     smallint NOT NULL,    -- the operation that made it
	kind          smallint NOT NULL CHECK (kind IN (1, 2)), -- sale, credit
	slice         smallint NOT NULL,    -- the confirming operation: of a sale, itself; of a credit, what it gives back
	sequence      smallint NOT NULL,    -- n of the clearing sequence n of m
	final         boolean NOT NULL,     -- no further slice can follow
	card_expiry   text NOT NULL,
	approval_code text NOT NULL,
	card          bytea NOT NULL,
	supersedes    bigint,               -- the rejected record that this one presents again
	PRIMARY KEY (window_id, record_id, merchant_id)
);

-- record_changes: a void (amount 0) or a reduction of a record before its window is sealed; the highest version counts.
CREATE TABLE record_changes (
	record_id   bigint NOT NULL,
	amount      bigint NOT NULL CHECK (amount >= 0),
	at          timestamptz NOT NULL,
	window_id   integer NOT NULL,
	merchant_id integer NOT NULL,
	version     smallint NOT NULL CHECK (version > 0),
	operation   smallint NOT NULL,
	PRIMARY KEY (window_id, record_id, merchant_id, version)
);

-- rejects: the exceptions among the sealed records. Acceptance is a fact of the batch and costs no row.
CREATE TABLE rejects (
	record_id   bigint NOT NULL,
	order_id    bigint NOT NULL,
	reply_id    bigint NOT NULL,
	amount      bigint NOT NULL CHECK (amount > 0),
	rejected_at timestamptz NOT NULL,
	abandoned   bigint NOT NULL DEFAULT 0 CHECK (abandoned BETWEEN 0 AND amount), -- given up by cancels; the rest may be presented again
	window_id   integer NOT NULL,
	merchant_id integer NOT NULL,
	line        integer NOT NULL,  -- message number in the reply
	currency    smallint NOT NULL,
	kind        smallint NOT NULL CHECK (kind IN (1, 2)),
	state       text NOT NULL DEFAULT 'rejected' CHECK (state IN ('rejected', 'superseded', 'abandoned')),
	class       text NOT NULL CHECK (class IN ('format', 'reference', 'timing', 'amount', 'account', 'duplicate', 'merchant', 'technical', 'unknown')),
	code        text NOT NULL,     -- raw, as the center sent it
	slice       smallint NOT NULL,
	PRIMARY KEY (window_id, record_id, merchant_id)
);
CREATE INDEX rejects_by_order ON rejects (merchant_id, order_id);

-- accounts and posting_rules: the chart and the rules, as data; the Go tables are compared with them at start.
CREATE TABLE accounts (
	code   smallint PRIMARY KEY,
	name   text NOT NULL UNIQUE,
	side   text NOT NULL CHECK (side IN ('debit', 'credit')),
	ledger text NOT NULL CHECK (ledger IN ('financial', 'memo'))
);
CREATE TABLE posting_rules (
	rule   smallint PRIMARY KEY,
	name   text NOT NULL UNIQUE,
	debit  smallint NOT NULL REFERENCES accounts,
	credit smallint NOT NULL REFERENCES accounts,
	event  text NOT NULL,
	CHECK (debit <> credit)
);

-- postings: one balanced row per line of a journal. A journal is the set of postings with one business key
-- (merchant_id, source, source_id, seq, phase). Append-only: the application role cannot change or delete a row.
CREATE TABLE postings (
	source_id       bigint NOT NULL,   -- order_id, batch_id, reply_id, a manual journal's number, or record_id
	amount          bigint NOT NULL CHECK (amount > 0),
	at              timestamptz NOT NULL,
	accounting_date date NOT NULL,
	merchant_id     integer NOT NULL,
	source          smallint NOT NULL CHECK (source IN (1, 2, 3, 4, 5)), -- order, batch, reply, manual, record
	seq             smallint NOT NULL, -- of an order or record: the operation number
	phase           smallint NOT NULL, -- which event of it: the last digit; before it the transaction that brought it
	line            smallint NOT NULL,
	rule            smallint NOT NULL,
	debit           smallint NOT NULL,
	credit          smallint NOT NULL,
	center_id       smallint NOT NULL, -- 0: none
	currency        smallint NOT NULL,
	undo            boolean NOT NULL DEFAULT false, -- reverses an earlier posting of the rule: debit and credit swapped
	PRIMARY KEY (merchant_id, source, source_id, seq, phase, line),
	CONSTRAINT two_different_accounts CHECK (debit <> credit),
	CONSTRAINT one_ledger CHECK ((debit >= 9000) = (credit >= 9000))
);
CREATE INDEX postings_by_day ON postings USING brin (accounting_date) WITH (pages_per_range = 32, autosummarize = on);

-- balances: the postings of a finished accounting day, rolled up once.
CREATE TABLE balances (
	debit           bigint NOT NULL,
	credit          bigint NOT NULL,
	accounting_date date NOT NULL,
	merchant_id     integer NOT NULL,
	code            smallint NOT NULL,
	center_id       smallint NOT NULL,
	currency        smallint NOT NULL,
	PRIMARY KEY (accounting_date, merchant_id, code, center_id, currency)
);
CREATE TABLE rolled_days (
	accounting_date date PRIMARY KEY,
	postings        bigint NOT NULL,
	rolled_at       timestamptz NOT NULL
);

-- funds: what is available to a merchant (account 2020), kept beside the ledger because refunds and payouts decide on it
-- under its row lock. `settled audit` compares it with the postings.
CREATE TABLE funds (
	available   bigint NOT NULL CHECK (available >= 0),
	merchant_id integer NOT NULL,
	currency    smallint NOT NULL,
	PRIMARY KEY (merchant_id, currency)
);

-- breaks: differences that a person must look at, each once (fingerprint).
CREATE TABLE breaks (
	break_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	category    text NOT NULL,
	fingerprint text NOT NULL UNIQUE,
	center_id   smallint NOT NULL,
	merchant    integer NOT NULL DEFAULT 0,
	order_ref   bigint NOT NULL DEFAULT 0,
	amount      bigint NOT NULL DEFAULT 0,
	currency    smallint NOT NULL DEFAULT 0,
	opened_at   timestamptz NOT NULL,
	closed_at   timestamptz,
	note        text NOT NULL
);

-- schedules and their runs: rows decide what is due; a slot runs once, ever.
CREATE TABLE schedules (
	name        text PRIMARY KEY,
	spec        text NOT NULL,
	zone        text NOT NULL,
	next_at     timestamptz NOT NULL,
	next_slot   text NOT NULL,
	last_ok_at  timestamptz
);
CREATE TABLE schedule_runs (
	name        text NOT NULL,
	slot        text NOT NULL,
	due_at      timestamptz NOT NULL,
	queued_at   timestamptz NOT NULL,
	finished_at timestamptz,
	error       text NOT NULL DEFAULT '',
	PRIMARY KEY (name, slot)
);

-- The application role: it may not change or remove what the books rest on.
-- +goose StatementBegin
DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'settled_app') THEN
		CREATE ROLE settled_app NOLOGIN;
	END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
-- +goose StatementEnd
GRANT USAGE, CREATE ON SCHEMA public TO settled_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO settled_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO settled_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO settled_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO settled_app;
REVOKE UPDATE, DELETE, TRUNCATE ON postings, records, record_changes, balances, rolled_days FROM settled_app;
REVOKE INSERT, UPDATE, DELETE ON accounts, posting_rules FROM settled_app;
