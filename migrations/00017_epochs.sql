-- What keeps numbers from running backwards when the database does: epochs, the numbers that were passed over, and what centers
-- have of us that the books lack (docs/adr/0018-epochs.md).

-- +goose Up

-- server_identity tells which database this is: the cluster, its timeline, the database in it, and the table of epochs, which a dump
-- that is restored makes anew. A copy of the files has the same.
-- +goose StatementBegin
CREATE FUNCTION server_identity() RETURNS text LANGUAGE sql STABLE AS $$
	SELECT format('%s/%s/%s/%s', s.system_identifier, left(pg_walfile_name(pg_current_wal_insert_lsn()), 8), d.oid, to_regclass('public.epochs')::oid)
	FROM pg_control_system() s, pg_database d WHERE d.datname = current_database()
$$;
-- +goose StatementEnd

-- epochs: stretches of the life of the books without a doubt that they are whole. A new one begins when the database is not the one
-- that was worked on, or nobody saw it for a while: what happened between since and begun_at may be missing.
CREATE TABLE epochs (
	begun_at   timestamptz NOT NULL,
	since      timestamptz NOT NULL CHECK (since <= begun_at),
	alive_at   timestamptz NOT NULL, -- when a process last saw the database in this epoch, by the database's clock
	resumed_at timestamptz,          -- when a person let it go on
	epoch      integer PRIMARY KEY CHECK (epoch > 0),
	looks      boolean NOT NULL,     -- each center is looked at before it gets a number or a file
	identity   text NOT NULL,
	cause      text NOT NULL CHECK (cause IN ('first', 'silence', 'promoted', 'rewound', 'restored')),
	state      text NOT NULL CHECK (state IN ('held', 'running')),
	reason     text NOT NULL DEFAULT '', -- of the person
	CONSTRAINT resumed_has_reason CHECK ((resumed_at IS NULL) = (reason = ''))
);
REVOKE UPDATE, DELETE ON epochs FROM settled_app; -- which a table has by default
GRANT SELECT, INSERT, UPDATE (alive_at, state, resumed_at, reason) ON epochs TO settled_app;

-- id_jumps: the identifiers that an epoch passed over, from next_before on and less than next_after: they may have been given out in
-- what is missing.
CREATE TABLE id_jumps (
	next_before bigint NOT NULL,
	next_after  bigint NOT NULL CHECK (next_after > next_before),
	epoch       integer NOT NULL REFERENCES epochs,
	name        text NOT NULL,
	PRIMARY KEY (name, epoch)
);
REVOKE UPDATE, DELETE ON id_jumps FROM settled_app;
GRANT SELECT, INSERT ON id_jumps TO settled_app;

-- center_looks: what was found at a center in an epoch, before anything was sent there.
CREATE TABLE center_looks (
	at        timestamptz NOT NULL,
	epoch     integer NOT NULL REFERENCES epochs,
	center_id smallint NOT NULL REFERENCES centers,
	state     text NOT NULL CHECK (state IN ('clear', 'open')), -- open: a person decides
	found     text[] NOT NULL, -- in words
	PRIMARY KEY (epoch, center_id)
);
REVOKE DELETE ON center_looks FROM settled_app;
GRANT SELECT, INSERT, UPDATE ON center_looks TO settled_app;

-- lost_files: files that went to a center and that the books lack. Their numbers are never given again, and nothing of their business
-- dates goes to the center before a person has looked. base and sequence are as in files.
CREATE TABLE lost_files (
	epoch         integer NOT NULL REFERENCES epochs, -- in which it was found
	base          integer NOT NULL CHECK (base >= 0),
	sequence      integer NOT NULL CHECK (sequence > 0),
	business_date date,            -- NULL with an empty name
	center_id     smallint NOT NULL REFERENCES centers,
	stream        text NOT NULL,
	scope         text NOT NULL,
	name          text NOT NULL,   -- empty: nobody saw it, but its number is below one that was seen
	evidence      text NOT NULL CHECK (evidence <> ''),
	PRIMARY KEY (center_id, stream, scope, base, sequence, name)
);
REVOKE UPDATE, DELETE ON lost_files FROM settled_app;
GRANT SELECT, INSERT ON lost_files TO settled_app;

-- held tells why nothing may be numbered for, or sent to, a center now; of center 0, why nothing may be done at all. NULL: it may.
-- +goose StatementBegin
CREATE FUNCTION held(center smallint) RETURNS text LANGUAGE sql STABLE AS $$
	SELECT CASE
		WHEN e.identity <> server_identity() THEN 'the database is not the one that was worked on'
		WHEN e.state = 'held' THEN 'the database was restored'
		WHEN center <> 0 AND e.looks THEN (SELECT coalesce(
			(SELECT CASE state WHEN 'open' THEN 'the center has what the books lack' END FROM center_looks WHERE epoch = e.epoch AND center_id = center),
			CASE WHEN NOT EXISTS (SELECT FROM center_looks WHERE epoch = e.epoch AND center_id = center) THEN 'the center was not looked at yet' END))
	END
	FROM epochs e ORDER BY e.epoch DESC LIMIT 1
$$;
-- +goose StatementEnd
