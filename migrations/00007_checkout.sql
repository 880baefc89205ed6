-- What the payment page has to remember while a buyer passes 3-D Secure: any process may serve the next request.

-- +goose Up

ALTER TABLE authentications
	ADD COLUMN method_url  text NOT NULL DEFAULT '',        -- of the access control server's look at the browser; empty: none
	ADD COLUMN method_done boolean NOT NULL DEFAULT false,  -- that look has ended
	ADD COLUMN browser     text NOT NULL DEFAULT '';        -- what the buyer's browser says of itself, as the page sent it

-- Those that somebody has to ask about, or that ran out of time.
CREATE INDEX authentications_waiting ON authentications (expires_at) WHERE state IN (1, 2);
