package architecture

import (
	"go/ast"
	"go/token"
	"strconv"
	"strings"
	"testing"
)

// logKey is a key that a place of the code logs under.
type logKey struct {
	name string // empty: it is no constant
	at   token.Pos
}

// attributes are the functions of log/slog that make one attribute, whose key is their first argument.
var attributes = map[string]bool{"Any": true, "Bool": true, "Duration": true, "Float64": true, "Group": true, "Int": true, "Int64": true, "String": true, "Time": true, "Uint64": true}

// lines are the methods of a logger, by the place where keys and values begin in their arguments.
var lines = map[string]int{"Debug": 1, "Info": 1, "Warn": 1, "Error": 1, "DebugContext": 2, "InfoContext": 2, "WarnContext": 2, "ErrorContext": 2, "Log": 3, "LogAttrs": 3, "With": 0}

// TestKeysOfLogsAreKnown goes through every place that logs: the redactor has to know whether a key holds bill numbers.
func TestKeysOfLogsAreKnown(t *testing.T) {
	set, files := source(t)
	known, used := knownKeys(files), map[string]bool{}
	for _, f := range files {
		if f.test || f.dir == "internal/telemetry" {
			continue
		}
		for _, key := range logKeys(f.syntax) {
			if used[key.name] = true; key.name == "" {
				t.Errorf("%s: a key of a log line is no constant text", f.position(set, key.at))
			} else if !known[key.name] {
				t.Errorf("%s: put %q into telemetry.Keys", f.position(set, key.at), key.name)
			}
		}
	}
	for name := range known {
		if !used[name] {
			t.Errorf("nothing logs under %q: take it from telemetry.Keys", name)
		}
	}
	if len(used) < 50 {
		t.Fatalf("only %d keys were found", len(used))
	}
}

// knownKeys are the keys of the map telemetry.Keys.
func knownKeys(files []file) map[string]bool {
	known := map[string]bool{}
	for _, f := range files {
		if f.name != "internal/telemetry/keys.go" {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if pair, ok := n.(*ast.KeyValueExpr); ok {
				known[keyOf(pair.Key).name] = true
			}
			return true
		})
	}
	return known
}

// logKeys are the keys in a file: those of attributes, and those in calls of what is named like a logger.
func logKeys(f *ast.File) (keys []logKey) {
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		selector, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		first, logs := lines[selector.Sel.Name]
		switch {
		case named(selector.X) == "slog" && attributes[selector.Sel.Name]:
			keys = append(keys, keyOf(call.Args[0]))
		case logs && isLogger(selector.X):
			keys = append(keys, pairs(call, first)...)
		}
		return true
	})
	return keys
}

// pairs are the keys among the arguments of a call, where an attribute stands for a key and its value.
func pairs(call *ast.CallExpr, first int) (keys []logKey) {
	for i := first; i < len(call.Args) && !call.Ellipsis.IsValid(); i++ {
		if _, attribute := call.Args[i].(*ast.CallExpr); attribute {
			continue
		}
		keys = append(keys, keyOf(call.Args[i]))
		i++
	}
	return keys
}

func keyOf(e ast.Expr) logKey {
	text, ok := e.(*ast.BasicLit)
	if !ok {
		return logKey{at: e.Pos()}
	}
	name, _ := strconv.Unquote(text.Value)
	return logKey{name, e.Pos()}
}

// named is the last name of an expression.
func named(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.CallExpr:
		return named(e.Fun)
	}
	return ""
}

func isLogger(e ast.Expr) bool {
	name := strings.ToLower(named(e))
	return name == "slog" || strings.HasSuffix(name, "log") || strings.HasSuffix(name, "logger") || name == "with"
}
