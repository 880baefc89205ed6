-- What a delivery proves, what is sent again, what a center leaves in its inbox, and numbers that end (docs/delivery.md).

-- +goose Up

-- file_resends: each time that a person, or a contract, had a file sent again: why, and what was known before. An earlier
-- word of the center answers the delivery before it.
CREATE TABLE file_resends (
	file_id      bigint NOT NULL REFERENCES files,
	resend       integer NOT NULL CHECK (resend > 0), -- 1, 2, 3 … of the file
	at           timestamptz NOT NULL,
	delivered_at timestamptz,   -- of the delivery that it replaces, with its proof
	attempts     integer NOT NULL, -- deliveries begun before it
	reason       text NOT NULL CHECK (reason <> ''),
	from_state   text NOT NULL,
	proof        text NOT NULL,
	at_center    text NOT NULL, -- what was found there under the file's name
	PRIMARY KEY (file_id, resend)
);
GRANT SELECT, INSERT ON file_resends TO settled_app;
REVOKE UPDATE, DELETE ON file_resends FROM settled_app;

-- unnumbered: sealed, but the center's numbers are at their end; it waits for a number.
-- base: how many numbers of the scope were given before this round of them; the count of a file is base + sequence. It
-- grows only where a center's numbers begin anew at 1 after the last one.
ALTER TABLE files
	ADD COLUMN base integer NOT NULL DEFAULT 0 CHECK (base >= 0),
	DROP CONSTRAINT files_state_check,
	ADD CONSTRAINT files_state_check CHECK (state IN
		('unnumbered', 'planned', 'built', 'released', 'sending', 'delivered', 'unknown_delivery', 'replied', 'rejected')),
	DROP CONSTRAINT built_has_bytes,
	ADD CONSTRAINT built_has_bytes CHECK ((state IN ('unnumbered', 'planned')) = (sha256 IS NULL)),
	ADD CONSTRAINT numbered_has_id CHECK ((state = 'unnumbered') = (logical_id = '')),
	DROP CONSTRAINT files_sequence_check,
	ADD CONSTRAINT files_sequence_check CHECK (sequence > 0),
	DROP CONSTRAINT one_number_per_build,
	ADD CONSTRAINT one_number_per_build UNIQUE (center_id, stream, scope, base, sequence, build),
	DROP CONSTRAINT files_proof_check,
	ADD CONSTRAINT files_proof_check CHECK (proof IN ('', 'hash', 'size', 'written', 'present', 'present_size', 'taken', 'reply', 'person'));

CREATE INDEX files_unnumbered ON files (center_id, stream) WHERE state = 'unnumbered';

-- last stays the count of numbers given, whatever their round; the number on the newest file is last - base.
ALTER TABLE file_sequences
	ADD COLUMN base integer NOT NULL DEFAULT 0,
	DROP CONSTRAINT file_sequences_last_check,
	ADD CONSTRAINT file_sequences_last_check CHECK (last > base AND base >= 0);

-- What an attempt left under its temporary name: 'none' is known to be there no more, 'kept' may not be removed by us.
ALTER TABLE delivery_attempts
	ADD COLUMN left_over text NOT NULL DEFAULT 'unknown' CHECK (left_over IN ('unknown', 'none', 'kept'));

-- When the center wrote a reply, by its own clock.
ALTER TABLE replies ADD COLUMN written_at timestamptz;

-- When the bytes that stand there were last compared with those stored.
ALTER TABLE inbox_files ADD COLUMN checked_at timestamptz;
