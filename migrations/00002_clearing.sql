-- The night: batches, the files that carry them, deliveries, and the replies of the centers (docs/seal.md, docs/delivery.md).

-- +goose Up

-- file_sequences hands out the numbers of files without gaps: the row is updated in the transaction that makes the file,
-- so a rollback takes the number back. scope is a business date, or empty where a center counts for ever.
CREATE TABLE file_sequences (
	center_id smallint NOT NULL,
	stream    text NOT NULL,
	scope     text NOT NULL,
	last      integer NOT NULL CHECK (last BETWEEN 1 AND 99999),
	PRIMARY KEY (center_id, stream, scope)
);

-- batches: the sealed set of a window in one currency. What it holds never changes; only the verdict on it is added.
CREATE TABLE batches (
	batch_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	sales_amount  bigint NOT NULL CHECK (sales_amount >= 0),
	credits_amount bigint NOT NULL CHECK (credits_amount >= 0),
	sealed_at     timestamptz NOT NULL,
	replied_at    timestamptz,     -- when the verdict was applied
	reply_id      bigint,          -- the reply that gave the verdict
	window_id     integer NOT NULL REFERENCES windows,
	sales_count   integer NOT NULL CHECK (sales_count >= 0),
	credits_count integer NOT NULL CHECK (credits_count >= 0),
	business_date date NOT NULL,
	center_id     smallint NOT NULL REFERENCES centers,
	currency      smallint NOT NULL, -- 0: an empty batch has none
	part          smallint NOT NULL CHECK (part > 0), -- of the window's batches
	parts         smallint NOT NULL CHECK (parts >= part),
	stream        text NOT NULL,
	state         text NOT NULL DEFAULT 'sealed' CHECK (state IN ('sealed', 'replied', 'nacked')),
	CONSTRAINT one_batch_per_currency UNIQUE (window_id, currency),
	CONSTRAINT replied_says_when CHECK ((state = 'replied') = (replied_at IS NOT NULL))
);
CREATE INDEX batches_by_date ON batches (center_id, business_date);

-- batch_totals: what a batch holds, per merchant and kind, with the prices of the night it was sealed in. Each fee is the
-- sum of its records' fees, rounded half up per record, so that a reject can be taken out exactly.
CREATE TABLE batch_totals (
	batch_id        bigint NOT NULL,
	amount          bigint NOT NULL CHECK (amount > 0),
	interchange     bigint NOT NULL CHECK (interchange >= 0), -- of a credit: what comes back
	scheme          bigint NOT NULL CHECK (scheme >= 0),
	processing      bigint NOT NULL CHECK (processing >= 0),
	mdr             bigint NOT NULL CHECK (mdr >= 0),         -- of a credit: its share, returned where the contract says so
	processing_each bigint NOT NULL,
	merchant_id     integer NOT NULL,
	count           integer NOT NULL CHECK (count > 0),
	interchange_bps integer NOT NULL,
	scheme_bps      integer NOT NULL,
	mdr_bps         integer NOT NULL,
	kind            smallint NOT NULL CHECK (kind IN (1, 2)), -- sale, credit
	PRIMARY KEY (batch_id, merchant_id, kind)
);

-- files: the bytes of a batch, a row per build. Once built, name, number and bytes never change.
CREATE TABLE files (
	file_id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	batch_id        bigint NOT NULL REFERENCES batches,
	bytes           bigint,
	planned_at      timestamptz NOT NULL,
	built_at        timestamptz,
	released_at     timestamptz,
	delivered_at    timestamptz,
	deadline_at     timestamptz NOT NULL,
	next_attempt_at timestamptz NOT NULL,
	unknown_since   timestamptz,
	sequence        integer NOT NULL CHECK (sequence BETWEEN 1 AND 99999),
	messages        integer,  -- header and trailer included
	attempts        integer NOT NULL DEFAULT 0, -- deliveries begun
	failures        integer NOT NULL DEFAULT 0, -- in a row, of the step it is at
	center_id       smallint NOT NULL REFERENCES centers,
	build           smallint NOT NULL CHECK (build > 0),
	frozen          boolean NOT NULL DEFAULT false, -- nothing happens until a person decides
	stream          text NOT NULL,
	scope           text NOT NULL,
	name            text NOT NULL,
	logical_id      text NOT NULL, -- of the header: the id that the center knows the file by
	state           text NOT NULL DEFAULT 'planned' CHECK (state IN
		('planned', 'built', 'released', 'sending', 'delivered', 'unknown_delivery', 'replied', 'rejected')),
	token           text NOT NULL DEFAULT '', -- of the attempt that may write: fences an older one
	proof           text NOT NULL DEFAULT '' CHECK (proof IN ('', 'hash', 'size', 'present', 'taken', 'reply', 'person')),
	last_error      text NOT NULL DEFAULT '',
	error_class     text NOT NULL DEFAULT '',
	sha256          bytea,
	CONSTRAINT one_file_per_build UNIQUE (batch_id, build),
	CONSTRAINT one_number_per_build UNIQUE (center_id, stream, scope, sequence, build),
	CONSTRAINT one_name UNIQUE (center_id, name),
	CONSTRAINT built_has_bytes CHECK ((state = 'planned') = (sha256 IS NULL)),
	CONSTRAINT delivered_has_proof CHECK (state NOT IN ('delivered', 'replied') OR proof <> '' AND delivered_at IS NOT NULL)
);
CREATE INDEX files_to_do ON files (center_id, file_id) WHERE state IN ('planned', 'built', 'released', 'sending', 'delivered', 'unknown_delivery');
CREATE INDEX files_by_logical_id ON files (center_id, logical_id);

