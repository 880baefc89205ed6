package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// secretName is how things are called whose comparison must not tell how much of a guess is right.
var secretName = regexp.MustCompile(`(?i)^(.*(password|secret|salt|signature|checkvalue|digest|mac|hmac|token|cvv|cvc|otp|apikey|hashed|tag|fingerprint)(hex)?|sum|hash)$`)

// guarded are the rooms that compare what strangers send with what they must not guess.
var guarded = []string{"authorize", "internal/vault", "internal/pcsim", "internal/app/edge"}

// comparers compare byte by byte and stop at the first difference.
var comparers = []struct{ pkg, name string }{{"bytes", "Equal"}, {"bytes", "Compare"}, {"bytes", "HasPrefix"}, {"strings", "EqualFold"}, {"strings", "Compare"},
	{"slices", "Equal"}, {"reflect", "DeepEqual"}, {"bytes", "EqualFold"}, {"maps", "Equal"}}

// leave are comparisons that look like the forbidden ones and are none, by file and text of the operand.
var leave = map[string]string{
	"authorize/instant/refund.go Token":              "the bank's echo of what we sent it, over a connection that is the bank's",
	"internal/pcsim/judge.go hash":                   "the name of a file's content; both files are there to see",
	"internal/vault/generations.go stateFingerprint": "a constant of another file",
	"internal/vault/ring.go checkValue":              "the check value of a key in a file that its reader owns",
}

// TestSecretsAreComparedInConstantTime finds comparisons of what is called like a secret by anything that stops at the
// first difference. To compare with a constant, such as the empty text, is to ask whether it is there.
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	set, files := source(t)
	looked, left := 0, map[string]bool{}
	for _, f := range files {
		if f.test || !within(f.dir, guarded...) {
			continue
		}
		looked++
		for _, found := range comparedSecrets(f.syntax) {
			if left[f.name+" "+found.name] = true; leave[f.name+" "+found.name] == "" {
				t.Errorf("%s: %s is compared by something that stops at the first difference: use crypto/subtle or hmac.Equal", f.position(set, found.at), found.name)
			}
		}
	}
	for name := range leave {
		if !left[name] {
			t.Errorf("%s is not compared any more: take it from the list", name)
		}
	}
	if looked < 20 {
		t.Fatalf("only %d files were looked at", looked)
	}
}

type compared struct {
	name string
	at   token.Pos
}

func comparedSecrets(f *ast.File) (found []compared) {
	constants := constantsOf(f)
	add := func(operands ...ast.Expr) {
		if slices.ContainsFunc(operands, func(e ast.Expr) bool { return isConstant(e, constants) }) {
			return
		}
		for _, e := range operands {
			if name := nameOf(e); secretName.MatchString(name) {
				found = append(found, compared{name, e.Pos()})
				return
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if n.Op == token.EQL || n.Op == token.NEQ {
				add(n.X, n.Y)
			}
		case *ast.CallExpr:
			if len(n.Args) == 2 && slices.ContainsFunc(comparers, func(c struct{ pkg, name string }) bool { return isSelector(n.Fun, c.pkg, c.name) }) {
				add(n.Args...)
			}
		}
		return true
	})
	return found
}

// constantsOf are the names of the file's constants.
func constantsOf(f *ast.File) []string {
	var names []string
	ast.Inspect(f, func(n ast.Node) bool {
		if d, ok := n.(*ast.GenDecl); ok && d.Tok == token.CONST {
			for _, s := range d.Specs {
				for _, name := range s.(*ast.ValueSpec).Names {
					names = append(names, name.Name)
				}
			}
		}
		return true
	})
	return names
}

// isConstant tells what is a literal, nil, a length, or a constant by declaration.
func isConstant(e ast.Expr, constants []string) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.Ident:
		return e.Name == "nil" || e.Name == "true" || e.Name == "false" || slices.Contains(constants, e.Name)
	case *ast.CallExpr:
		return nameOf(e.Fun) == "len"
	}
	return false
}

// nameOf is what an expression is called: the last of a chain of selectors, through conversions, slices and indexes.
func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.ParenExpr:
		return nameOf(e.X)
	case *ast.SliceExpr:
		return nameOf(e.X)
	case *ast.IndexExpr:
		if index, ok := e.Index.(*ast.Ident); ok {
			return index.Name // c.values[inPassword]
		}
		return nameOf(e.X)
	case *ast.StarExpr:
		return nameOf(e.X)
	case *ast.CallExpr:
		if f := nameOf(e.Fun); len(e.Args) == 1 && (f == "string" || f == "text" || // c.text(inPassword)
			strings.HasPrefix(f, "To")) {
			return nameOf(e.Args[0])
		}
		return nameOf(e.Fun)
	}
	return ""
}

// The check itself is checked: what it must find, and what it must leave.
func TestComparedSecretsAreFound(t *testing.T) {
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, "p.go", `package p
		const domain = "x"
		func f(a, signature string, password []byte, m map[string]string) bool {
			return signature == a || bytes.Equal(password, []byte(a)) || string(m["x"]) != m.checkValue ||
				strings.EqualFold(c.Sum, a) || h.text(inPassword) == a || values[inPassword] == a ||
				signature == "" || password != nil || len(password) == 3 || domain == signature || subtle.ConstantTimeCompare(password, x) == 1
		}`, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range comparedSecrets(f) {
		names = append(names, c.name)
	}
	slices.Sort(names)
	if got, want := strings.Join(names, " "), "Sum checkValue inPassword inPassword password signature"; got != want {
		t.Errorf("found %q, not %q", got, want)
	}
}
