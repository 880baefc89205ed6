package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// ErrLogin is wrapped when a process logs in as somebody who may do anything with the database, whatever role its sessions take.
var ErrLogin = errors.New("postgres: the login may do too much")

const sqlLogin = `
SELECT session_user::text, array_remove(ARRAY[
	CASE WHEN rolsuper THEN 'is a superuser' END,
	CASE WHEN NOT rolsuper AND rolcreaterole THEN 'may make roles' END,
	(SELECT 'owns the tables' || CASE WHEN o.rolname <> session_user THEN ' as ' || o.rolname ELSE '' END FROM pg_class c JOIN pg_roles o ON o.oid = c.relowner
		WHERE c.oid = to_regclass('public.orders') AND NOT r.rolsuper AND pg_has_role(session_user, o.oid, 'MEMBER'))], NULL)
FROM pg_roles r WHERE rolname = session_user`

// CheckLogin refuses a login that is a superuser, makes roles, or owns the tables: it changes what it likes, and takes any right back (ErrLogin).
func CheckLogin(ctx context.Context, q Querier) error {
	var login string
	var why []string
	if err := q.QueryRow(ctx, sqlLogin).Scan(&login, &why); err != nil {
		return fmt.Errorf("ask for the login: %w", err)
	}
	if len(why) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s %s: name a login in DATABASE_URL that is only a member of a role of the database (docs/roles.md)", ErrLogin, login, strings.Join(why, " and "))
}
