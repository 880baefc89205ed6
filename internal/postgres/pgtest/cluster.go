package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"settled/internal/postgres"
	"settled/internal/postgres/local"
	"settled/internal/postgres/roles"
	"settled/migrations"
)

// templateLock is the advisory lock, on the maintenance database, under which a template is made.
const templateLock = 0x7e57db

// cluster is the server that the tests of this binary share, with its template.
type cluster struct {
	url      func(database string) string
	admin    *pgxpool.Pool // on the maintenance database
	template string
	server   *local.Server // nil when SETTLED_TEST_DATABASE_URL names the server
}

// start connects to the server that the environment names, or starts one, and makes the template if it is missing.
func start(ctx context.Context) (*cluster, error) {
	c := &cluster{}
	if base := os.Getenv("SETTLED_TEST_DATABASE_URL"); base != "" {
		var err error
		if c.url, err = databases(base); err != nil {
			return nil, err
		}
	} else {
		server, err := local.Start(ctx, local.Config{ThrowAway: true})
		if err != nil {
			return nil, err
		}
		c.server, c.url = server, server.URL
	}
	if err := c.prepare(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("prepare test database: %w", err), c.stop())
	}
	return c, nil
}

// prepare opens the maintenance pool and makes sure of the template, one process at a time.
func (c *cluster) prepare(ctx context.Context) error {
	hash, err := migrations.Hash()
	if err != nil {
		return err
	}
	c.template = "settled_template_" + hash
	c.admin, err = openQuiet(ctx, postgres.Config{URL: c.url("postgres"), Owner: true, MaxConns: 8})
	if err != nil {
		return err
	}
	conn, err := c.admin.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "SELECT set_config('lock_timeout', '0', false), pg_advisory_lock($1)", templateLock); err != nil {
		return err
	}
	defer func() { _ = conn.Conn().Close(ctx) }() // releases the lock
	return c.makeTemplate(ctx)
}

// makeTemplate migrates a new database and marks it as a template last, so that an interrupted one is made again.
func (c *cluster) makeTemplate(ctx context.Context) error {
	var complete bool
	err := c.admin.QueryRow(ctx, "SELECT datistemplate FROM pg_database WHERE datname = $1", c.template).Scan(&complete)
	if complete || (err != nil && !errors.Is(err, pgx.ErrNoRows)) {
		return err
	}
	for _, sql := range []string{"DROP DATABASE IF EXISTS " + c.template, "CREATE DATABASE " + c.template + " TEMPLATE template0"} {
		if err := c.exec(ctx, sql); err != nil {
			return err
		}
	}
	if err := migrations.Up(ctx, c.url(c.template)); err != nil {
		return err
	}
	return c.exec(ctx, "ALTER DATABASE "+c.template+" IS_TEMPLATE true")
}

func (c *cluster) clone(ctx context.Context) (string, error) {
	name := unique("test")
	if err := c.exec(ctx, "CREATE DATABASE "+name+" TEMPLATE "+c.template+" STRATEGY FILE_COPY"); err != nil {
		return name, err
	}
	return name, c.exec(ctx, "ALTER DATABASE "+name+" SET "+roles.Setting+" = 'settled_"+c.template+"'; REVOKE TEMPORARY ON DATABASE "+name+" FROM PUBLIC")
}

func (c *cluster) drop(ctx context.Context, name string) error {
	return c.exec(ctx, "DROP DATABASE "+name+" WITH (FORCE)")
}

func (c *cluster) exec(ctx context.Context, sql string) error {
	if _, err := c.admin.Exec(ctx, sql); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}

func (c *cluster) stop() error {
	if c.admin != nil {
		c.admin.Close()
	}
	if c.server == nil {
		return nil
	}
	return c.server.Stop()
}
