-- How a transaction whose answer was lost is found again: by something that it wrote itself (docs/adr/0013).

-- +goose Up

-- commits: a row of each transaction that InTx began, with a random token that only it knows. A row that is there was
-- committed with all else of its transaction. Rows are of no use once nobody asks for them any more.
CREATE TABLE commits (
	at    timestamptz NOT NULL DEFAULT now(), -- of BEGIN, by the server's clock: first in the key, so that new rows are together
	token uuid NOT NULL,
	PRIMARY KEY (at, token)
);

-- server_life: one row that lives as long as the server does without a recovery. The server empties tables that are not
-- logged when it recovers from a crash, and a standby that is promoted never had their rows; a stop in good order keeps
-- them. So two sessions that read one mark have no recovery and no fail-over between them.
CREATE UNLOGGED TABLE server_life (
	one  boolean PRIMARY KEY DEFAULT true CHECK (one),
	mark uuid NOT NULL DEFAULT gen_random_uuid()
);

-- forget_commits deletes up to most of the oldest rows and returns how many it deleted. None is younger than six hours: a
-- lost answer is asked for within a minute, and no transaction lasts nearly as long.
-- +goose StatementBegin
CREATE FUNCTION forget_commits(most integer) RETURNS integer LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
	WITH gone AS (
		DELETE FROM commits WHERE (at, token) IN (SELECT at, token FROM commits
			WHERE at < now() - interval '6 hours' ORDER BY at, token LIMIT most) RETURNING 1
	)
	SELECT count(*)::integer FROM gone
$$;
-- +goose StatementEnd

GRANT SELECT, INSERT ON commits, server_life TO settled_app;
REVOKE UPDATE, DELETE, TRUNCATE ON commits, server_life FROM settled_app; -- which a table has by default
REVOKE EXECUTE ON FUNCTION forget_commits(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_commits(integer) TO settled_app;
