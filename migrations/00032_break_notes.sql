-- What people say about breaks, and whose they are: facts, only appended. Whose a break is says the last of its rows that gives it to somebody.

-- +goose Up
CREATE TABLE break_notes (
	break_id bigint NOT NULL REFERENCES breaks,
	no       integer NOT NULL CHECK (no > 0), -- 1, 2, 3 … of the break
	at       timestamptz NOT NULL,
	actor    text NOT NULL CHECK (actor <> ''),
	kind     text NOT NULL CHECK (kind IN ('comment', 'assign')),
	words    text NOT NULL, -- what he says, or to whom the break is given; empty: to nobody
	CONSTRAINT comments_say_something CHECK (kind = 'assign' OR words <> ''),
	PRIMARY KEY (break_id, no)
);

-- Open breaks are few beside those that ended, and are listed from the youngest on.
CREATE INDEX breaks_open ON breaks (break_id) WHERE closed_at IS NULL;
