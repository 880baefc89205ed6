package postgres_test

import (
	"testing"

	"settled/internal/postgres"
	"settled/internal/postgres/pgtest"
)

// TestForgetKeepsWhatMayBeAskedFor: the application deletes old tokens by the function alone, and never a young one.
func TestForgetKeepsWhatMayBeAskedFor(t *testing.T) {
	app := pgtest.DB(t)
	_, err := pgtest.Owner(t, app).Exec(t.Context(), `INSERT INTO commits (at, token)
		SELECT now() - n * interval '1 hour', gen_random_uuid() FROM generate_series(1, 12) n`)
	if err != nil {
		t.Fatal(err)
	}
	if err := postgres.Forget(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	var left int
	if err := app.QueryRow(t.Context(), "SELECT count(*) FROM commits").Scan(&left); err != nil || left != 5 && left != 6 {
		t.Errorf("%d tokens left, %v; want those of six hours", left, err)
	}
	for _, sql := range []string{"DELETE FROM commits", "UPDATE commits SET at = now()", "DELETE FROM server_life", "UPDATE server_life SET mark = mark"} {
		if _, err := app.Exec(t.Context(), sql); err == nil {
			t.Errorf("the application may %s", sql)
		}
	}
}
