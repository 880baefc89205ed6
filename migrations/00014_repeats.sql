-- When the merchant was told the final result of an operation: what it has not been told it may ask for again (docs/adr/0017).

-- +goose Up

ALTER TABLE operations
	ADD COLUMN told_at timestamptz; -- the answer was handed over; null: it was not, or nobody knows
