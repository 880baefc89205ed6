-- What keeps workers, keys and restores of the database apart: leases, the keys that belong to it, and its epochs.

-- +goose Up

-- leases: what one process at a time may do, and which workers live. until is the database's time; a holder that does not renew
-- loses it. fence grows with every holder, so that what an earlier one still writes can be refused (docs/adr/0020-one-clock.md
-- has the clock).
CREATE TABLE leases (
	until  timestamptz NOT NULL,
	fence  bigint NOT NULL CHECK (fence > 0),
	name   text PRIMARY KEY, -- schedule/NAME, deliver/CENTER, fetch/CENTER, worker/ID
	holder text NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

GRANT SELECT, INSERT, UPDATE, DELETE ON leases TO settled_app;

-- key_checks: the keys that this database belongs to, by a keyed hash that does not lead back to a key. A key that was once used
-- stays: what it sealed is here. generation 0 is the key of fingerprints.
CREATE TABLE key_checks (
	first_used_at timestamptz NOT NULL,
	generation    integer PRIMARY KEY CHECK (generation >= 0),
	environment   text NOT NULL CHECK (environment IN ('test', 'live')),
	check_value   bytea NOT NULL CHECK (length(check_value) = 32)
);

GRANT SELECT, INSERT ON key_checks TO settled_app;
REVOKE UPDATE, DELETE, TRUNCATE ON key_checks FROM settled_app;
