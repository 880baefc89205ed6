-- Keys of keyed hashes have generations that can be revoked, and stored cards are bound to their buyers (ADR 40).

-- +goose Up

-- What a key is for: sealing (cards), what the page hands to browsers (links), what is looked up (fingerprints). Generation 0 is the first key of
-- both kinds of hashes.
ALTER TABLE key_checks ADD COLUMN purpose text NOT NULL DEFAULT 'cards' CHECK (purpose IN ('cards', 'links', 'fingerprints'));
UPDATE key_checks SET purpose = 'fingerprints' WHERE generation = 0;

-- key_revocations: the generations that nothing is believed of any more. A key file that does not say so is a copy from before.
CREATE TABLE key_revocations (
	revoked_at timestamptz NOT NULL,
	generation integer NOT NULL CHECK (generation >= 0),
	purpose    text NOT NULL CHECK (purpose IN ('links', 'fingerprints')),
	reason     text NOT NULL,
	PRIMARY KEY (generation, purpose)
);

-- What a stored card or consent is bound to: 1 its merchant and its id, 2 its means and its buyer, too.
ALTER TABLE credentials ADD COLUMN seal_form smallint NOT NULL DEFAULT 1 CHECK (seal_form IN (1, 2));
