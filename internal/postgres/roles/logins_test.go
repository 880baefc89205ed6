package roles_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"testing"

	"settled/internal/postgres"
	"settled/internal/postgres/pgtest"
	"settled/internal/postgres/roles"
	"settled/migrations"
)

// TestVerifierIsTheServersOwn compares it with what the server makes of the same password and salt.
func TestVerifierIsTheServersOwn(t *testing.T) {
	admin := connect(t, pgtest.Empty(t))
	name := fmt.Sprintf("verified_%d", os.Getpid())
	login(t, admin, name, `PASSWORD 'Heron7Meadow21'`)
	var kept string
	must(t, admin.QueryRow(t.Context(), `SELECT rolpassword FROM pg_authid WHERE rolname = $1`, name).Scan(&kept))
	_, salted, _ := strings.Cut(kept, ":")
	text, _, _ := strings.Cut(salted, "$")
	salt, err := base64.StdEncoding.DecodeString(text)
	must(t, err)
	if got := roles.Verifier("Heron7Meadow21", salt); got != kept {
		t.Errorf("%s, the server keeps %s", got, kept)
	}
}

// TestEnroll makes logins, once more with other passwords, and by the script; each works as its role and may no more.
func TestEnroll(t *testing.T) {
	database := pgtest.Empty(t)
	must(t, migrations.Up(t.Context(), database))
	admin := connect(t, database)
	d := look(t, admin)
	logins := []roles.Login{d.NewLogin(roles.API, "api_1"), d.NewLogin(roles.Work, "work_1"), d.NewLogin(roles.App, "app_1")}
	t.Cleanup(func() { _ = roles.Dismiss(context.Background(), admin, logins...) })
	keeps := func() (all string) {
		must(t, admin.QueryRow(t.Context(), `SELECT string_agg(rolpassword, ' ' ORDER BY rolname) FROM pg_authid WHERE rolname LIKE $1`, d.Prefix+"%_1").Scan(&all))
		return all
	}
	must(t, roles.Enroll(t.Context(), admin, d, logins...))
	first := keeps()
	must(t, roles.Enroll(t.Context(), admin, d, logins...))
	again := keeps()
	script := d.EnrollScript(logins...)
	exec(t, admin, script)
	if strings.Count(first, "SCRAM-SHA-256$4096:") != len(logins) || first == again || again == keeps() {
		t.Errorf("the server keeps %s, then %s", first, again)
	}
	for _, l := range logins {
		if strings.Contains(script, l.Password) || !strings.Contains(script, l.Name) {
			t.Errorf("the script tells a password, or lacks %s:\n%s", l.Name, script)
		}
		pool, err := postgres.Open(t.Context(), postgres.Config{URL: as(t, database, l.Name), Role: l.Role, ThrowAway: true})
		must(t, err)
		role, _, err := postgres.Roles(t.Context(), pool)
		if err != nil || role != d.Named(l.Role) || postgres.CheckLogin(t.Context(), pool) != nil {
			t.Errorf("%s works as %s, %v", l.Name, role, err)
		}
		pool.Close()
	}
	must(t, roles.Dismiss(t.Context(), admin, logins...))
	must(t, roles.Dismiss(t.Context(), admin, logins...))
	var left int
	if must(t, admin.QueryRow(t.Context(), `SELECT count(*) FROM pg_roles WHERE rolname LIKE $1`, d.Prefix+"%_1").Scan(&left)); left != 0 {
		t.Errorf("%d logins are left", left)
	}
}
