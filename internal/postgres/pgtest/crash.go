//go:build unix

package pgtest

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/jackc/pgx/v5"

	"settled/internal/postgres/local"
)

// Crash kills every process of a server at once, as a failing machine does: nothing is flushed, nobody is told. A server
// with a directory of its own can be started on it again, and recovers. A process of ours cannot crash the page cache of the
// system, so what reached a file is there.
func Crash(ctx context.Context, s *local.Server) error {
	pids, err := processes(ctx, s)
	if err != nil {
		return fmt.Errorf("crash local database: %w", err)
	}
	for _, pid := range pids {
		if err := Kill(pid); err != nil {
			return fmt.Errorf("crash local database: %w", err)
		}
	}
	return s.Stop()
}

// Kill kills one process of a server. One that has ended already is no error.
func Kill(pid int) error {
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("kill process %d: %w", pid, err)
	}
	return nil
}

// processes are a server's processes, the postmaster first: the others must not be missed by it.
func processes(ctx context.Context, s *local.Server) ([]int, error) {
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)::int
		UNION ALL SELECT pid FROM pg_stat_activity`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int])
}
