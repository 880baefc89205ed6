package pgtest_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"settled/internal/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestDatabasesAreMigratedAndApart(t *testing.T) {
	first, second := pgtest.DB(t), pgtest.DB(t)
	owner := pgtest.Owner(t, first)
	if _, err := owner.Exec(t.Context(), "CREATE TABLE mine (id int)"); err != nil {
		t.Fatal(err)
	}
	const sql = "SELECT to_regclass('mine') IS NOT NULL, to_regclass('orders') IS NOT NULL, to_regclass('river_job') IS NOT NULL"
	var mine, orders, jobs bool
	if err := first.QueryRow(t.Context(), sql).Scan(&mine, &orders, &jobs); err != nil || !mine || !orders || !jobs {
		t.Errorf("first: mine %v, orders %v, river_job %v, %v; want all", mine, orders, jobs, err)
	}
	if err := second.QueryRow(t.Context(), sql).Scan(&mine, &orders, &jobs); err != nil || mine || !orders || !jobs {
		t.Errorf("second: mine %v, orders %v, river_job %v, %v; want all but mine", mine, orders, jobs, err)
	}
}

func TestDatabaseIsDroppedWithItsTest(t *testing.T) {
	var name string
	t.Run("inner", func(t *testing.T) {
		db := pgtest.DB(t)
		name = db.Config().ConnConfig.Database
		if !strings.HasPrefix(name, "settled_test_") {
			t.Errorf("name %q", name)
		}
	})
	var left bool
	err := pgtest.Tx(t).QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&left)
	if err != nil || left {
		t.Errorf("left %v, %v", left, err)
	}
}

func TestEmptyIsEmpty(t *testing.T) {
	conn, err := pgx.Connect(t.Context(), pgtest.Empty(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var tables int
	err = conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").Scan(&tables)
	if err != nil || tables != 0 {
		t.Errorf("%d tables, %v; want none", tables, err)
	}
}

func BenchmarkDB(b *testing.B) {
	pgtest.URL(b)
	for b.Loop() {
		pgtest.URL(b)
	}
}
