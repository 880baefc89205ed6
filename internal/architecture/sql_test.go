package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// lookers are the rooms that read the books by package settle/read, and by nothing else.
var lookers = []string{"cmd/settled", "internal/app", "internal/console"}

// TestReadSideIsForThoseWhoLook: who writes the books reads them under the locks that it holds.
func TestReadSideIsForThoseWhoLook(t *testing.T) {
	_, files := source(t)
	for _, f := range files {
		for _, imported := range f.imports {
			if !f.test && imported == module+"/settle/read" && !within(f.dir, lookers...) {
				t.Errorf("%s imports settle/read, which is for %v", f.name, lookers)
			}
		}
	}
}

// writes are the statements that change something or lock it, or take a number.
var writes = regexp.MustCompile(`(?i)\b(INSERT\s+INTO|UPDATE\s+\w+\s+(\w+\s+)?SET|DELETE\s+FROM|MERGE\s+INTO|TRUNCATE|COPY\s|FOR\s+(NO\s+KEY\s+)?UPDATE|FOR\s+(KEY\s+)?SHARE|nextval|pg_advisory\w*|CREATE|ALTER|DROP)\b`)

// TestReadSideOnlyReads: the transactions of the read side cannot write, and it does not try.
func TestReadSideOnlyReads(t *testing.T) {
	set, files := source(t)
	looked := 0
	for _, f := range files {
		if f.test || !within(f.dir, "settle/read") {
			continue
		}
		looked++
		for _, text := range texts(f.syntax) {
			if found := writes.FindString(text.value); found != "" {
				t.Errorf("%s: %s: settle/read only reads", f.position(set, text.at), found)
			}
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if isSelector(n, "", "Exec") || isSelector(n, "settle", "Books") || isSelector(n, "settle", "New") || isSelector(n, "postgres", "InTx") {
				t.Errorf("%s: settle/read only reads", f.position(set, n.Pos()))
			}
			return true
		})
	}
	if looked < 5 {
		t.Fatalf("only %d files were looked at", looked)
	}
}

// speechless are the rooms without SQL: what they want of the database, a room asks that owns the tables.
var speechless = []string{"cmd", "internal/app", "internal/console"}

// bench measures PostgreSQL itself, as the limit of what can be had.
const bench = "internal/app/bench"

// sql begins a statement as ours are written, or is a part of one.
var sql = regexp.MustCompile(`\b(SELECT\s|INSERT\s+INTO\s|UPDATE\s+\w+\s+(\w+\s+)?SET\s|DELETE\s+FROM\s|TRUNCATE\s|COPY\s|SHOW\s|WHERE\s|LISTEN\s|NOTIFY\s)`)

// TestNoSQLOutsideItsRooms finds texts of SQL, and calls that send some.
func TestNoSQLOutsideItsRooms(t *testing.T) {
	set, files := source(t)
	looked := 0
	for _, f := range files {
		if f.test || !within(f.dir, speechless...) || within(f.dir, bench) {
			continue
		}
		looked++
		for _, text := range texts(f.syntax) {
			if found := sql.FindString(text.value); found != "" {
				t.Errorf("%s: %s: %v have no SQL", f.position(set, text.at), found, speechless)
			}
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			for _, name := range []string{"Exec", "QueryRow", "SendBatch", "CopyFrom"} {
				if isSelector(n, "", name) {
					t.Errorf("%s: %s: %v have no SQL", f.position(set, n.Pos()), name, speechless)
				}
			}
			return true
		})
	}
	if looked < 50 {
		t.Fatalf("only %d files were looked at", looked)
	}
}

// text is a text in the source, not the path of an import.
type text struct {
	value string
	at    token.Pos
}

func texts(f *ast.File) (all []text) {
	ast.Inspect(f, func(n ast.Node) bool {
		if _, imported := n.(*ast.ImportSpec); imported {
			return false
		}
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			value, _ := strconv.Unquote(l.Value)
			all = append(all, text{value, l.Pos()})
		}
		return true
	})
	return all
}

// The checks themselves are checked: what they must find, and what they must leave.
func TestStatementsAreFound(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "p.go", `package p
		const (
			a = "INSERT INTO orders VALUES (1)"
			b = "UPDATE orders o SET x = 1"
			c = "SELECT 1 FROM orders FOR NO KEY UPDATE"
			d = "DELETE FROM orders"
			e = "SELECT pg_advisory_xact_lock(1)"
			f = "SELECT updated, deleted FROM orders WHERE created_at > $1"
			g = "to update this is to insert or delete, where you show what you select"
		)`, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, text := range texts(f) {
		if s := writes.FindString(text.value); s != "" {
			found = append(found, s)
		}
		if told := sql.MatchString(text.value); told == strings.HasPrefix(text.value, "to ") {
			t.Errorf("%q is SQL: %v", text.value, told)
		}
	}
	if got, want := strings.Join(found, ", "), "INSERT INTO, UPDATE orders o SET, FOR NO KEY UPDATE, DELETE FROM, pg_advisory_xact_lock"; got != want {
		t.Errorf("found %q, not %q", got, want)
	}
}
