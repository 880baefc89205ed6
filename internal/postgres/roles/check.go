package roles

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// sqlHas lists what the role $1 may in the database, in the words of may.
const sqlHas = `
WITH things AS (
	SELECT oid, relname::text AS name, relkind FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND NOT relispartition
)
SELECT verb || ' ' || name FROM things, unnest('{SELECT,INSERT,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) verb
WHERE relkind <> 'S' AND (has_table_privilege($1, oid, verb) OR verb IN ('SELECT', 'INSERT', 'REFERENCES') AND has_any_column_privilege($1, oid, verb))
UNION ALL SELECT format('UPDATE %s (%s)', name, attname) FROM things JOIN pg_attribute ON attrelid = oid AND attnum > 0 AND NOT attisdropped
WHERE relkind <> 'S' AND has_column_privilege($1, oid, attnum, 'UPDATE')
UNION ALL SELECT format('SELECT %s (%s)', name, attname) FROM things JOIN pg_attribute ON attrelid = oid AND attnum > 0 AND NOT attisdropped
WHERE name || '.' || attname = ANY($2) AND has_column_privilege($1, oid, attnum, 'SELECT')
UNION ALL SELECT verb || ' SEQUENCE ' || name FROM things, unnest('{USAGE,UPDATE}'::text[]) verb WHERE relkind = 'S' AND has_sequence_privilege($1, oid, verb)
UNION ALL SELECT 'EXECUTE FUNCTION ' || oid::regprocedure FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef AND has_function_privilege($1, oid, 'EXECUTE')
UNION ALL SELECT 'CREATE in schema ' || nspname FROM pg_namespace WHERE nspname !~ '^pg_(toast|temp)' AND has_schema_privilege($1, oid, 'CREATE')
UNION ALL SELECT verb || ' in the database' FROM unnest('{CREATE,TEMPORARY}'::text[]) verb WHERE has_database_privilege($1, current_database(), verb)`

// Compare tells what a role of that name may beyond what the table says of r, and what it may not though the table says so, as "UPDATE orders (card)".
func Compare(ctx context.Context, q Querier, name string, r Role) (more, less []string, err error) {
	rows, err := q.Query(ctx, sqlHas, name, sealedNames())
	if err != nil {
		return nil, nil, fmt.Errorf("ask for the rights of %s: %w", name, err)
	}
	has, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, nil, fmt.Errorf("ask for the rights of %s: %w", name, err)
	}
	may := r.may()
	more = slices.DeleteFunc(slices.Clone(has), func(s string) bool { return slices.Contains(may, s) })
	less = slices.DeleteFunc(may, func(s string) bool { return slices.Contains(has, s) })
	slices.Sort(more)
	return more, less, nil
}

// may lists what the table says of a role.
func (r Role) may() (all []string) {
	for _, t := range rights {
		v := t.of(r)
		for verb, has := range map[string]bool{"SELECT": t.read(r), "INSERT": v.insert, "DELETE": v.remove} {
			if has {
				all = append(all, verb+" "+t.table)
			}
		}
		for _, column := range strings.Fields(t.changes) {
			if v.update {
				all = append(all, fmt.Sprintf("UPDATE %s (%s)", t.table, column))
			}
		}
		for _, column := range strings.Fields(t.erases) {
			if r.has(Work) {
				all = append(all, fmt.Sprintf("UPDATE %s (%s)", t.table, column))
			}
		}
	}
	for _, s := range sealed {
		if s.read(r) {
			all = append(all, fmt.Sprintf("SELECT %s (%s)", s.table, s.column))
		}
	}
	for _, b := range besides {
		if slices.ContainsFunc(b.to, r.has) {
			all = append(all, b.verb+" "+b.object)
		}
	}
	slices.Sort(all)
	return all
}

// Kind tells which role of the database a name is; empty: none. Legacy is App.
func (d Database) Kind(name string) Role {
	for _, r := range All() {
		if d.Named(r) == name {
			return r
		}
	}
	if d.Legacy && name == Legacy {
		return App
	}
	return ""
}
