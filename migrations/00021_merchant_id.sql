-- +goose Up

-- A merchant's number has one name in all tables, so that who looks for what names a merchant finds these two as well.
ALTER TABLE breaks RENAME COLUMN merchant TO merchant_id;
ALTER TABLE unknown_approvals RENAME COLUMN merchant TO merchant_id;
