package postgres

import (
	"context"
	"fmt"
	"time"
)

// Now asks the server for its instant, in UTC.
func Now(ctx context.Context, q Querier) (at time.Time, err error) {
	if err = q.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&at); err != nil {
		return at, fmt.Errorf("ask the database for the time: %w", err)
	}
	return at.UTC(), nil
}

// Version is the server's version in words, such as "15.8".
func Version(ctx context.Context, q Querier) (version string, err error) {
	if err = q.QueryRow(ctx, `SHOW server_version`).Scan(&version); err != nil {
		return "", fmt.Errorf("ask for the server's version: %w", err)
	}
	return version, nil
}

// Roles are the role that a session works as, and the login that it came with.
func Roles(ctx context.Context, q Querier) (role, login string, err error) {
	if err = q.QueryRow(ctx, `SELECT current_user::text, session_user::text`).Scan(&role, &login); err != nil {
		return "", "", fmt.Errorf("ask for the role: %w", err)
	}
	return role, login, nil
}

// HasTable tells that there is a table of this name, such as "public.orders".
func HasTable(ctx context.Context, q Querier, name string) (there bool, err error) {
	if err = q.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, name).Scan(&there); err != nil {
		return false, fmt.Errorf("look for table %s: %w", name, err)
	}
	return there, nil
}

// Storage is what a database holds, and where.
type Storage struct {
	Bytes     uint64 // of the database, tables and indexes
	Directory string // where the server keeps its data, when it tells our login and is on this host; else empty
}

const storage = `
SELECT pg_database_size(current_database()), CASE WHEN inet_server_addr() IS NULL OR inet_server_addr() = inet_client_addr() THEN
	coalesce((SELECT setting FROM pg_settings WHERE name = 'data_directory'), '') ELSE '' END`

// Held tells what the database holds.
func Held(ctx context.Context, q Querier) (s Storage, err error) {
	if err = q.QueryRow(ctx, storage).Scan(&s.Bytes, &s.Directory); err != nil {
		return s, fmt.Errorf("ask for the size of the database: %w", err)
	}
	return s, nil
}
