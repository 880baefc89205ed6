package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

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
SELECT pid, backend_start, NOT pg_is_in_recovery() AND to_regclass('public.server_life') IS NOT NULL
FROM pg_stat_get_activity(pg_backend_pid())`

// sqlRole takes AppRole if it exists and $1 wishes it.
const sqlRole = `SELECT set_config('role', rolname, false) FROM pg_roles WHERE rolname = 'settled_app' AND $1`

// prepareSession sets the role, and remembers the session and the life of the server that it is of.
func prepareSession(ctx context.Context, conn *pgx.Conn, owner bool) error {
	var s session
	var marked bool
	if err := conn.QueryRow(ctx, sqlSession, pgx.QueryExecModeExec).Scan(&s.pid, &s.began, &marked); err != nil {
		return fmt.Errorf("read session: %w", err)
	}
	if _, err := conn.Exec(ctx, sqlRole, pgx.QueryExecModeExec, !owner); err != nil {
		return fmt.Errorf("take role %s: %w", AppRole, err)
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
