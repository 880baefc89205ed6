// Command walls measures how the code is divided: lines and files of each package, methods of each type, lengths of functions,
// and which references between the files of a room run back up.
//
// A reference is a pair of files of which the first uses what the second declares. The files of a room are put in the order in
// which the fewest references run from a later file to an earlier one, as far as the greedy heuristic of Eades, Lin and Smyth
// (1993) finds it: these are the references that run back up, because no order of the files is without them. Files of a room
// are those of its package and of the packages below it; between packages Go itself allows no way back.
//
// Run it from the folder tools: go run ./walls [folder of the module] room ...
package main

import (
	"cmp"
	"flag"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

func main() {
	names := flag.Bool("names", false, "print the references that run back up")
	flag.Parse()
	if flag.NArg() < 2 {
		fmt.Fprintln(os.Stderr, "usage: walls [-names] folder room ...")
		os.Exit(2)
	}
	if err := run(flag.Arg(0), flag.Args()[1:], *names); err != nil {
		fmt.Fprintln(os.Stderr, "walls:", err)
		os.Exit(1)
	}
}

// house is the loaded module.
type house struct {
	root     string
	packages []*packages.Package
}

// load reads and types every package of the module at root, without tests.
func load(root string) (*house, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	mode := packages.NeedName | packages.NeedFiles | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedImports | packages.NeedDeps
	all, err := packages.Load(&packages.Config{Mode: mode, Dir: root}, "./...")
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		if len(p.Errors) > 0 {
			return nil, fmt.Errorf("load %s: %w", p.PkgPath, p.Errors[0])
		}
	}
	return &house{root, all}, nil
}

func run(root string, rooms []string, names bool) error {
	h, err := load(root)
	if err != nil {
		return err
	}
	h.printPackages()
	h.printTypes()
	h.printFunctions()
	for _, room := range rooms {
		h.printRoom(room, names)
	}
	return nil
}

// place is a position's file, as a path below the root.
func (h *house) place(p *packages.Package, at token.Pos) string {
	name, err := filepath.Rel(h.root, p.Fset.Position(at).Filename)
	if err != nil {
		return p.Fset.Position(at).Filename
	}
	return filepath.ToSlash(name)
}

// named is a count with what it is of.
type named struct {
	name  string
	count int
	note  string
}

// printLargest prints the largest counts, largest first.
func printLargest(title string, all []named, most int) {
	slices.SortFunc(all, func(a, b named) int { return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.name, b.name)) })
	fmt.Println(title)
	for _, n := range all[:min(most, len(all))] {
		fmt.Printf("  %6d  %s%s\n", n.count, n.name, n.note)
	}
}

func (h *house) printPackages() {
	var all []named
	for _, p := range h.packages {
		lines := 0
		for _, f := range p.Syntax {
			lines += p.Fset.Position(f.FileEnd).Line
		}
		all = append(all, named{p.PkgPath, lines, fmt.Sprintf(", %d files", len(p.Syntax))})
	}
	printLargest("lines of the largest packages, tests apart", all, 12)
}

func (h *house) printTypes() {
	var all []named
	for _, p := range h.packages {
		for _, name := range p.Types.Scope().Names() {
			if t, ok := p.Types.Scope().Lookup(name).Type().(*types.Named); ok {
				all = append(all, named{p.PkgPath + "." + name, t.NumMethods(), ""})
			}
		}
	}
	printLargest("methods of the largest types", all, 8)
}

// printFunctions prints the middle, the ninth tenth and the longest of the functions' lines, from func to the closing brace.
func (h *house) printFunctions() {
	var lines []int
	for _, p := range h.packages {
		for _, f := range p.Syntax {
			for _, d := range f.Decls {
				if function, ok := d.(*ast.FuncDecl); ok && function.Body != nil {
					lines = append(lines, p.Fset.Position(function.End()).Line-p.Fset.Position(function.Pos()).Line+1)
				}
			}
		}
	}
	slices.Sort(lines)
	fmt.Printf("functions: %d, median %d lines, p90 %d, longest %d\n", len(lines), lines[len(lines)/2], lines[len(lines)*9/10], lines[len(lines)-1])
}

