package roles_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"settled/internal/postgres"
	"settled/internal/postgres/pgtest"
	"settled/internal/postgres/roles"
	"settled/migrations"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var update = flag.Bool("update", false, "write docs/roles.md")

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	must(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func exec(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func look(t *testing.T, q roles.Querier) roles.Database {
	t.Helper()
	d, err := roles.Look(t.Context(), q)
	must(t, err)
	return d
}

// as is the URL of a database for another login, which has no password.
func as(t *testing.T, database, login string) string {
	t.Helper()
	u, err := url.Parse(database)
	must(t, err)
	u.User = url.User(login)
	q := u.Query()
	q.Del("user")
	u.RawQuery = q.Encode()
	return u.String()
}

// login makes a login, and takes it and the roles of its database away when the test ends.
func login(t *testing.T, admin *pgx.Conn, name, options string) {
	t.Helper()
	exec(t, admin, `CREATE ROLE `+name+` LOGIN `+options)
	t.Cleanup(func() {
		_, _ = admin.Exec(context.Background(), `DROP OWNED BY `+name+` CASCADE; DROP ROLE `+name)
	})
}

// column is a column of a table, with a value that it can be set to.
type column struct{ table, kind, column string }

// columns are those of every table and view of the schema.
func columns(t *testing.T, conn *pgx.Conn) (all []column) {
	t.Helper()
	rows, err := conn.Query(t.Context(), `SELECT c.relname::text, c.relkind::text, a.attname::text FROM pg_class c
		JOIN pg_attribute a ON a.attrelid = c.oid AND attnum > 0 AND NOT attisdropped
		WHERE c.relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm') AND NOT relispartition ORDER BY c.relname, attnum`)
	must(t, err)
	all, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (c column, err error) {
		err = r.Scan(&c.table, &c.kind, &c.column)
		return c, err
	})
	must(t, err)
	return all
}

// allowed tries a statement and takes it back. It tells whether the server took it; it refuses one for want of a right, or because nobody writes
// into a view.
func allowed(t *testing.T, conn *pgx.Conn, sql string) bool {
	t.Helper()
	tx, err := conn.Begin(t.Context())
	must(t, err)
	defer func() { _ = tx.Rollback(context.Background()) }()
	_, err = tx.Exec(t.Context(), sql)
	refused := (*pgconn.PgError)(nil)
	if err != nil && (!errors.As(err, &refused) || refused.Code != "42501" && refused.Code != "55000") {
		t.Errorf("%s: %v", sql, err)
	}
	return err == nil
}

// TestEveryVerbOfEveryTable tries each verb on each table and each column as a login of each role, on a database that migrate brought to the
// table of rights. What is allowed is what the table says, and what docs/roles.md shows.
func TestEveryVerbOfEveryTable(t *testing.T) {
	database := pgtest.Empty(t)
	must(t, migrations.Up(t.Context(), database))
	admin := connect(t, database)
	d := look(t, admin)
	all := columns(t, admin)
	document := readDocument(t)
	for _, r := range roles.All() {
		name := fmt.Sprintf("login_%s_%d", r, os.Getpid())
		login(t, admin, name, `IN ROLE "`+d.Named(r)+`"`)
		conn := connect(t, as(t, database, name))
		t.Run(string(r), func(t *testing.T) {
			said := document[string(r)]
			seen := map[string]bool{}
			try := func(what, sql string) {
				if may := allowed(t, conn, sql); may != slices.Contains(said, what) {
					t.Errorf("%s: allowed is %v, docs/roles.md says otherwise", what, may)
				}
				seen[what] = true
			}
			for i, c := range all {
				if i == 0 || all[i-1].table != c.table {
					try("SELECT "+c.table, `SELECT FROM `+c.table+` LIMIT 0`)
					try("INSERT "+c.table, `INSERT INTO `+c.table+` OVERRIDING SYSTEM VALUE SELECT * FROM (SELECT (NULL::`+c.table+`).*) x WHERE false`)
					try("DELETE "+c.table, `DELETE FROM `+c.table+` WHERE false`)
					if c.kind != "v" {
						try("TRUNCATE "+c.table, `TRUNCATE `+c.table+` CASCADE`)
						try("ALTER "+c.table, `ALTER TABLE `+c.table+` ADD COLUMN mine int`)
						try("DROP "+c.table, `DROP TABLE `+c.table+` CASCADE`)
					}
				}
				if what := fmt.Sprintf("SELECT %s (%s)", c.table, c.column); documented(document, what) {
					try(what, fmt.Sprintf(`SELECT %s FROM %s LIMIT 0`, c.column, c.table))
				}
				try(fmt.Sprintf("UPDATE %s (%s)", c.table, c.column), fmt.Sprintf(`UPDATE %s SET %s = DEFAULT WHERE false`, c.table, c.column))
			}
			for what, sql := range map[string]string{"CREATE TABLE": `CREATE TABLE mine (id int)`, "CREATE TEMP": `CREATE TEMP TABLE mine (id int)`, "CREATE SCHEMA": `CREATE SCHEMA mine`,
				"CREATE FUNCTION": `CREATE FUNCTION mine() RETURNS int LANGUAGE sql RETURN 1`, "CREATE ROLE": `CREATE ROLE mine`, "SET": `SET session_replication_role = replica`} {
				try(what, sql)
			}
			for _, what := range said {
				if !seen[what] {
					t.Errorf("docs/roles.md says %s, and there is no such thing", what)
				}
			}
			more, less, err := roles.Compare(t.Context(), admin, d.Named(r), r)
			if err != nil || len(more)+len(less) > 0 {
				t.Errorf("by the catalog: more %v, less %v, %v", more, less, err)
			}
		})
	}
}

// documented tells that some role is allowed a thing.
func documented(document map[string][]string, what string) bool {
	for _, said := range document {
		if slices.Contains(said, what) {
			return true
		}
	}
	return false
}

// readDocument returns what docs/roles.md allows to each role, in the words of roles.Compare.
func readDocument(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(document)
	must(t, err)
	out := map[string][]string{}
	_, table, _ := strings.Cut(string(text), "| table |")
	head := []string{"api", "work", "app", "console", "auditor", "backup"}
	verbs := map[rune]string{'r': "SELECT ", 'i': "INSERT ", 'd': "DELETE "}
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != len(head)+3 || !strings.HasPrefix(line, "| `") {
			continue
		}
		name := strings.Trim(cells[0], " `")
		for i, role := range head {
			for _, letter := range strings.TrimSpace(cells[i+1]) {
				if verb := verbs[letter]; verb != "" {
					out[role] = append(out[role], verb+name)
				}
				if columns := map[rune]int{'u': len(cells) - 2, 'e': len(cells) - 1}[letter]; columns > 0 {
					for _, c := range strings.Fields(strings.NewReplacer("`", "", ",", "").Replace(cells[columns])) {
						out[role] = append(out[role], fmt.Sprintf("UPDATE %s (%s)", name, c))
					}
				}
			}
		}
	}
	return out
}