-- file_chunks: the bytes, sealed by the vault. A chunk begins with a whole message, so that one can be read alone.
CREATE TABLE file_chunks (
	file_id       bigint NOT NULL,
	plain_offset  bigint NOT NULL, -- in the file as sent
	chunk_no      integer NOT NULL,
	first_message integer NOT NULL,
	bytes         bytea NOT NULL,
	PRIMARY KEY (file_id, chunk_no)
);

ALTER TABLE file_chunks ALTER COLUMN bytes SET STORAGE EXTERNAL; -- sealed bytes do not compress

-- delivery_attempts: every attempt to deliver. reached is written before what it names, so that a restart knows what may
-- have happened.
CREATE TABLE delivery_attempts (
	file_id     bigint NOT NULL REFERENCES files,
	started_at  timestamptz NOT NULL,
	ended_at    timestamptz,
	attempt     integer NOT NULL,
	token       text NOT NULL,
	reached     text NOT NULL DEFAULT 'started' CHECK (reached IN ('started', 'renaming', 'ended')),
	outcome     text NOT NULL DEFAULT '' CHECK (outcome IN ('', 'delivered', 'retry', 'unknown', 'stopped')),
	error_class text NOT NULL DEFAULT '',
	error       text NOT NULL DEFAULT '',
	PRIMARY KEY (file_id, attempt)
);

-- link_failures: logins and host keys that were refused. They bound how often a center is tried.
CREATE TABLE link_failures (
	center_id smallint NOT NULL,
	at        timestamptz NOT NULL,
	class     text NOT NULL,
	error     text NOT NULL
);
CREATE INDEX link_failures_recent ON link_failures (center_id, at);

-- replies: files of a center, stored before they are read.
CREATE TABLE replies (
	reply_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	bytes       bigint NOT NULL,
	fetched_at  timestamptz NOT NULL,
	decided_at  timestamptz,
	file_id     bigint,             -- that it answers
	line        bigint NOT NULL DEFAULT 0, -- record at which reading stopped
	accepted    integer NOT NULL DEFAULT 0,
	rejected    integer NOT NULL DEFAULT 0,
	unknown     integer NOT NULL DEFAULT 0, -- exceptions about messages that we never sent
	center_id   smallint NOT NULL REFERENCES centers,
	forced      boolean NOT NULL DEFAULT false, -- a person let it through the limit of rejects
	name        text NOT NULL,
	logical_id  text NOT NULL DEFAULT '',
	state       text NOT NULL DEFAULT 'fetched' CHECK (state IN ('fetched', 'applied', 'duplicate', 'quarantined')),
	reason      text NOT NULL DEFAULT '',
	sha256      bytea NOT NULL,
	content     bytea,              -- hash of what it says, whatever its form and name
	CONSTRAINT one_reply_per_content UNIQUE (center_id, sha256),
	CONSTRAINT decided_says_when CHECK ((state = 'fetched') = (decided_at IS NULL))
);
CREATE INDEX replies_to_do ON replies (center_id, reply_id) WHERE state = 'fetched';

CREATE TABLE reply_chunks (
	reply_id bigint NOT NULL,
	chunk_no integer NOT NULL,
	bytes    bytea NOT NULL,
	PRIMARY KEY (reply_id, chunk_no)
);

ALTER TABLE reply_chunks ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- inbox_files: what was seen in the inbox of a center, so that a name is fetched when it is whole, and reported once.
CREATE TABLE inbox_files (
	center_id   smallint NOT NULL,
	size        bigint NOT NULL,
	modified_at timestamptz NOT NULL,
	seen_at     timestamptz NOT NULL, -- first with this size and time
	reply_id    bigint,
	listings    integer NOT NULL DEFAULT 1, -- in a row with this size and time
	name        text NOT NULL,
	state       text NOT NULL DEFAULT 'seen' CHECK (state IN ('seen', 'fetched', 'duplicate', 'ignored')),
	PRIMARY KEY (center_id, name)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON file_sequences, batches, batch_totals, files, file_chunks, delivery_attempts,
	link_failures, replies, reply_chunks, inbox_files TO settled_app;
REVOKE UPDATE, DELETE ON batch_totals, file_chunks, reply_chunks, batches FROM settled_app;
REVOKE DELETE ON files, delivery_attempts, replies FROM settled_app;
GRANT UPDATE (state, replied_at, reply_id) ON batches TO settled_app; -- the verdict: nothing else of a batch changes
