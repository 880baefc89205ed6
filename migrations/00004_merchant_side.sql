-- The merchant's side: orders that are opened before they are paid, several payment operations of one order, original
-- amounts, 3-D Secure, instant payments, stored credentials and subscriptions.

-- +goose Up

-- An order may be opened on a page and paid later, in several tries with several means. payment and payment_transaction
-- number the last payment operation and its exchange: the one that paid the order, once one did. An order that is paid in the
-- request that makes it (a payment sent by a merchant's server) has both 1, as before.
ALTER TABLE orders
	ADD COLUMN payment             smallint NOT NULL DEFAULT 1 CHECK (payment >= 0), -- 0: no payment operation yet
	ADD COLUMN payment_transaction smallint NOT NULL DEFAULT 1 CHECK (payment_transaction >= 0), -- 0: no exchange yet
	ADD COLUMN means               smallint NOT NULL DEFAULT 1 CHECK (means IN (1, 2)), -- card, instant payment
	ADD COLUMN tries_left          smallint NOT NULL DEFAULT 0 CHECK (tries_left >= 0), -- payment operations that may still be begun
	ADD COLUMN original_amount     bigint CHECK (original_amount > 0), -- as the merchant asked; null: that is amount and currency
	ADD COLUMN original_currency   smallint,
	ADD COLUMN rate                text,    -- units of currency for one of original_currency, as it was applied
	ADD COLUMN pay_before          timestamptz, -- an opened order that is not paid by then is closed
	ADD COLUMN parent              bigint,  -- the first order of the subscription that this one is a later payment of
	ADD COLUMN customer            text CHECK (length(customer) BETWEEN 1 AND 32), -- the merchant's number of the buyer
	ADD CONSTRAINT converted_says_from_what CHECK ((original_amount IS NULL) = (original_currency IS NULL) AND (original_amount IS NULL) = (rate IS NULL));

-- What an operation was paid with, when the order has had a later try since; null: what the order says.
ALTER TABLE operations
	ADD COLUMN means       smallint NOT NULL DEFAULT 1 CHECK (means IN (1, 2)),
	ADD COLUMN card_mask   text,
	ADD COLUMN card_expiry text;

-- What a payment says in clearing besides: how far its buyer was authenticated, and what the network calls it.
ALTER TABLE transactions
	ADD COLUMN security   text NOT NULL DEFAULT '', -- security level, 3 digits; empty: 3-D Secure was not asked
	ADD COLUMN network_id text NOT NULL DEFAULT '';
ALTER TABLE records
	ADD COLUMN security   text NOT NULL DEFAULT '',
	ADD COLUMN network_id text NOT NULL DEFAULT '';

-- open_orders: the queue of opened orders by the end of their time; an order leaves it when it is paid or closed.
CREATE TABLE open_orders (
	pay_before  timestamptz NOT NULL,
	order_id    bigint NOT NULL,
	merchant_id integer NOT NULL,
	PRIMARY KEY (pay_before, merchant_id, order_id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);

-- authentications: the 3-D Secure of a payment operation. While it waits, the operation is in process and nothing was sent.
CREATE TABLE authentications (
	order_id     bigint NOT NULL,
	started_at   timestamptz NOT NULL,
	expires_at   timestamptz NOT NULL,  -- a challenge that is not answered by then has failed
	completed_at timestamptz,
	merchant_id  integer NOT NULL,
	operation    smallint NOT NULL,
	state        smallint NOT NULL CHECK (state IN (1, 2, 3, 4)), -- method, challenge, passed, failed
	server_id    text NOT NULL,         -- threeDSServerTransID
	version      text NOT NULL DEFAULT '',
	status       text NOT NULL DEFAULT '', -- transStatus: Y, A, N, U, R, C, D, I; empty: not known yet
	required     smallint NOT NULL DEFAULT -1, -- 1 the card takes part, 0 it does not, -1 unknown
	eci          text NOT NULL DEFAULT '',
	directory_id text NOT NULL DEFAULT '', -- transaction id of the directory server
	PRIMARY KEY (merchant_id, order_id, operation),
	CONSTRAINT completed_is_final CHECK ((state IN (3, 4)) = (completed_at IS NOT NULL))
);
CREATE UNIQUE INDEX authentications_by_server_id ON authentications (merchant_id, server_id);

-- instant_payments: the QR of a payment operation at the partner bank.
CREATE TABLE instant_payments (
	order_id       bigint NOT NULL,
	amount         bigint NOT NULL CHECK (amount > 0),
	registered_at  timestamptz NOT NULL,
	expires_at     timestamptz NOT NULL,  -- of the QR
	poll_at        timestamptz,           -- next question to the bank; null: final
	merchant_id    integer NOT NULL,
	center_id      smallint NOT NULL,
	operation      smallint NOT NULL,
	currency       smallint NOT NULL,
	state          smallint NOT NULL CHECK (state IN (1, 2, 3, 4, 5)), -- requested, active, paid, expired, refused
	polls          integer NOT NULL DEFAULT 0,
	bank_id        text NOT NULL DEFAULT '', -- the bank's id of the QR
	payload        text NOT NULL DEFAULT '', -- what the QR says
	rate           text NOT NULL DEFAULT '1', -- that the amount was converted at
	bank_operation text,                  -- the scheme's id of the payment, the match key
	paid_at        timestamptz,           -- as the bank says
	late           boolean NOT NULL DEFAULT false, -- paid after the order was closed
	last_error     text NOT NULL DEFAULT '',
	PRIMARY KEY (merchant_id, order_id, operation),
	CONSTRAINT paid_has_operation CHECK ((state = 3) = (bank_operation IS NOT NULL)),
	CONSTRAINT final_is_not_polled CHECK (state NOT IN (3, 5) OR poll_at IS NULL)
);
CREATE UNIQUE INDEX instant_payments_by_operation ON instant_payments (merchant_id, bank_operation) WHERE bank_operation IS NOT NULL;
CREATE INDEX instant_payments_due ON instant_payments (poll_at) WHERE poll_at IS NOT NULL;

-- credentials: cards and consents that buyers let a merchant keep.
CREATE TABLE credentials (
	credential_id uuid NOT NULL,         -- the token
	merchant_id   integer NOT NULL,
	customer      text NOT NULL CHECK (length(customer) BETWEEN 1 AND 64), -- the merchant's number of the buyer; of a subscription, its own
	means         smallint NOT NULL CHECK (means IN (1, 2)),
	order_id      bigint NOT NULL,       -- the payment that it was stored with
	created_at    timestamptz NOT NULL,
	used_at       timestamptz,
	deleted_at    timestamptz,
	sealed        bytea,                 -- PAN, or the partner bank's token of a consent, sealed by the vault and bound to (merchant, credential)
	sealed_key    bytea,                 -- keyed hash of it: one card or consent is stored once for a buyer
	card_mask     text,
	card_expiry   text,
	network_id    text NOT NULL DEFAULT '', -- network transaction id of the first payment, named by later ones
	PRIMARY KEY (merchant_id, credential_id),
	CONSTRAINT deleted_is_destroyed CHECK ((deleted_at IS NULL) = (sealed IS NOT NULL) AND (sealed IS NULL) = (sealed_key IS NULL))
);
CREATE UNIQUE INDEX credentials_once ON credentials (merchant_id, customer, sealed_key) WHERE deleted_at IS NULL;

-- subscriptions: what a buyer agreed to with a first payment; later payments are the merchant's to start.
CREATE TABLE subscriptions (
	order_id      bigint NOT NULL,       -- of the first payment
	merchant_id   integer NOT NULL,
	min_amount    bigint NOT NULL CHECK (min_amount > 0),
	max_amount    bigint NOT NULL,
	currency      smallint NOT NULL,
	period_days   smallint NOT NULL CHECK (period_days > 0),
	last_date     date NOT NULL,
	state         smallint NOT NULL CHECK (state IN (1, 2, 3, 4, 5)), -- created, active, suspended, canceled, expired
	payments      integer NOT NULL DEFAULT 0, -- later payments that succeeded
	declines      smallint NOT NULL DEFAULT 0, -- in a row
	created_at    timestamptz NOT NULL,
	last_paid_at  timestamptz,           -- of the first or a later payment
	credential_id uuid,                  -- what later payments are taken from; null until the first payment succeeds
	PRIMARY KEY (merchant_id, order_id),
	CONSTRAINT bounds CHECK (min_amount <= max_amount)
);
CREATE TABLE subscription_payments (
	order_id    bigint NOT NULL,         -- of the later payment
	parent      bigint NOT NULL,
	period_no   integer NOT NULL CHECK (period_no > 0),
	begun_at    timestamptz NOT NULL,
	merchant_id integer NOT NULL,
	state       smallint NOT NULL CHECK (state IN (1, 2, 3)), -- in process, paid, declined
	PRIMARY KEY (merchant_id, order_id)
);
-- One payment of a period is in process or paid; a declined one may be tried again.
CREATE UNIQUE INDEX subscription_payments_period ON subscription_payments (merchant_id, parent, period_no) WHERE state IN (1, 2);

-- Instant payments move money like single messages, by a rule of their own.
INSERT INTO posting_rules (rule, name, debit, credit, event) VALUES (52, 'PR-38', 1120, 2010, 'instant payment accepted');
