package architecture

import (
	"go/ast"
	"strconv"
	"strings"
	"testing"
)

// typeNames are the endings of metrics' names by what makes them. docs/metrics.md tells types by names, also of what has no sample yet.
var typeNames = map[string]string{"NewCounter": "_total", "NewCounterVec": "_total", "NewHistogram": "_duration_seconds",
	"NewHistogramVec": "_duration_seconds"}

// TestNamesOfMetricsSayTheirTypes: a counter ends in _total, a histogram in _duration_seconds, and nothing else does.
func TestNamesOfMetricsSayTheirTypes(t *testing.T) {
	set, files := source(t)
	found := 0
	for _, f := range files {
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			made, name := metricOf(n)
			if name == "" || f.test {
				return true
			}
			found++
			for _, ending := range []string{"_total", "_duration_seconds"} {
				if strings.HasSuffix(name, ending) != (typeNames[made] == ending) {
					t.Errorf("%s: the name of %s does not say that %s makes it", f.position(set, n.Pos()), name, made)
				}
			}
			return true
		})
	}
	if found < 15 {
		t.Errorf("only %d metrics were found", found)
	}
}

// metricOf tells which constructor of prometheus a node calls, and with which name; empty: none, or a name that is put together.
func metricOf(n ast.Node) (made, name string) {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return "", ""
	}
	function, ok := call.Fun.(*ast.SelectorExpr)
	options, is := call.Args[0].(*ast.CompositeLit)
	if !ok || !is || !isSelector(function, "prometheus", function.Sel.Name) {
		return "", ""
	}
	for _, e := range options.Elts {
		pair, ok := e.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		if key, ok := pair.Key.(*ast.Ident); ok && key.Name == "Name" {
			if text, ok := pair.Value.(*ast.BasicLit); ok {
				name, _ = strconv.Unquote(text.Value)
			}
		}
	}
	return function.Sel.Name, name
}
