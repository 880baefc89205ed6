// Package roles is the one place that says which role of the database may do what: the table of rights (table.go), and the statements that
// bring a database to it. docs/roles.md shows the table.
//
// A database has group roles of its own, named by it: settled_<database>_api and so on. Nobody logs in as one; logins are members. A session takes the
// least of the roles that its process can work with (Taking). The owner of the tables is none of them.
package roles

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Role is a group role of a database: what follows its prefix.
type Role string

// The roles.
const (
	API     Role = "api"     // settled serve
	Work    Role = "work"    // settled work
	App     Role = "app"     // settled run, and the commands of operators: what API and Work may
	Console Role = "console" // reads what people are shown
	Auditor Role = "auditor" // reads what the audit reads
	Backup  Role = "backup"  // reads everything, to dump it
)

// All are the roles, in the order of docs/roles.md.
func All() []Role { return []Role{API, Work, App, Console, Auditor, Backup} }

// Legacy is the role of installations from before every database had its own. It may what App may, where it is there.
const Legacy = "settled_app"

// Setting is the parameter of a database that names its roles otherwise: ALTER DATABASE … SET settled.roles = 'settled_other', for one that was
// renamed or copied and keeps the roles that it had.
const Setting = "settled.roles"

// Prefix is an expression of SQL: what the names of a database's roles begin with. It leaves room for the longest within the 63 bytes of a name.
const Prefix = `coalesce(nullif(current_setting('` + Setting + `', true), ''),
	'settled_' || CASE WHEN octet_length(current_database()) <= 40 THEN current_database()::text ELSE md5(current_database()) END)`

// Taking are the names that a session of a process tries, the part after the prefix, or the whole of Legacy; the first whose member its login is.
func Taking(r Role) []string {
	switch r {
	case API, Work:
		return []string{"_" + string(r), "_" + string(App), Legacy}
	case "", App:
		return []string{"_" + string(App), Legacy}
	case Console, Auditor, Backup:
	}
	return []string{"_" + string(r)}
}

// Reading is as Taking for a session that only reads: any role does.
func Reading() []string {
	names := append(Taking(App), Taking(Work)[0], Taking(API)[0])
	return append(names, Taking(Auditor)[0], Taking(Console)[0], Taking(Backup)[0])
}

// Querier runs statements.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Database is a database as its roles see it.
type Database struct {
	Name   string
	Prefix string
	Owner  string              // of the tables, as far as there are any; else the login that looked
	Legacy bool                // the role Legacy has rights here
	May    bool                // the login that looked may make roles
	There  []Role              // that exist
	open   map[string][]string // the columns that are not sealed, of the tables that have sealed ones
}

const sqlLook = `
SELECT current_database()::text, p.prefix,
	coalesce((SELECT pg_get_userbyid(relowner)::text FROM pg_class WHERE oid = to_regclass('public.orders')), current_user::text),
	coalesce((SELECT has_schema_privilege(r.oid, 'public', 'USAGE') AND has_table_privilege(r.oid, c.oid, 'INSERT') FROM pg_roles r, pg_class c
		WHERE r.rolname = '` + Legacy + `' AND c.oid = to_regclass('public.orders')), false),
	(SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user),
	ARRAY(SELECT k FROM unnest($1::text[]) k JOIN pg_roles ON rolname = p.prefix || '_' || k)
FROM (SELECT ` + Prefix + ` AS prefix) p`

// Look asks a database about its roles.
func Look(ctx context.Context, q Querier) (d Database, err error) {
	var there []string
	if err = q.QueryRow(ctx, sqlLook, words(All())).Scan(&d.Name, &d.Prefix, &d.Owner, &d.Legacy, &d.May, &there); err != nil {
		return d, fmt.Errorf("look at the roles of the database: %w", err)
	}
	for _, r := range there {
		d.There = append(d.There, Role(r))
	}
	if len(d.Prefix) > 55 {
		return d, fmt.Errorf("roles that begin with %q: a name of at most 55 bytes is needed, set %s", d.Prefix, Setting)
	}
	d.open, err = openColumns(ctx, q)
	return d, err
}

const sqlOpen = `
SELECT c.relname::text, array_agg(a.attname::text ORDER BY attnum)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND attnum > 0 AND NOT attisdropped
WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY($1) AND c.relname || '.' || a.attname <> ALL($2)
GROUP BY c.relname`

// openColumns are the columns that are not sealed, of the tables that have sealed ones.
func openColumns(ctx context.Context, q Querier) (map[string][]string, error) {
	var tables []string
	for _, s := range sealed {
		tables = append(tables, s.table)
	}
	rows, err := q.Query(ctx, sqlOpen, tables, sealedNames())
	if err != nil {
		return nil, fmt.Errorf("look at the columns of the database: %w", err)
	}
	open, table, columns := map[string][]string{}, "", []string(nil)
	if _, err = pgx.ForEachRow(rows, []any{&table, &columns}, func() error {
		open[table] = slices.Clone(columns)
		return nil
	}); err != nil {
		return nil, fmt.Errorf("look at the columns of the database: %w", err)
	}
	return open, nil
}

// sealedNames are the sealed columns as table.column.
func sealedNames() (names []string) {
	for _, s := range sealed {
		names = append(names, s.table+"."+s.column)
	}
	return names
}

// Named is the name of a role in the database.
func (d Database) Named(r Role) string { return d.Prefix + "_" + string(r) }

// Missing are the roles that an administrator has to make.
func (d Database) Missing() (missing []Role) {
	for _, r := range All() {
		if !slices.Contains(d.There, r) {
			missing = append(missing, r)
		}
	}
	return missing
}

// lock is the advisory lock of those who set rights: one at a time.
const lock = 0x5e771ee

// Bring makes the roles that are missing, where the login may, and gives each that is there its rights, in one transaction. The login must own the
// tables. What is missing afterwards, an administrator makes with Script.
func Bring(ctx context.Context, conn *pgx.Conn) error {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, lock); err != nil {
		return err
	}
	d, err := Look(ctx, tx)
	if err != nil {
		return err
	}
	var statements []string
	if d.May {
		statements, d.There = d.creations(), All()
	}
	for _, sql := range append(statements, d.grants()...) {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return tx.Commit(ctx)
}

// Of is the name of the role that the application works as at most.
func Of(ctx context.Context, q Querier) (name string, err error) {
	d, err := Look(ctx, q)
	switch {
	case err != nil:
		return "", err
	case slices.Contains(d.There, App):
		return d.Named(App), nil
	case d.Legacy:
		return Legacy, nil
	}
	return "", errors.New("the database has no role of the application: settled migrate --print-grants prints the statements that an administrator runs")
}

func words(all []Role) (words []string) {
	for _, r := range all {
		words = append(words, string(r))
	}
	return words
}

func quoted(names ...string) string {
	for i, n := range names {
		names[i] = pgx.Identifier{n}.Sanitize()
	}
	return strings.Join(names, ", ")
}
