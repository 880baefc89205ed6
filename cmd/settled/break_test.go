package main

import (
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestBreaks is what a person does about a difference: he finds it, says what he knows, and gives it to somebody.
func TestBreaks(t *testing.T) {
	server := durable(t)
	password := write(t, filepath.Join(t.TempDir(), "password"), "secret\n")
	env := map[string]string{"DATABASE_URL": server.URL("postgres"), "SETTLED_CONFIG": small(t, "127.0.0.1:1", clearsAt(t, "22:30", password)), "SETTLED_KEYS": filepath.Join(t.TempDir(), "keys")}
	run := func(code int, want string, args ...string) {
		t.Helper()
		if out, errOut, got := settled(t, env, args...); got != code || !strings.Contains(out+errOut, want) {
			t.Errorf("settled %v: exit code %d, want %d and %q:\n%s%s", args, got, code, want, out, errOut)
		}
	}
	run(exitOK, "", "keys", "new")
	run(exitOK, "", "migrate")
	run(exitOK, "break", "break", "list")
	conn, err := pgx.Connect(t.Context(), env["DATABASE_URL"])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `INSERT INTO breaks (category, fingerprint, center_id, amount, currency, opened_at, note)
		SELECT 'B-05', 'x' || n, 1, 1250, 933, now(), 'the bank has another payment' FROM generate_series(1, 2) n`); err != nil {
		t.Fatal(err)
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	run(exitOK, "total  B-05  2  25.00 BYN", "break", "list")
	run(exitOK, `"next": "break/2"`, "break", "list", "--limit", "1", "--json")
	run(exitOK, "the bank has another payment", "break", "list", "--center", "PC-C", "--category", "B-05", "--all")
	run(exitUsage, `no break has the category "B-5"`, "break", "list", "--category", "B-5")
	run(exitUsage, `there is no center "PC-X"`, "break", "list", "--center", "PC-X")
	run(exitOK, "give it back", "break", "show", "1")
	run(exitNotFound, "no such break: 9", "break", "show", "9")
	run(exitUsage, "is no number of a break", "break", "show", "B-05")
	run(exitUsage, "a comment without words", "break", "comment", "1")
	run(exitOK, me.Username+"  comment  asked the bank", "break", "comment", "1", "--words", "asked the bank")
	run(exitNotFound, "no such break", "break", "comment", "9", "--words", "asked")
	run(exitUsage, "either --to whom, or --nobody", "break", "assign", "1")
	run(exitUsage, "either --to whom, or --nobody", "break", "assign", "1", "--to", "ann", "--nobody")
	run(exitOK, "assign   ann", "break", "assign", "1", "--to", "ann")
	run(exitOK, `"owner": "ann"`, "break", "list", "--owner", "ann", "--json")
	run(exitOK, "to nobody", "break", "assign", "1", "--nobody")
	run(exitOK, "break 1", "events", "list", "--kind", "break.assign")
	run(exitOK, "0 violations", "audit")
}
