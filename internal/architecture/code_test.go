package architecture

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// forbidden are names that nobody may use, with the files where they are all right.
var forbidden = []struct {
	pkg, name, why string
	except         []string
}{
	{"pgconn", "SafeToRetry", "the driver says it of transactions that did commit", []string{"internal/postgres/cut_test.go"}},
	{"ssh", "InsecureIgnoreHostKey", "anybody could be at the other end", nil},
	{"", "PosixRename", "it overwrites; a delivery must never replace a file", []string{"internal/pcsim/sftp_test.go"}},
}

func TestForbiddenNames(t *testing.T) {
	set, files := source(t)
	for _, f := range files {
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			for _, rule := range forbidden {
				if isSelector(n, rule.pkg, rule.name) && !within(f.name, rule.except...) {
					t.Errorf("%s: %s: %s", f.position(set, n.Pos()), rule.name, rule.why)
				}
			}
			return true
		})
	}
}

// isSelector reports whether n is pkg.name, or anything.name when pkg is empty.
func isSelector(n ast.Node, pkg, name string) bool {
	used, ok := n.(*ast.SelectorExpr)
	if !ok || used.Sel.Name != name {
		return false
	}
	x, ok := used.X.(*ast.Ident)
	return pkg == "" || ok && x.Name == pkg
}

// TestOnlySafeGo: no memory is read or written past the language's checks.
func TestOnlySafeGo(t *testing.T) {
	_, files := source(t)
	for _, f := range files {
		for _, path := range f.imports {
			if path == "unsafe" || path == "C" {
				t.Errorf("%s imports %s", f.name, path)
			}
		}
	}
}

// writesFiles are the functions that make files.
var writesFiles = []string{"Create", "CreateTemp", "WriteFile", "OpenFile", "Mkdir", "MkdirAll", "MkdirTemp"}

// TestCardDataGoesToNoFile: the rooms that see card numbers in the clear write no file of the machine. What they store is sealed rows.
func TestCardDataGoesToNoFile(t *testing.T) {
	set, files := source(t)
	for _, f := range files {
		if f.test || !within(f.dir, "authorize", "settle", "clearing", "fileformats") || within(f.dir, "authorize/page/pagetest") {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			for _, name := range writesFiles {
				if isSelector(n, "os", name) {
					t.Errorf("%s: os.%s: card data would reach the disk", f.position(set, n.Pos()), name)
				}
			}
			return true
		})
	}
}

// outer is where the clock may be read. Elsewhere time is a parameter, or a field that time.Now is the default of.
var outer = []string{
	"cmd", "internal/app", "internal/console", "internal/pcsim", "internal/postgres", "internal/vault", "internal/telemetry", "migrations",
}

func TestOnlyTheOuterLayerReadsTheClock(t *testing.T) {
	set, files := source(t)
	for _, f := range files {
		if f.test || within(f.dir, outer...) {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if isSelector(call.Fun, "time", "Now") || isSelector(call.Fun, "time", "Since") || isSelector(call.Fun, "time", "Until") {
				t.Errorf("%s: time is a parameter or a field here", f.position(set, n.Pos()))
			}
			// The deadline of a socket is the operating system's time.
			return !isSelector(call.Fun, "", "SetDeadline") && !isSelector(call.Fun, "", "SetReadDeadline") && !isSelector(call.Fun, "", "SetWriteDeadline")
		})
	}
}

func TestOnlyMigrationsUseDatabaseSQL(t *testing.T) {
	_, files := source(t)
	for _, f := range files {
		if within(f.dir, "migrations") {
			continue
		}
		for _, imported := range f.imports {
			if within(imported, "database/sql", "github.com/jackc/pgx/v5/stdlib", "github.com/pressly/goose") {
				t.Errorf("%s imports %s: it repeats statements by itself; use internal/postgres", f.name, imported)
			}
		}
	}
}

func TestPureRoomsStartNoGoroutines(t *testing.T) {
	set, files := source(t)
	for _, f := range files {
		if f.test || !within(f.dir, pure...) {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if _, ok := n.(*ast.GoStmt); ok {
				t.Errorf("%s: %v are pure", f.position(set, n.Pos()), pure)
			}
			return true
		})
	}
}

const (
	maxFileLines     = 500
	maxFunctionLines = 60
)

