package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"settled/internal/postgres/roles"

	"github.com/jackc/pgx/v5"
)

// session is who a connection is at the server: what it takes to prove later that it has ended.
type session struct {
	pid   int32
	began time.Time // no two sessions of one pid begin at one instant
	life  [16]byte  // of the server, see server_life; zero where it cannot be told
}

// sessionData is the key of the session in the connection's custom data.
const sessionData = "settled.session"

func sessionOf(conn *pgx.Conn) session {
	s, _ := conn.PgConn().CustomData()[sessionData].(session)
	return s
}

// sqlSession comes before the role is taken, which may not see when the session began.
const sqlSession = `
SELECT pid, backend_start, NOT pg_is_in_recovery() AND to_regclass('public.server_life') IS NOT NULL, to_regclass('public.server_life') IS NOT NULL
FROM pg_stat_get_activity(pg_backend_pid())`

// sqlRole takes the first of the roles $1 whose member the login is. It returns what it took, and what it would have needed.
const sqlRole = `
SELECT coalesce((SELECT set_config('role', rolname, false) FROM (
		SELECT r.rolname FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, turn)
		JOIN pg_roles r ON r.rolname = CASE WHEN wanted.name LIKE '\_%' THEN p.prefix || wanted.name ELSE wanted.name END
		WHERE pg_has_role(session_user, r.oid, 'MEMBER') ORDER BY turn LIMIT 1) first), ''), p.prefix || ($1::text[])[1], session_user::text
FROM (SELECT ` + roles.Prefix + ` AS prefix) p`

// ErrRole is wrapped when a login is a member of no role that its process can work with.
var ErrRole = errors.New("postgres: the login has no role")

// takeRole makes the session work as one of the roles. A database without our schema has none.
func takeRole(ctx context.Context, conn *pgx.Conn, names []string, ours bool) error {
	var taken, needed, login string
	if err := conn.QueryRow(ctx, sqlRole, pgx.QueryExecModeExec, names).Scan(&taken, &needed, &login); err != nil {
		return fmt.Errorf("take role %s: %w", needed, err)
	}
	if taken == "" && ours {
		return fmt.Errorf("%w: %s is no member of %s: an administrator runs GRANT %s TO %s; if there is no such role, what settled migrate --print-grants prints",
			ErrRole, login, needed, pgx.Identifier{needed}.Sanitize(), pgx.Identifier{login}.Sanitize())
	}
	return nil
}

// prepareSession sets the role, and remembers the session and the life of the server that it is of.
func prepareSession(ctx context.Context, conn *pgx.Conn, cfg Config) error {
	var s session
	var marked, ours bool
	if err := conn.QueryRow(ctx, sqlSession, pgx.QueryExecModeExec).Scan(&s.pid, &s.began, &marked, &ours); err != nil {
		return fmt.Errorf("read session: %w", err)
	}
	if !cfg.Owner {
		if err := takeRole(ctx, conn, roles.Taking(cfg.Role), ours); err != nil {
			return err
		}
	}
	if marked {
		var err error
		if s.life, err = readLife(ctx, conn); err != nil {
			return err
		}
	}
	conn.PgConn().CustomData()[sessionData] = s
	return nil
}

// sqlLife makes the mark where a recovery has taken it away. It sees nothing when another session makes it at this moment.
const sqlLife = `
WITH made AS (INSERT INTO server_life DEFAULT VALUES ON CONFLICT DO NOTHING RETURNING mark)
SELECT mark FROM made UNION ALL SELECT mark FROM server_life`

// readLife reads the mark of the server's life. One that the server will not give, as with a full disk, stays zero: the
// session can do its work, and a lost answer to it stays unknown.
func readLife(ctx context.Context, conn *pgx.Conn) (life [16]byte, err error) {
	for range 3 {
		err = conn.QueryRow(ctx, sqlLife, pgx.QueryExecModeExec).Scan(&life)
		if !errors.Is(err, pgx.ErrNoRows) {
			break
		}
	}
	if err != nil && conn.IsClosed() {
		return life, fmt.Errorf("read the life of the server: %w", err)
	}
	return life, nil
}
