-- What the application may do with a table is said here for those of which nothing was said yet: a table has every right by
-- default. It deletes only what is a queue, a lock or a note of the moment; what happened stays.

-- +goose Up

REVOKE UPDATE, DELETE ON cheques FROM settled_app;
REVOKE DELETE ON authentications, breaks, centers, credentials, file_sequences, funds, id_blocks, inbox_files, instant_payments,
	operations, orders, rejects, schedules, subscription_payments, subscriptions, transactions FROM settled_app;
