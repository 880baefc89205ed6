package migrations_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

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

// TestFilesAreReadWithoutRights: what a file says of rights is left out, and nothing else.
func TestFilesAreReadWithoutRights(t *testing.T) {
	names, err := fs.Glob(os.DirFS("."), "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		read, err := fs.ReadFile(migrations.WithoutRights(os.DirFS(".")), name)
		if err != nil {
			t.Fatal(err)
		}
		left := strings.Split(string(read), "\n")
		for line := range strings.SplitSeq(string(text), "\n") {
			switch {
			case len(left) > 0 && left[0] == line:
				left = left[1:]
			case !ofRights.MatchString(line):
				t.Errorf("%s: left out: %s", name, line)
			}
		}
		if len(left) > 0 || regexp.MustCompile(`(?m)^[^-\n]*(settled_app|\bGRANT\b|\bREVOKE\b)`).Match(read) {
			t.Errorf("%s: rights are left, or lines are out of order: %q", name, left)
		}
	}
}

// ofRights are the lines that may be left out.
var ofRights = regexp.MustCompile(`^(GRANT|REVOKE|ALTER DEFAULT PRIVILEGES) |settled_app|^-- \+goose Statement(Begin|End)$|^(DO \$\$|BEGIN|\tEND IF;|EXCEPTION WHEN .*|END \$\$;|` +
	`\t(operations|link_failures).*)$`)
