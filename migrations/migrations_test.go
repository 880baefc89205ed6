package migrations_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"settled/internal/postgres/pgtest"
	"settled/migrations"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	return conn
}

// texts runs a query that gives one column of text.
func texts(t *testing.T, conn *pgx.Conn, sql string) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestFileNames(t *testing.T) {
	names, err := fs.Glob(os.DirFS("."), "*.sql")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	pattern := regexp.MustCompile(`^\d{5}_[a-z0-9_]+\.sql$`)
	seen := make(map[string]string)
	for _, name := range names {
		if !pattern.MatchString(name) {
			t.Errorf("%s is not named NNNNN_name.sql", name)
		}
		if other := seen[name[:5]]; other != "" {
			t.Errorf("%s and %s have one number", other, name)
		}
		seen[name[:5]] = name
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(`(?m)^-- \+goose Up$`).Match(text) || regexp.MustCompile(`(?m)^-- \+goose Down`).Match(text) {
			t.Errorf("%s must have a section Up and none Down", name)
		}
	}
}

func TestFourMigratorsAtOnce(t *testing.T) {
	url := pgtest.Empty(t)
	if pending, err := migrations.Pending(t.Context(), url); err != nil || len(pending) < 2 || pending[len(pending)-1] != "river" {
		t.Errorf("pending before: %v, %v", pending, err)
	}
	var work sync.WaitGroup
	for range 4 {
		work.Go(func() {
			if err := migrations.Up(t.Context(), url); err != nil {
				t.Error(err)
			}
		})
	}
	work.Wait()
	conn := connect(t, url)
	if twice := texts(t, conn, "SELECT version_id::text FROM goose_db_version GROUP BY version_id HAVING count(*) > 1"); len(twice) > 0 {
		t.Errorf("applied more than once: %v", twice)
	}
	if pending, err := migrations.Pending(t.Context(), url); err != nil || len(pending) > 0 {
		t.Errorf("pending after: %v, %v", pending, err)
	}
	names, err := fs.Glob(os.DirFS("."), "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	version, err := migrations.Version(t.Context(), url)
	if want := names[len(names)-1]; err != nil || want[:5] != pad(version) {
		t.Errorf("version %d, %v; want that of %s", version, err, want)
	}
}

func pad(version int64) string {
	text := []byte("00000")
	for i := len(text) - 1; version > 0; i, version = i-1, version/10 {
		text[i] = '0' + byte(version%10)
	}
	return string(text)
}

func TestApplicationMayUseEveryTable(t *testing.T) {
	conn := connect(t, pgtest.URL(t))
	denied := texts(t, conn, `
		SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
		AND relname NOT LIKE 'goose%' AND NOT has_table_privilege('settled_app', oid, 'SELECT')`)
	if len(denied) > 0 {
		t.Errorf("settled_app cannot read %v", denied)
	}
}

// sqlRights tells, of each table, what the application may do beside reading.
const sqlRights = `
SELECT format('%s:%s', relname, string_agg(right_of, '' ORDER BY right_of))
FROM pg_class, unnest('{INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) AS r (name), left(name, 1) AS right_of
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
	AND relname NOT LIKE 'goose%' AND relname NOT LIKE 'river%' AND (has_table_privilege('settled_app', oid, name))
GROUP BY relname ORDER BY relname`

// TestApplicationMayChangeWhatIsSaid keeps rights from being given by default: a new table, or a right that a migration forgot
// to take away, is a difference here. It is of I, U, D and T beside reading.
func TestApplicationMayChangeWhatIsSaid(t *testing.T) {
	want := map[string]string{ // the rights, and the tables that have them
		"I": "balances batch_totals batches cheques commits contracts epochs file_chunks file_resends id_jumps key_checks lost_files postings record_changes records " +
			"replans reply_chunks rolled_days server_life", // some columns of a few can be changed
		"IU": "authentications authorization_logs breaks center_looks centers credentials delivery_attempts file_sequences files funds id_blocks " +
			"inbox_files instant_payments notifications operations orders rejects replies schedules subscription_payments subscriptions " +
			"transactions unknown_approvals",
		"DIU": "leases link_failures open_holds open_orders owed_exchanges schedule_runs service_calls windows wishes",
	}
	got := map[string]string{}
	for _, line := range texts(t, connect(t, pgtest.URL(t)), sqlRights) {
		table, rights, _ := strings.Cut(line, ":")
		got[rights] = strings.TrimSpace(got[rights] + " " + table)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what the application may change (- want, + got):\n%s", diff)
	}
}
