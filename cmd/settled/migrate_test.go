package main

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"settled/migrations"

	"github.com/jackc/pgx/v5"
)

// runSQL runs statements as whoever the URL logs in as.
func runSQL(t *testing.T, database, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// ordinary makes a database of an ordinary owner, and returns its URL for him and for an administrator.
func ordinary(t *testing.T, server string, name string) (owner, admin string) {
	t.Helper()
	runSQL(t, server, `CREATE ROLE `+name+`_owner LOGIN`)
	runSQL(t, server, `CREATE DATABASE `+name+` OWNER `+name+`_owner TEMPLATE template0 ENCODING 'UTF8'`)
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	admin = u.String()
	u.User = url.User(name + "_owner")
	return u.String(), admin
}

// TestMigratePrints follows what settled migrate prints for an ordinary owner: the migrations, and the statements of an administrator as long as a
// role is missing.
func TestMigratePrints(t *testing.T) {
	owner, admin := ordinary(t, durable(t).URL("postgres"), "printed")
	env := map[string]string{"DATABASE_URL": owner}
	migrate := func(args ...string) string {
		t.Helper()
		out, errOut, code := settled(t, env, append([]string{"migrate"}, args...)...)
		if code != exitOK || errOut != "" {
			t.Fatalf("migrate %v: exit code %d\n%s%s", args, code, out, errOut)
		}
		return out
	}
	pending, err := migrations.Pending(t.Context(), owner)
	if err != nil {
		t.Fatal(err)
	}
	names := strings.Join(pending, "\n") + "\n"
	if got := migrate("--dry-run"); got != names {
		t.Errorf("dry run: %s", got)
	}
	if _, errOut, code := settled(t, env, "migrate", "--print-grants"); code != exitConfig || !strings.Contains(errOut, "run settled migrate first") {
		t.Errorf("grants of an empty database: exit code %d, %s", code, errOut)
	}
	listed, grants, _ := strings.Cut(migrate(), "\n-- ")
	if listed != names || !strings.HasPrefix(grants, "This login may not make the roles [api work app console auditor backup]: an administrator runs what follows") {
		t.Errorf("%s\n-- %s", listed, grants)
	}
	if again := migrate(); again != "nothing to apply\n\n-- "+grants || migrate("--dry-run") != "nothing to apply\n" {
		t.Errorf("again: %s", again)
	}
	script := migrate("--print-grants")
	if !strings.HasSuffix(grants, script) || !strings.Contains(script, `CREATE ROLE "settled_printed_work" NOLOGIN`) {
		t.Errorf("--print-grants: %s", script)
	}
	runSQL(t, admin, script)
	if got := migrate(); got != "nothing to apply\n" || migrate("--print-grants") != script {
		t.Errorf("with all roles: %s", got)
	}
	env["DATABASE_URL"] = ""
	if _, errOut, code := settled(t, env, "migrate"); code != exitConfig || !strings.Contains(errOut, "DATABASE_URL is not set") {
		t.Errorf("without a database: exit code %d, %s", code, errOut)
	}
}
