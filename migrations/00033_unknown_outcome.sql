-- The outcome of an act whose commit was sent and whose answer was lost is not known, and is no failure.

-- +goose Up
ALTER TABLE events DROP CONSTRAINT events_outcome_check,
	ADD CONSTRAINT events_outcome_check CHECK (outcome IN ('asked', 'done', 'refused', 'failed', 'unknown'));
