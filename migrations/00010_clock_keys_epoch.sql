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
