-- Retention: what is erased after its time, and the proof of it (docs/retention.md, ADR 38).

-- +goose Up

-- What was erased of an order, and when. With its card goes the fingerprint of its request, which is a hash of the card, too; with the personal
-- data go details and customer, and asked is then the hash of what is left.
ALTER TABLE orders
	ADD COLUMN card_erased_at     timestamptz,
	ADD COLUMN personal_erased_at timestamptz;

-- From when on the bytes of a file or reply are being erased, or gone. Name, size, hash, totals and what came of it stay.
ALTER TABLE files ADD COLUMN erased_at timestamptz;
ALTER TABLE replies ADD COLUMN erased_at timestamptz;

-- erasures: what the runs of retention erased, in the transactions that erased it, and how each run ended.
CREATE TABLE erasures (
	erasure_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	erased     bigint NOT NULL CHECK (erased >= 0), -- rows
	bytes      bigint NOT NULL CHECK (bytes >= 0),  -- of files and replies, as they were sent
	run_at     timestamptz NOT NULL,  -- the beginning of the run: all rows of it have it
	before     timestamptz NOT NULL,  -- what was last of use before this was due
	left_from  timestamptz,           -- of the end of a run: nothing older was left to erase
	days       integer NOT NULL CHECK (days > 0), -- the period
	class      text NOT NULL,
	subject    text NOT NULL,
	held       jsonb,                 -- of the end of a run: what was due and is still needed, how many by why; null: not the end
	CONSTRAINT end_says_what_is_left CHECK ((held IS NULL) = (left_from IS NULL))
);
CREATE INDEX erasures_by_subject ON erasures (class, subject, erasure_id);

-- Records and stored bytes may be changed by no role (INV-2). These erase, and nothing else, and only what is not needed any more, whoever calls.

-- erase_record_cards takes the cards from records whose batch has its verdict, and which do not wait for a decision. It returns how many it took.
-- +goose StatementBegin
CREATE FUNCTION erase_record_cards(wins integer[], ids bigint[], merchants integer[]) RETURNS integer LANGUAGE sql SECURITY DEFINER
	SET search_path = public, pg_temp AS $$
	WITH gone AS (
		UPDATE records r SET card = '' FROM unnest(wins, ids, merchants) AS k (win, id, merchant)
		WHERE (r.window_id, r.record_id, r.merchant_id) = (k.win, k.id, k.merchant) AND r.card <> ''
			AND EXISTS (SELECT FROM windows w WHERE w.window_id = r.window_id AND w.state IN ('sealed', 'empty'))
			AND NOT EXISTS (SELECT FROM batches b WHERE b.window_id = r.window_id AND b.currency = r.currency AND b.state <> 'replied')
			AND NOT EXISTS (SELECT FROM rejects j
				WHERE (j.window_id, j.record_id, j.merchant_id) = (r.window_id, r.record_id, r.merchant_id) AND j.state = 'rejected')
		RETURNING 1
	)
	SELECT count(*)::integer FROM gone
$$;
-- +goose StatementEnd

-- erase_file_chunks deletes up to most chunks of a file that is marked and whose batch has its verdict, and returns how many.
-- +goose StatementBegin
CREATE FUNCTION erase_file_chunks(file bigint, most integer) RETURNS integer LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
	WITH gone AS (
		DELETE FROM file_chunks WHERE (file_id, chunk_no) IN (
			SELECT c.file_id, c.chunk_no FROM file_chunks c JOIN files f USING (file_id) JOIN batches b USING (batch_id)
			WHERE c.file_id = file AND f.erased_at IS NOT NULL AND f.state IN ('replied', 'rejected') AND b.state = 'replied'
			ORDER BY c.chunk_no LIMIT most) RETURNING 1
	)
	SELECT count(*)::integer FROM gone
$$;
-- +goose StatementEnd

-- erase_reply_chunks does the same of a reply that is marked and decided.
-- +goose StatementBegin
CREATE FUNCTION erase_reply_chunks(reply bigint, most integer) RETURNS integer LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
	WITH gone AS (
		DELETE FROM reply_chunks WHERE (reply_id, chunk_no) IN (
			SELECT c.reply_id, c.chunk_no FROM reply_chunks c JOIN replies r USING (reply_id)
			WHERE c.reply_id = reply AND r.erased_at IS NOT NULL AND r.state IN ('applied', 'duplicate')
			ORDER BY c.chunk_no LIMIT most) RETURNING 1
	)
	SELECT count(*)::integer FROM gone
$$;
-- +goose StatementEnd