var document = filepath.Join("..", "..", "..", "docs", "roles.md")

// TestDocument compares docs/roles.md with the table; -update writes it.
func TestDocument(t *testing.T) {
	const begin, end = "<!-- Generated by go test ./internal/postgres/roles -run Document -update. -->\n", "<!-- End of what is generated. -->"
	text, err := os.ReadFile(document)
	must(t, err)
	head, rest, found := strings.Cut(string(text), begin)
	have, tail, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatal("docs/roles.md has no generated part")
	}
	want := "\n" + roles.Table() + "\n"
	if *update {
		must(t, os.WriteFile(document, []byte(head+begin+want+end+tail), 0o644))
		return
	}
	if have != want {
		t.Error("docs/roles.md is not the table of rights: run with -update")
	}
}

// TestOrdinaryOwner brings a database up as an owner who is neither superuser nor may make roles: the tables are made, what is missing is told, and is
// there after an administrator ran the script, twice.
func TestOrdinaryOwner(t *testing.T) {
	database := pgtest.Empty(t)
	admin := connect(t, database)
	owner := fmt.Sprintf("owner_%d", os.Getpid())
	login(t, admin, owner, `NOSUPERUSER NOCREATEROLE NOCREATEDB`)
	name := look(t, admin).Name
	exec(t, admin, `ALTER DATABASE `+name+` OWNER TO `+owner)
	t.Cleanup(func() { _, _ = admin.Exec(context.Background(), `ALTER DATABASE `+name+` OWNER TO CURRENT_USER`) })
	must(t, migrations.Up(t.Context(), as(t, database, owner)))
	d, err := migrations.Roles(t.Context(), as(t, database, owner))
	if err != nil || !slices.Equal(d.Missing(), roles.All()) || d.Owner != owner {
		t.Fatalf("%+v, %v", d, err)
	}
	for range 2 {
		exec(t, admin, d.Script())
	}
	compare(t, admin, "after the script")
	must(t, migrations.Up(t.Context(), as(t, database, owner)))
	compare(t, admin, "after the owner migrated again")
	exec(t, admin, `GRANT DELETE ON postings TO `+quoted(d, roles.API)+`; GRANT UPDATE (amount) ON records TO `+quoted(d, roles.Work))
	must(t, migrations.Up(t.Context(), as(t, database, owner)))
	compare(t, admin, "after a right too many")
}

