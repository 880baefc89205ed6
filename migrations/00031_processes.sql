-- Which processes work, and which configuration each has (docs/config.md, docs/adr/0042-a-changed-configuration-is-taken-up-whole.md). Each
-- writes its row again at every look at its configuration, so the table is not logged: after a crash it fills itself.

-- +goose Up
CREATE UNLOGGED TABLE processes (
	process  text PRIMARY KEY,     -- host, number, and chance
	content  text NOT NULL,        -- of the configuration that it has: a hash under the installation's keys
	taken_at timestamptz NOT NULL, -- since when
	refused  boolean NOT NULL,     -- the configuration file says what it does not take up
	seen_at  timestamptz NOT NULL
);
