// Package migrations holds the schema as numbered SQL files and applies them.
//
// Files are named NNNNN_name.sql and only ever go forward: a file that was released is never edited. After ours, Up
// applies the migrations of River, the job queue.
package migrations

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"

	"settled/internal/postgres/roles"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

//go:embed *.sql
var files embed.FS

// Table is where it is kept which files were applied; a database without it has none.
const Table = "public.goose_db_version"

// riverLock is the advisory lock that a process holds while it runs River's migrations.
const riverLock = 0x5e771ed

// Up brings the database at url to the newest version, and the rights of its roles to the table of package roles. The login must own the schema; where it
// may not make roles, those that are missing stay missing (Roles tells). Any number of processes may call it at once: one
// applies, the others wait and find nothing to do.
func Up(ctx context.Context, url string) error {
	err := withGoose(url, func(p *goose.Provider) error {
		_, err := p.Up(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("migrate database: %w", err)
	}
	if err := upRiver(ctx, url); err != nil {
		return fmt.Errorf("migrate job queue: %w", err)
	}
	if err := withConn(ctx, url, roles.Bring); err != nil {
		return fmt.Errorf("give rights: %w", err)
	}
	return nil
}

// Roles looks at the roles of the database at url.
func Roles(ctx context.Context, url string) (d roles.Database, err error) {
	err = withConn(ctx, url, func(ctx context.Context, c *pgx.Conn) error { d, err = roles.Look(ctx, c); return err })
	return d, err
}

// Enroll makes logins of the roles of the database at url, whose login may make roles, or gives those that are there their new passwords.
func Enroll(ctx context.Context, url string, d roles.Database, logins ...roles.Login) error {
	return withConn(ctx, url, func(ctx context.Context, c *pgx.Conn) error { return roles.Enroll(ctx, c, d, logins...) })
}

func withConn(ctx context.Context, url string, fn func(context.Context, *pgx.Conn) error) error {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return err
	}
	cfg.RuntimeParams["search_path"] = "public"
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return fn(ctx, conn)
}

// Version returns the number of the last file that was applied to the database at url, 0 for none.
func Version(ctx context.Context, url string) (version int64, err error) {
	err = withGoose(url, func(p *goose.Provider) error {
		version, err = p.GetDBVersion(ctx)
		return err
	})
	return version, err
}

// Newest is the number of the last file.
func Newest() (newest int64, err error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil || len(names) == 0 {
		return 0, err
	}
	return goose.NumericComponent(names[len(names)-1])
}

// Pending returns the names of the files that Up would apply to the database at url, in order. River's migrations count
// as one name, "river", when any of them is missing.
func Pending(ctx context.Context, url string) ([]string, error) {
	var names []string
	err := withGoose(url, func(p *goose.Provider) error {
		statuses, err := p.Status(ctx)
		for _, s := range statuses {
			if s.State == goose.StatePending {
				names = append(names, s.Source.Path)
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read migration status: %w", err)
	}
	river, err := riverPending(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("read job queue status: %w", err)
	}
	if river {
		names = append(names, "river")
	}
	return names, nil
}

// Hash is a short hexadecimal name of all files, of River's newest migration and of the rights: two databases migrated from equal
// hashes have equal schemas.
func Hash() (string, error) {
	h := sha256.New()
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return "", err
	}
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d\n%s", name, len(text), text)
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(nil), nil)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(h, "river %d\n%s", len(migrator.AllVersions()), roles.Database{}.Script())
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}

// withGoose runs fn with a migrator on a connection of its own. goose speaks database/sql, which nothing else here may.
func withGoose(url string, fn func(*goose.Provider) error) error {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return err
	}
	cfg.RuntimeParams["search_path"] = "public"
	db := stdlib.OpenDB(*cfg)
	defer db.Close()
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 600)) // asks each second for ten minutes
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, withoutRights{files}, goose.WithSessionLocker(locker))
	if err != nil {
		return err
	}
	return fn(provider)
}

// upRiver applies River's migrations while it holds riverLock on a session of its own.
func upRiver(ctx context.Context, url string) error {
	return withRiver(ctx, url, func(pool *pgxpool.Pool, m *rivermigrate.Migrator[pgx.Tx]) error {
		lock, err := pool.Acquire(ctx)
		if err != nil {
			return err
		}
		defer lock.Release()
		defer func() { _ = lock.Conn().Close(context.WithoutCancel(ctx)) }() // gives the lock back
		if _, err := lock.Exec(ctx, "SELECT pg_advisory_lock($1)", riverLock); err != nil {
			return err
		}
		_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
		return err
	})
}

func riverPending(ctx context.Context, url string) (pending bool, err error) {
	err = withRiver(ctx, url, func(_ *pgxpool.Pool, m *rivermigrate.Migrator[pgx.Tx]) error {
		have, err := m.ExistingVersions(ctx)
		pending = len(have) < len(m.AllVersions())
		return err
	})
	return pending, err
}

func withRiver(ctx context.Context, url string, fn func(*pgxpool.Pool, *rivermigrate.Migrator[pgx.Tx]) error) error {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return err
	}
	cfg.MaxConns = 3 // the lock, River's, and one to spare
	cfg.ConnConfig.RuntimeParams["search_path"] = "public"
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer pool.Close()
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), nil)
	if err != nil {
		return err
	}
	return fn(pool, migrator)
}
