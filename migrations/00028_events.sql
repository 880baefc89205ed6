-- Who did what: events, each bound to the one before it by a hash (docs/events.md, docs/adr/0039-events-in-a-chain.md). Rows are only
-- ever appended: nobody has the right to anything else, and the owner of the table is refused, too.

-- +goose Up
CREATE TABLE events (
	at        timestamptz NOT NULL,
	of_kind   bigint NOT NULL CHECK (of_kind > 0), -- the how manieth of its kind
	day       date NOT NULL,                       -- of the chain, UTC: never before the day of the event before it
	no        integer NOT NULL CHECK (no > 0),     -- 1, 2, 3 … within the day
	kind      text NOT NULL CHECK (kind <> ''),
	outcome   text NOT NULL CHECK (outcome IN ('asked', 'done', 'refused', 'failed')),
	actor     text NOT NULL CHECK (actor <> ''),
	how       text NOT NULL CHECK (how IN ('os', 'service', 'user')), -- how it is known who it was
	role      text NOT NULL,
	factor    text NOT NULL,
	login     text NOT NULL, -- who was logged in to the database, by its own word
	source    text NOT NULL,
	object_of text NOT NULL, -- kind of the object
	object    text NOT NULL,
	reason    text NOT NULL,
	approval  text,
	before    json,          -- json keeps the text that was hashed; jsonb would write another
	after     json,
	previous  bytea NOT NULL UNIQUE CHECK (octet_length(previous) = 32), -- hash of the event before; zeros before the first
	hash      bytea NOT NULL CHECK (octet_length(hash) = 32),
	PRIMARY KEY (day, no)
);
CREATE INDEX events_by_kind ON events (kind, day, no);
CREATE INDEX events_by_actor ON events (actor, day, no);
CREATE INDEX events_by_object ON events (object_of, object, day, no);

-- +goose StatementBegin
CREATE FUNCTION events_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'events are never changed and never removed' USING ERRCODE = 'check_violation';
END
$$;
-- +goose StatementEnd
CREATE TRIGGER events_stay BEFORE UPDATE OR DELETE ON events FOR EACH ROW EXECUTE FUNCTION events_stay();
CREATE TRIGGER events_stay_whole BEFORE TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION events_stay();
ALTER TABLE events ENABLE ALWAYS TRIGGER events_stay; -- also where triggers of replicas alone run
ALTER TABLE events ENABLE ALWAYS TRIGGER events_stay_whole;
