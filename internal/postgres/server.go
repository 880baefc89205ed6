package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ErrServer is matched by every *SettingError.
var ErrServer = errors.New("postgres: server must not hold money")

// MinVersion is the oldest server that is accepted, as server_version_num.
const MinVersion = 150000

// SettingError names a server setting that could lose or damage an acknowledged commit.
type SettingError struct {
	Setting string // name as in postgresql.conf, or server_version_num
	Value   string // what the server has
	Why     string // what would go wrong
}

// Error says what is set, and why the server is refused.
func (e *SettingError) Error() string {
	return fmt.Sprintf("postgres: server refused: %s = %s: %s", e.Setting, e.Value, e.Why)
}

// Is reports a match with ErrServer.
func (e *SettingError) Is(target error) bool { return target == ErrServer }

// refused lists the settings under which an acknowledged commit can be lost.
var refused = []struct{ name, value, why string }{
	{"fsync", "off", "a power failure can damage the whole database"},
	{"full_page_writes", "off", "a power failure can leave torn pages that recovery cannot repair"},
	{"synchronous_commit", "off", "commits are acknowledged before they are durable; a crash loses them"},
	{"data_sync_retry", "on", "a failed flush would be retried after the kernel dropped the data"},
}

const sqlServer = `
SELECT name, setting FROM pg_settings
WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit', 'data_sync_retry', 'data_checksums', 'server_version_num')`

// Weaknesses are the settings of the server behind a pool under which an acknowledged commit can be lost, its version when it is too
// old among them, and what else a person should know, in sentences.
func Weaknesses(ctx context.Context, pool *pgxpool.Pool) (weak []*SettingError, notes []string, err error) {
	settings, err := readSettings(ctx, pool)
	if err != nil {
		return nil, nil, fmt.Errorf("check database server: %w", err)
	}
	if len(settings["server_version_num"]) < 6 || settings["server_version_num"] < fmt.Sprint(MinVersion) {
		weak = append(weak, &SettingError{"server_version_num", settings["server_version_num"], "PostgreSQL 15 or newer is needed"})
	}
	for _, r := range refused {
		if settings[r.name] == r.value {
			weak = append(weak, &SettingError{r.name, r.value, r.why})
		}
	}
	if settings["data_checksums"] == "off" {
		notes = append(notes, "data checksums are off: silent damage of stored pages would go unnoticed")
	}
	return weak, notes, nil
}

// checkServer refuses a server that cannot keep its promise of durability, unless cfg says that nobody needs it.
func checkServer(ctx context.Context, pool *pgxpool.Pool, cfg Config) error {
	weak, notes, err := Weaknesses(ctx, pool)
	if err != nil {
		return err
	}
	log := cfg.Log
	if log == nil {
		log = slog.Default()
	}
	for _, w := range weak {
		if !cfg.ThrowAway || w.Setting == "server_version_num" {
			return w
		}
		log.Warn("database may lose commits: throw-away server",
			slog.String("setting", w.Setting), slog.String("value", w.Value), slog.String("why", w.Why))
	}
	if !cfg.ThrowAway {
		for _, note := range notes {
			log.Warn("the database is set up otherwise than advised", slog.String("why", note))
		}
	}
	return nil
}

func readSettings(ctx context.Context, pool *pgxpool.Pool) (map[string]string, error) {
	rows, err := pool.Query(ctx, sqlServer)
	if err != nil {
		return nil, err
	}
	settings := make(map[string]string)
	var name, value string
	_, err = pgx.ForEachRow(rows, []any{&name, &value}, func() error {
		settings[name] = value
		return nil
	})
	return settings, err
}
