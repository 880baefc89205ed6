package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"settled/internal/postgres/roles"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Config says which database to open and how sessions behave. Zero values mean the defaults named at each field.
type Config struct {
	// URL is a PostgreSQL connection string or URL. Empty reads the PG* environment variables.
	URL string
	// Application is the name that sessions show in pg_stat_activity. Default "settled".
	Application string
	// MaxConns bounds the pool. Default 16.
	MaxConns int32
	// StatementTimeout ends a statement that runs longer. Default 1 minute; negative means no limit. COMMIT is exempt.
	StatementTimeout time.Duration
	// LockTimeout ends a wait for a lock. Default 10 s; negative means no limit.
	LockTimeout time.Duration
	// IdleInTransactionTimeout ends a session that holds a transaction open and does nothing, with its locks. Default 30 s;
	// negative means no limit.
	IdleInTransactionTimeout time.Duration
	// Role is what the process does: sessions take that role, or one that may more (package roles). Default roles.App.
	Role roles.Role
	// Owner keeps the role of the login: for migrations and maintenance.
	Owner bool
	// ThrowAway accepts a server that may lose acknowledged commits, and warns. For tests and trials only.
	ThrowAway bool
	// Log receives warnings about the server. Default slog.Default().
	Log *slog.Logger
}

// Open connects a pool and checks the server behind it. It returns a *SettingError for a server that must not hold money
// and the connection error when the server cannot be reached. The caller closes the pool.
func Open(ctx context.Context, cfg Config) (*pgxpool.Pool, error) {
	pc, err := cfg.pool()
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := checkServer(ctx, pool, cfg); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

// OpenReadOnly opens a pool whose transactions cannot write, of sessions in any role of the database that the login is a member of. It neither
// connects nor checks the server.
func OpenReadOnly(ctx context.Context, url string) (*pgxpool.Pool, error) {
	pc, err := Config{URL: url, Application: "settled doctor", MaxConns: 3}.pool()
	if err != nil {
		return nil, err
	}
	pc.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	pc.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		return takeRole(ctx, conn, roles.Reading(), false)
	}
	return pgxpool.NewWithConfig(ctx, pc)
}

// pool turns cfg into pgx terms. Session settings travel in the startup message, so they cost no round trip.
func (cfg Config) pool() (*pgxpool.Config, error) {
	pc, err := pgxpool.ParseConfig(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("read database URL: %w", err)
	}
	pc.MaxConns = cfg.MaxConns
	if pc.MaxConns == 0 {
		pc.MaxConns = 16
	}
	name := cfg.Application
	if name == "" {
		name = "settled"
	}
	set := pc.ConnConfig.RuntimeParams
	set["application_name"] = name
	set["search_path"] = "public"
	set["timezone"] = "UTC"
	set["statement_timeout"] = milliseconds(cfg.StatementTimeout, time.Minute)
	set["lock_timeout"] = milliseconds(cfg.LockTimeout, 10*time.Second)
	set["idle_in_transaction_session_timeout"] = milliseconds(cfg.IdleInTransactionTimeout, 30*time.Second)
	// The server's side of what dialer does here; a session on a Unix socket ignores them.
	set["tcp_keepalives_idle"] = seconds(keepIdle)
	set["tcp_keepalives_interval"] = seconds(keepInterval)
	set["tcp_keepalives_count"] = strconv.Itoa(keepCount)
	set["tcp_user_timeout"] = milliseconds(userTimeout, 0)
	pc.ConnConfig.DialFunc = dialer().DialContext
	pc.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error { return prepareSession(ctx, conn, cfg) }
	return pc, nil
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d.Seconds())) }

func milliseconds(d, standard time.Duration) string {
	switch {
	case d == 0:
		d = standard
	case d < 0:
		d = 0
	}
	return strconv.FormatInt(d.Milliseconds(), 10)
}
