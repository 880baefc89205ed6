package architecture

import (
	"go/ast"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// configuration is the room that reads the file; the sections of other rooms are read there or in the room itself.
const configuration = "internal/config"

// TestEveryKeyIsRead: a key of the configuration that nobody reads would be taken, documented and without effect. A field counts as read
// when its name is selected in the room that declares it, or where the file is read.
func TestEveryKeyIsRead(t *testing.T) {
	set, files := source(t)
	read := map[string]map[string]bool{} // names that a room selects
	for _, f := range files {
		if !f.test && read[f.dir] == nil {
			read[f.dir] = map[string]bool{}
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && !f.test {
				read[f.dir][s.Sel.Name] = true
			}
			return true
		})
	}
	keys := 0
	for _, f := range files {
		if f.test || !within(f.dir, configuration, "clearing", "authorize") {
			continue
		}
		for name := range keysOf(f.syntax) {
			keys++
			if !read[f.dir][name.Name] && !read[configuration][name.Name] {
				t.Errorf("%s: nobody reads the key of %s", f.position(set, name.Pos()), name.Name)
			}
		}
	}
	if keys < 100 {
		t.Fatalf("only %d keys were found", keys)
	}
}

// keysOf are the fields of a file that the configuration sets.
func keysOf(f *ast.File) map[*ast.Ident]bool {
	found := map[*ast.Ident]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		field, ok := n.(*ast.Field)
		if !ok || field.Tag == nil {
			return true
		}
		tag, err := strconv.Unquote(field.Tag.Value)
		if key, _, _ := strings.Cut(reflect.StructTag(tag).Get("yaml"), ","); err == nil && key != "" {
			for _, name := range field.Names {
				found[name] = true
			}
		}
		return true
	})
	return found
}
