package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestResume lets the books of a database go on that is not the one that they were kept in.
func TestResume(t *testing.T) {
	server := durable(t)
	env := map[string]string{"DATABASE_URL": server.URL("postgres"), "SETTLED_CONFIG": small(t, "127.0.0.1:1"), "SETTLED_KEYS": filepath.Join(t.TempDir(), "keys")}
	runs := []struct {
		args []string
		code int
		says string
	}{
		{[]string{"migrate"}, exitOK, ""},
		{[]string{"keys", "new"}, exitOK, ""},
		{[]string{"resume", "--after-restore", "--reason", "none"}, exitConflict, "nothing to resume"},
		{nil, 0, ""},
		{[]string{"audit"}, exitRed, "INV-37"},
		{[]string{"resume"}, exitUsage, "--after-restore"},
		{[]string{"resume", "--after-restore"}, exitUsage, "--reason"},
		{[]string{"resume", "--after-restore", "--dry-run", "--lost", "ACQ_PC-X_ipm_20261120_000001_1of1.ipm"}, exitUsage, "no center's files"},
		{[]string{"resume", "--after-restore", "--dry-run", "--asked", "PC-X"}, exitUsage, `no center "PC-X"`},
		{[]string{"resume", "--after-restore", "--dry-run"}, exitOK, "restored"},
		{[]string{"resume", "--after-restore", "--reason", "moved", "--json"}, exitOK, `"resumed": true`},
		{[]string{"audit"}, exitOK, ""},
	}
	for _, run := range runs {
		if run.args == nil {
			moved(t, server.URL("postgres"))
			continue
		}
		out, errOut, code := settled(t, env, run.args...)
		if code != run.code || !strings.Contains(out+errOut, run.says) {
			t.Errorf("%v: exit code %d\n%s%s", run.args, code, out, errOut)
		}
	}
}

// moved makes the database another one than the books were kept in.
func moved(t *testing.T, url string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `UPDATE epochs SET identity = '1' || identity`); err != nil {
		t.Fatal(err)
	}
}
