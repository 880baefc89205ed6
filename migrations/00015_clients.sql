-- +goose Up

-- An order that was opened for its buyer can be cancelled by its shop before anybody has paid it.
ALTER TABLE orders DROP CONSTRAINT orders_status_check,
	ADD CONSTRAINT orders_status_check CHECK (status IN (1, 2, 3, 4, 5)); -- in process, paid, declined, timeout, withdrawn
