-- Refused records are written by the thousand in the night, so that an index of them costs the night. The list of rejects (settle/read)
-- goes by the primary key, the latest window first; of the few that wait for a decision there is this index, which a reply appends to.

-- +goose Up
DROP INDEX rejects_by_state;
CREATE INDEX rejects_waiting ON rejects (window_id, record_id) WHERE state = 'rejected';