func quoted(d roles.Database, r roles.Role) string { return pgx.Identifier{d.Named(r)}.Sanitize() }

func compare(t *testing.T, admin *pgx.Conn, when string) {
	t.Helper()
	d := look(t, admin)
	for _, r := range d.There {
		more, less, err := roles.Compare(t.Context(), admin, d.Named(r), r)
		if err != nil || len(more)+len(less) > 0 {
			t.Errorf("%s %s: more %v, less %v, %v", when, r, more, less, err)
		}
	}
	if len(d.Missing()) > 0 {
		t.Errorf("%s: %v are missing", when, d.Missing())
	}
}

// TestInstallationOfBefore has the role and the rights that the migrations gave. It keeps working with its login, without what it had too much.
func TestInstallationOfBefore(t *testing.T) {
	database := pgtest.Empty(t)
	must(t, migrations.Up(t.Context(), database))
	admin := connect(t, database)
	exec(t, admin, `CREATE ROLE settled_app NOLOGIN; GRANT USAGE, CREATE ON SCHEMA public TO settled_app;
		GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO settled_app; GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO settled_app;
		ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO settled_app`)
	t.Cleanup(func() { _, _ = admin.Exec(context.Background(), `DROP OWNED BY settled_app; DROP ROLE settled_app`) })
	old := fmt.Sprintf("old_%d", os.Getpid())
	login(t, admin, old, `IN ROLE settled_app`)
	must(t, migrations.Up(t.Context(), database))
	exec(t, admin, `CREATE TABLE later (id int)`)
	if more, less, err := roles.Compare(t.Context(), admin, roles.Legacy, roles.App); err != nil || len(more)+len(less) > 0 {
		t.Errorf("more %v, less %v, %v", more, less, err)
	}
	pool, err := postgres.Open(t.Context(), postgres.Config{URL: as(t, database, old), ThrowAway: true, Role: roles.API})
	must(t, err)
	defer pool.Close()
	if role, login, err := postgres.Roles(t.Context(), pool); err != nil || role != roles.Legacy || login != old {
		t.Errorf("%s works as %s, %v", login, role, err)
	}
}

// TestTwoInstallationsInOneServer: a login of one database comes into no other.
func TestTwoInstallationsInOneServer(t *testing.T) {
	one, two := pgtest.Empty(t), pgtest.Empty(t)
	must(t, migrations.Up(t.Context(), one))
	must(t, migrations.Up(t.Context(), two))
	admin := connect(t, one)
	name := fmt.Sprintf("only_one_%d", os.Getpid())
	login(t, admin, name, `IN ROLE `+quoted(look(t, admin), roles.App))
	pool, err := postgres.Open(t.Context(), postgres.Config{URL: as(t, one, name), ThrowAway: true})
	must(t, err)
	pool.Close()
	if conn, err := pgx.Connect(t.Context(), as(t, two, name)); err == nil {
		_ = conn.Close(t.Context())
		t.Error("it came into the other database")
	}
}

// TestLoginWithoutARole is told what an administrator does.
func TestLoginWithoutARole(t *testing.T) {
	database := pgtest.Empty(t)
	must(t, migrations.Up(t.Context(), database))
	admin := connect(t, database)
	d := look(t, admin)
	name := fmt.Sprintf("nobody_%d", os.Getpid())
	login(t, admin, name, `IN ROLE `+quoted(d, roles.Console))
	_, err := postgres.Open(t.Context(), postgres.Config{URL: as(t, database, name), ThrowAway: true, Role: roles.Work})
	if want := fmt.Sprintf("GRANT %s TO %q", quoted(d, roles.Work), name); !errors.Is(err, postgres.ErrRole) || !strings.Contains(err.Error(), want) {
		t.Errorf("%v", err)
	}
}