// printRoom prints how many references there are between the files of a room, and how many of them run back up.
func (h *house) printRoom(room string, names bool) {
	g := h.references(room)
	order := g.order()
	back := g.back(order)
	fmt.Printf("%s: %d files, %d references between them, %d run back up\n", room, len(order), g.size(), len(back))
	for _, r := range back {
		if names {
			fmt.Printf("  %s → %s (%s)\n", r.from, r.to, g.uses[r])
		}
	}
}

// reference is a file that uses what another one declares.
type reference struct{ from, to string }

// graph is the references of a room, with the first name that each is by.
type graph struct {
	files map[string]bool
	uses  map[reference]string
}

// references reads the graph of a room. Fields and methods belong to the file that declares them.
func (h *house) references(room string) *graph {
	g := &graph{map[string]bool{}, map[reference]string{}}
	for _, p := range h.packages {
		if !h.within(p, room) {
			continue
		}
		for _, f := range p.Syntax {
			g.files[h.place(p, f.Pos())] = true
		}
		for used, object := range p.TypesInfo.Uses {
			h.refer(g, p, room, used, object)
		}
	}
	return g
}

func (h *house) within(p *packages.Package, room string) bool {
	if len(p.Syntax) == 0 {
		return false
	}
	dir := filepath.ToSlash(filepath.Dir(h.place(p, p.Syntax[0].Pos())))
	return dir == room || strings.HasPrefix(dir, room+"/")
}

// refer adds the reference that a use of an object is, if it leads into another file of the room.
func (h *house) refer(g *graph, p *packages.Package, room string, used *ast.Ident, object types.Object) {
	if object.Pkg() == nil || !object.Pos().IsValid() {
		return
	}
	r := reference{h.place(p, used.Pos()), h.place(p, object.Pos())}
	if r.from == r.to || !strings.HasPrefix(r.to, room+"/") {
		return
	}
	if name, ok := g.uses[r]; !ok || object.Name() < name {
		g.uses[r] = object.Name()
	}
}

func (g *graph) size() int { return len(g.uses) }

// order puts the files so that few references run back: repeatedly the files that use nothing of the rest come last, those
// that nothing uses come first, and of the others that first which uses most and is used least.
func (g *graph) order() []string {
	rest := map[string]bool{}
	for f := range g.files {
		rest[f] = true
	}
	var first, last []string
	for len(rest) > 0 {
		f, atEnd := g.next(rest)
		if atEnd {
			last = append(last, f)
		} else {
			first = append(first, f)
		}
		delete(rest, f)
	}
	slices.Reverse(last)
	return append(first, last...)
}

// next chooses the file to place next, and whether it goes to the end.
func (g *graph) next(rest map[string]bool) (best string, atEnd bool) {
	out, in := map[string]int{}, map[string]int{}
	for r := range g.uses {
		if rest[r.from] && rest[r.to] {
			out[r.from]++
			in[r.to]++
		}
	}
	names := make([]string, 0, len(rest))
	for f := range rest {
		names = append(names, f)
	}
	slices.Sort(names)
	for _, f := range names {
		switch {
		case out[f] == 0:
			return f, true
		case in[f] == 0:
			return f, false
		case best == "" || out[f]-in[f] > out[best]-in[best]:
			best = f
		}
	}
	return best, false
}

// back are the references from a later file to an earlier one, by name.
func (g *graph) back(order []string) []reference {
	at := map[string]int{}
	for i, f := range order {
		at[f] = i
	}
	var back []reference
	for r := range g.uses {
		if at[r.from] > at[r.to] {
			back = append(back, r)
		}
	}
	slices.SortFunc(back, func(a, b reference) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	return back
}
