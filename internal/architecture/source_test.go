package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// module is the import path of the root.
const module = "settled"

// file is one parsed Go file of the module.
type file struct {
	name    string // relative to the root, with slashes
	dir     string // "." for the root
	test    bool   // compiled into tests only
	lines   int
	syntax  *ast.File
	imports []string
}

// position is a place in the file, for messages.
func (f file) position(set *token.FileSet, at token.Pos) string {
	return f.name + ":" + strconv.Itoa(set.Position(at).Line)
}

// source parses every Go file of the module.
func source(t *testing.T) (*token.FileSet, []file) {
	t.Helper()
	root := filepath.Join("..", "..")
	set := token.NewFileSet()
	var files []file
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != "." && (entry.Name() == "tools" || entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".")) {
			return fs.SkipDir
		}
		if entry.IsDir() || path.Ext(name) != ".go" {
			return nil
		}
		f, err := parse(set, root, name)
		files = append(files, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 20 {
		t.Fatalf("only %d files found; the check looks at nothing", len(files))
	}
	return set, files
}

func parse(set *token.FileSet, root, name string) (file, error) {
	f := file{name: name, dir: path.Dir(name), test: strings.HasSuffix(name, "_test.go") || isTestPackage(path.Dir(name))}
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		return f, err
	}
	f.lines = strings.Count(string(text), "\n")
	if f.syntax, err = parser.ParseFile(set, name, text, parser.ParseComments); err != nil {
		return f, err
	}
	for _, spec := range f.syntax.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return f, err
		}
		f.imports = append(f.imports, imported)
	}
	return f, nil
}

// isTestPackage reports whether a package is for tests only, which its name says: pgtest.
func isTestPackage(dir string) bool {
	base := path.Base(dir)
	return len(base) > len("test") && strings.HasSuffix(base, "test")
}

// within reports whether dir is one of the rooms or below one.
func within(dir string, rooms ...string) bool {
	for _, room := range rooms {
		if dir == room || strings.HasPrefix(dir, room+"/") {
			return true
		}
	}
	return false
}