// TestInstallPage follows docs/install.md on the test's server: its SQL as an administrator, its migrations as the owner, the grants that are printed; then
// each login works as its role. Names are made this test's own.
func TestInstallPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "install.md"))
	must(t, err)
	blocks := strings.Split(string(page), "```sql\n")
	if len(blocks) != 3 || !strings.Contains(string(page), "settled migrate --print-grants > grants.sql") {
		t.Fatalf("docs/install.md has %d parts of SQL", len(blocks)-1)
	}
	suffix := fmt.Sprintf("_%d", os.Getpid())
	ours := strings.NewReplacer("settled_settled_", "settled_settled"+suffix+"_", "DATABASE settled ", "DATABASE settled"+suffix+" ",
		"settled_owner", "settled_owner"+suffix, "settled_api_1", "settled_api_1"+suffix, "settled_work_1", "settled_work_1"+suffix, "settled_people_1", "settled_people_1"+suffix)
	place := pgtest.Empty(t)
	run := func(block string) {
		conn := connect(t, place)
		sql, _, _ := strings.Cut(block, "```")
		for statement := range strings.SplitSeq(strings.TrimSpace(ours.Replace(sql)), ";\n") {
			exec(t, conn, statement)
		}
	}
	run(blocks[1])
	database := func(login, password string) string {
		u, err := url.Parse(place)
		must(t, err)
		u.User, u.Path = url.UserPassword(login+suffix, password), "/settled"+suffix
		return u.String()
	}
	owner := database("settled_owner", "choose-one-1")
	t.Cleanup(func() { removeInstallation(t, place, suffix) })
	must(t, migrations.Up(t.Context(), owner))
	d, err := migrations.Roles(t.Context(), owner)
	must(t, err)
	admin, err := url.Parse(place)
	must(t, err)
	admin.Path = "/settled" + suffix
	exec(t, connect(t, admin.String()), d.Script())
	run(blocks[2])
	for _, l := range []struct {
		name, password string
		role           roles.Role
	}{{"settled_api_1", "choose-one-2", roles.API}, {"settled_work_1", "choose-one-3", roles.Work}, {"settled_people_1", "choose-one-4", roles.App}} {
		pool, err := postgres.Open(t.Context(), postgres.Config{URL: database(l.name, l.password), Role: l.role, ThrowAway: true})
		must(t, err)
		defer pool.Close()
		role, _, err := postgres.Roles(t.Context(), pool)
		if err != nil || role != "settled_settled"+suffix+"_"+string(l.role) || postgres.CheckLogin(t.Context(), pool) != nil {
			t.Errorf("%s works as %s, %v", l.name, role, err)
		}
	}
	pool, err := postgres.OpenReadOnly(t.Context(), owner)
	must(t, err)
	defer pool.Close()
	if err := postgres.CheckLogin(t.Context(), pool); !errors.Is(err, postgres.ErrLogin) || !strings.Contains(err.Error(), "owns the tables") {
		t.Errorf("the owner as login: %v", err)
	}
}

// removeInstallation takes away what TestInstallPage made.
func removeInstallation(t *testing.T, place, suffix string) {
	conn, err := pgx.Connect(context.Background(), place)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close(context.Background()) }()
	statements := []string{`DROP DATABASE IF EXISTS settled` + suffix + ` WITH (FORCE)`}
	for _, name := range []string{"settled_api_1", "settled_work_1", "settled_people_1", "settled_owner"} {
		statements = append(statements, `DROP ROLE IF EXISTS `+name+suffix)
	}
	for _, sql := range statements {
		if _, err := conn.Exec(context.Background(), sql); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

// hashes are the columns of bytes that anybody may read who reads the table: they hold digests, and logs without card data.
var hashes = strings.Fields(`authorization_logs.bytes authorization_logs.sha256 contracts.digest events.hash events.previous files.sha256 key_checks.check_value orders.asked orders.fingerprint
	replies.content replies.sha256 subscriptions.agreed`)

// TestBytesAreSealedOrHashes: a new column of bytes is named as sealed, or said to hold nothing that has to be.
func TestBytesAreSealedOrHashes(t *testing.T) {
	database := pgtest.Empty(t)
	must(t, migrations.Up(t.Context(), database))
	rows, err := connect(t, database).Query(t.Context(), `SELECT table_name || '.' || column_name FROM information_schema.columns
		WHERE table_schema = 'public' AND data_type = 'bytea' AND table_name NOT LIKE 'river%' ORDER BY 1`)
	must(t, err)
	there, err := pgx.CollectRows(rows, pgx.RowTo[string])
	must(t, err)
	said := readDocument(t)
	for _, c := range there {
		table, column, _ := strings.Cut(c, ".")
		closed := !slices.Contains(said["console"], "SELECT "+table)
		if !closed && !documented(said, fmt.Sprintf("SELECT %s (%s)", table, column)) && !slices.Contains(hashes, c) {
			t.Errorf("%s is bytes, and nobody said whether they are sealed", c)
		}
	}
	for _, c := range hashes {
		if !slices.Contains(there, c) {
			t.Errorf("%s is not there", c)
		}
	}
}
