-- Contracts: what a record says of its merchant and what it costs belong to the record (docs/adr/0015).

-- +goose Up

-- contracts: the versions of merchants' contracts with centers, each written when a configuration with it was first loaded.
-- A row never changes but for configured_at. Records name the version that they were born under.
CREATE TABLE contracts (
	contract_id        integer GENERATED ALWAYS AS IDENTITY,
	merchant_id        integer NOT NULL CHECK (merchant_id > 0),
	configured_at      timestamptz NOT NULL, -- when it became the merchant's configured version, the last time
	confirm_within     interval NOT NULL,
	mit_confirm_within interval NOT NULL,
	processing         bigint NOT NULL,
	interchange_bps    integer NOT NULL,
	scheme_bps         integer NOT NULL,
	mdr_bps            integer NOT NULL,
	center_id          smallint NOT NULL,
	default_currency   smallint NOT NULL,
	invoiced           boolean NOT NULL, -- the center's costs are billed later
	mdr_invoiced       boolean NOT NULL,
	return_mdr         boolean NOT NULL,
	currencies         smallint[] NOT NULL,
	name               text NOT NULL, -- as it stands in records
	street             text NOT NULL,
	city               text NOT NULL,
	postal             text NOT NULL,
	region             text NOT NULL,
	country            text NOT NULL,
	mcc                text NOT NULL,
	terminal           text NOT NULL,
	acceptor           text NOT NULL,
	digest             bytea NOT NULL, -- SHA-256 of all the rest but configured_at
	PRIMARY KEY (merchant_id, contract_id),
	CONSTRAINT one_version_per_content UNIQUE (merchant_id, center_id, digest)
);
CREATE INDEX contracts_by_center ON contracts (center_id, merchant_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON contracts TO settled_app;
REVOKE UPDATE, DELETE ON contracts FROM settled_app;
GRANT UPDATE (configured_at) ON contracts TO settled_app;

-- 0: born before contracts were kept; the newest contract of the merchant with the center stands for it.
ALTER TABLE records ADD COLUMN contract_id integer NOT NULL DEFAULT 0;
ALTER TABLE batch_totals ADD COLUMN contract_id integer NOT NULL DEFAULT 0;
ALTER TABLE batch_totals DROP CONSTRAINT batch_totals_pkey;
ALTER TABLE batch_totals ADD PRIMARY KEY (batch_id, merchant_id, kind, contract_id);

-- A record that we set aside ourselves is a reject of our own: it has no reply, and what becomes of it is decided in the same way.
ALTER TABLE rejects
	ADD COLUMN origin text NOT NULL DEFAULT 'center' CHECK (origin IN ('center', 'hold', 'build')),
		-- refused by the center; set aside before the seal: in no batch; after it: in the batch, in no file from file_id on
	ADD COLUMN file_id bigint NOT NULL DEFAULT 0,
	ADD COLUMN reason text NOT NULL DEFAULT '', -- in words, of a record that we set aside
	DROP CONSTRAINT rejects_class_check,
	ADD CONSTRAINT rejects_class_check CHECK (class IN ('format', 'reference', 'timing', 'amount', 'account', 'duplicate', 'merchant',
		'technical', 'unknown', 'aside')),
	ADD CONSTRAINT aside_says_why CHECK ((origin = 'center') = (class <> 'aside') AND (origin = 'center') = (reason = '')),
	ADD CONSTRAINT aside_of_a_file CHECK ((origin = 'build') = (file_id > 0));

INSERT INTO posting_rules (rule, name, debit, credit, event) VALUES
	(53, 'PR-23s', 1130, 1100, 'sale set aside before the seal'),
	(54, 'PR-23c', 1100, 1130, 'credit set aside before the seal');
