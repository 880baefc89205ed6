-- Windows that are planned anew when calendars or cut-offs change (docs/calendars.md, ADR 28).

-- +goose Up

-- replans: each time that a person had the windows of a center planned anew: why, and what went and came. Windows are told as
-- business date, number and cut-off.
CREATE TABLE replans (
	replan_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	center_id smallint NOT NULL REFERENCES centers,
	stream    text NOT NULL,
	at        timestamptz NOT NULL,
	reason    text NOT NULL CHECK (reason <> ''),
	removed   jsonb NOT NULL,
	made      jsonb NOT NULL
);
GRANT SELECT, INSERT ON replans TO settled_app;
REVOKE UPDATE, DELETE ON replans FROM settled_app;

-- calendar and planned_at say what planned a window and when; empty and null: it is older than this, or was cut from another
-- one by hand. replan_id names the replan that made it.
ALTER TABLE windows
	ADD COLUMN calendar   text NOT NULL DEFAULT '',
	ADD COLUMN planned_at timestamptz,
	ADD COLUMN replan_id  integer REFERENCES replans;

-- A record belongs to the first window whose cut-off comes after its birth, and to no other. So a window goes only while it is
-- open and holds no record, none is made whose cut-off a record of a later window was born before, and a cut-off that is moved
-- comes earlier, and is one of a window that is not sealed. Writers of records hold the center's lock shared until they commit; the lock
-- is taken here exclusively, so what is looked for is there for good, at READ COMMITTED too. Whoever plans holds it already.
-- +goose StatementBegin
CREATE FUNCTION keep_records_in_their_windows() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	w windows%ROWTYPE := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
BEGIN
	IF TG_OP = 'UPDATE' THEN
		IF NEW.cutoff_at > OLD.cutoff_at OR NEW.cutoff_at < OLD.cutoff_at AND OLD.state NOT IN ('open', 'sealing') THEN
			RAISE EXCEPTION 'the cut-off of window % does not move from % to %', OLD.window_id, OLD.cutoff_at, NEW.cutoff_at
				USING ERRCODE = 'check_violation', CONSTRAINT = 'cutoff_comes_no_later', TABLE = 'windows';
		END IF;
		RETURN NEW;
	END IF;
	PERFORM pg_advisory_xact_lock(99053885, w.center_id::integer);
	IF TG_OP = 'DELETE' AND (OLD.state <> 'open' OR EXISTS (SELECT FROM records WHERE window_id = OLD.window_id)) THEN
		RAISE EXCEPTION 'window % is % or holds records: it stays', OLD.window_id, OLD.state
			USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'records_keep_their_window', TABLE = 'windows';
	END IF;
	IF TG_OP = 'INSERT' AND EXISTS (SELECT FROM windows later JOIN records r USING (window_id) WHERE later.center_id = NEW.center_id
		AND later.stream = NEW.stream AND later.cutoff_at > NEW.cutoff_at AND r.born_at < NEW.cutoff_at) THEN
		RAISE EXCEPTION 'a cut-off at % would take records of center % that are in a later window', NEW.cutoff_at, NEW.center_id
			USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'windows_do_not_overlap', TABLE = 'windows';
	END IF;
	RETURN w;
END $$;
-- +goose StatementEnd

CREATE TRIGGER keep_records_in_their_windows BEFORE INSERT OR DELETE OR UPDATE OF cutoff_at ON windows
	FOR EACH ROW EXECUTE FUNCTION keep_records_in_their_windows();