func TestFilesAndFunctionsAreShort(t *testing.T) {
	set, files := source(t)
	for _, f := range files {
		if f.test {
			continue
		}
		if f.lines > maxFileLines {
			t.Errorf("%s has %d lines, more than %d", f.name, f.lines, maxFileLines)
		}
		for _, declared := range f.syntax.Decls {
			function, ok := declared.(*ast.FuncDecl)
			if !ok || function.Body == nil {
				continue
			}
			lines := set.Position(function.Body.End()).Line - set.Position(function.Pos()).Line + 1
			if lines > maxFunctionLines {
				t.Errorf("%s: %s has %d lines, more than %d", f.position(set, function.Pos()), function.Name.Name, lines, maxFunctionLines)
			}
		}
	}
}

func TestPackagesAreNotDrawers(t *testing.T) {
	_, files := source(t)
	for _, f := range files {
		for _, drawer := range []string{"util", "utils", "common", "models", "types", "helpers", "misc"} {
			if f.syntax.Name.Name == drawer {
				t.Errorf("%s: a package is named after what it is about, not %s", f.name, drawer)
			}
		}
	}
}

func TestEveryPackageIsDocumented(t *testing.T) {
	_, files := source(t)
	documented := make(map[string]bool)
	for _, f := range files {
		if !f.test {
			documented[f.dir] = documented[f.dir] || f.syntax.Doc != nil
		}
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s has no package comment", dir)
		}
	}
}

func TestEveryExportedNameIsDocumented(t *testing.T) {
	set, files := source(t)
	for _, f := range files {
		if f.test {
			continue
		}
		for _, declared := range f.syntax.Decls {
			for _, name := range undocumented(declared) {
				t.Errorf("%s: %s has no comment", f.position(set, name.Pos()), name.Name)
			}
		}
	}
}

// wellKnown methods mean what their interface says.
var wellKnown = []string{"Error", "Unwrap", "Is", "String", "Len", "Less", "Swap", "Kind", "Describe", "Collect"}

// undocumented are the exported names that a declaration leaves without a comment. One comment on a group of constants
// or variables, or at the end of a line, will do.
func undocumented(declared ast.Decl) []*ast.Ident {
	switch d := declared.(type) {
	case *ast.FuncDecl:
		known := d.Recv != nil && slices.Contains(wellKnown, d.Name.Name)
		if d.Doc == nil && d.Name.IsExported() && exportedReceiver(d) && !known {
			return []*ast.Ident{d.Name}
		}
	case *ast.GenDecl:
		var names []*ast.Ident
		for _, spec := range d.Specs {
			names = append(names, undocumentedSpec(d, spec)...)
		}
		return names
	}
	return nil
}

func undocumentedSpec(d *ast.GenDecl, spec ast.Spec) (names []*ast.Ident) {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() && s.Doc == nil && s.Comment == nil && d.Doc == nil {
			names = append(names, s.Name)
		}
	case *ast.ValueSpec:
		for _, name := range s.Names {
			if name.IsExported() && s.Doc == nil && s.Comment == nil && d.Doc == nil {
				names = append(names, name)
			}
		}
	}
	return names
}

// exportedReceiver reports whether d is a function or a method of an exported type: others are not seen from outside.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	receiver := d.Recv.List[0].Type
	for {
		switch r := receiver.(type) {
		case *ast.StarExpr:
			receiver = r.X
		case *ast.IndexExpr:
			receiver = r.X
		case *ast.IndexListExpr:
			receiver = r.X
		case *ast.Ident:
			return r.IsExported()
		default:
			return false
		}
	}
}

// TestCommentsAreFinished: what is to be done belongs into the tracker.
func TestCommentsAreFinished(t *testing.T) {
	set, files := source(t)
	for _, f := range files {
		for _, group := range f.syntax.Comments {
			for _, word := range []string{"TO" + "DO", "FIX" + "ME", "X" + "XX"} {
				if strings.Contains(group.Text(), word) {
					t.Errorf("%s: %s", f.position(set, group.Pos()), word)
				}
			}
		}
	}
}

// TestCallsForAPersonAreDocumented: what the log calls a person for stands in docs/metrics.md. The night's pages have a table of
// their own there.
func TestCallsForAPersonAreDocumented(t *testing.T) {
	document, err := os.ReadFile(filepath.Join("..", "..", "docs", "metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	said := strings.Join(strings.Fields(string(document)), " ")
	set, files := source(t)
	found := 0
	for _, f := range files {
		if f.test {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			l, ok := n.(*ast.BasicLit)
			if !ok || l.Kind != token.STRING || !strings.HasPrefix(l.Value, `"a person must look at`) {
				return true
			}
			found++
			if text := strings.TrimSpace(strings.Trim(l.Value, `"`)); !strings.Contains(said, text) {
				t.Errorf("%s: docs/metrics.md does not say what to do when %s", f.position(set, n.Pos()), text)
			}
			return true
		})
	}
	if found < 3 {
		t.Errorf("only %d calls were found", found)
	}
}
