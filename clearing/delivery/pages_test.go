package delivery

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"settled/clearing/remote"
)

// TestEveryClassOfDeliveryHasItsPage holds for the classes that are paged; time heals the two others.
func TestEveryClassOfDeliveryHasItsPage(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "remote", "errors.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); ok && typ.Name == "Class" {
			class := remote.Class(strings.Trim(spec.Values[0].(*ast.BasicLit).Value, `"`))
			found++
			_, paged := pageOfDelivery[class]
			if heals := class == remote.Timeout || class == remote.Connection; paged == heals {
				t.Errorf("class %s: has a page: %t", class, paged)
			}
		}
		return true
	})
	if found < 5 {
		t.Errorf("only %d classes were found", found)
	}
}
