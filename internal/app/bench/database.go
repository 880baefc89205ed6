package bench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"settled/internal/postgres"
	"settled/internal/postgres/local"
	"settled/migrations"

	"github.com/jackc/pgx/v5/pgxpool"
)

// serverSettings are those of a small dedicated machine; everything that makes a commit durable is on.
var serverSettings = map[string]string{
	"shared_buffers":     "2GB",
	"max_wal_size":       "16GB",
	"checkpoint_timeout": "30min",
	"wal_compression":    "lz4",
	"jit":                "off",
	"max_connections":    "200",
}

// database is a durable PostgreSQL server of our own, and the URL of a migrated database in it.
type database struct {
	server *local.Server
	url    string
}

func startDatabase(ctx context.Context) (*database, error) {
	server, err := local.Start(ctx, local.Config{TCP: true, Settings: serverSettings})
	if err != nil {
		return nil, err
	}
	db := &database{server: server, url: server.TCPURL("postgres")}
	if err := migrations.Up(ctx, db.url); err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	return db, nil
}

// pool opens sessions as the product does.
func (db *database) pool(ctx context.Context, conns int32) (*pgxpool.Pool, error) {
	return postgres.Open(ctx, postgres.Config{URL: db.url, MaxConns: conns, StatementTimeout: -1})
}

// owner opens sessions that may fill and truncate tables.
func (db *database) owner(ctx context.Context) (*pgxpool.Pool, error) {
	return postgres.Open(ctx, postgres.Config{URL: db.url, Owner: true, StatementTimeout: -1, IdleInTransactionTimeout: -1})
}

// pgbench runs a script and returns its transactions per second.
func (db *database) pgbench(ctx context.Context, script string, clients int, d time.Duration) (float64, error) {
	program, err := pgbenchPath(ctx)
	if err != nil {
		return 0, err
	}
	file, err := os.CreateTemp("", "settled-bench-*.sql")
	if err != nil {
		return 0, err
	}
	defer os.Remove(file.Name())
	if _, err := file.WriteString(script); err != nil {
		return 0, err
	}
	if err := file.Close(); err != nil {
		return 0, err
	}
	seconds := strconv.Itoa(int(d.Seconds()))
	out, err := exec.CommandContext(ctx, program, "-n", "-c", strconv.Itoa(clients), "-j", "2", "-T", seconds, "-M", "prepared",
		"-f", file.Name(), db.url).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("pgbench: %w\n%s", err, out)
	}
	return readTPS(string(out))
}

func pgbenchPath(ctx context.Context) (string, error) {
	if bin, err := local.Binaries(ctx); err == nil {
		if path := filepath.Join(bin, "pgbench"); exists(path) {
			return path, nil
		}
	}
	path, err := exec.LookPath("pgbench")
	if err != nil {
		return "", fmt.Errorf("the limit of the payments is measured with pgbench, which is not installed (Debian: postgresql-15): %w", err)
	}
	return path, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func readTPS(out string) (float64, error) {
	for line := range strings.Lines(out) {
		if text, ok := strings.CutPrefix(line, "tps = "); ok {
			return strconv.ParseFloat(strings.Fields(text)[0], 64)
		}
	}
	return 0, fmt.Errorf("pgbench printed no tps:\n%s", out)
}

// lanesURL adds the session settings of the group commit to a database URL.
func lanesURL(raw string, settings map[string]string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", err
	}
	q := u.Query()
	for name, value := range settings {
		q.Set(name, value)
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}
